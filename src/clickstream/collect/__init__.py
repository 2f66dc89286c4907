"""The outside world: where log files are found and read.

A source lists its files; each file has a fingerprint that stays the same whatever the file is
called, and gives its bytes from any offset of its uncompressed content.
"""

from clickstream.collect.directory import LogFile, list_files
from clickstream.collect.not_logs import is_set_aside

__all__ = ["LogFile", "is_set_aside", "list_files"]
