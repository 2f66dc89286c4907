"""The Trust tab: whether the numbers can be trusted."""
