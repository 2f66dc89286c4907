"""Log files on this machine: which ones are access logs, and their parsed lines."""
