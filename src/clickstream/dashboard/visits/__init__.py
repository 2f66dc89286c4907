"""Single visits: the list of the visits behind a number, one visit, and its log lines."""
