"""Reports on log files: `clickstream try` in `trial`, `clickstream bots check` in `bots_check`."""
