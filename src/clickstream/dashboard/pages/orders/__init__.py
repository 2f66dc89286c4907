"""The Orders tab: what happens between the first page and an order."""
