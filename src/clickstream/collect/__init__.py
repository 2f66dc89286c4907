"""Sources of logs: where log files are found and read.

`source` is the contract of all of them, `directory` the one that reads a local directory. `log`
reads the content of an open file, `identity` knows it again under any name.
"""

from clickstream.collect.directory import DirectorySource
from clickstream.collect.hosts import Host, Login, hosts_of
from clickstream.collect.log import OpenLog
from clickstream.collect.source import (
    FileHandle,
    FileStat,
    ListedFile,
    LogSource,
    is_named_access_log,
)

__all__ = [
    "DirectorySource",
    "FileHandle",
    "FileStat",
    "Host",
    "ListedFile",
    "LogSource",
    "Login",
    "OpenLog",
    "hosts_of",
    "is_named_access_log",
]
