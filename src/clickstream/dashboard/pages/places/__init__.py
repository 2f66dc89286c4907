"""The Places tab: where customers are, and where the next café could be."""
