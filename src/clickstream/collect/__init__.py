"""Sources of logs: list and read log files of this machine and of other hosts.

`source` is the contract of all sources; `directory` reads a local directory, `sftp` one of another
host (import it only when a host is pulled: it loads asyncssh). `log` reads the content of an open
file, `file_identity` recognizes it under any name.
"""

from clickstream.collect.directory import DirectorySource
from clickstream.collect.hosts import Host, HostLogin, find_instances, gone_host, instance_name
from clickstream.collect.kinds import hosts_of, kind_of
from clickstream.collect.log import OpenLog
from clickstream.collect.source import (
    FileHandle,
    FileStat,
    LeftOut,
    ListedFile,
    LogSource,
    is_named_access_log,
)

__all__ = [
    "DirectorySource",
    "FileHandle",
    "FileStat",
    "Host",
    "HostLogin",
    "LeftOut",
    "ListedFile",
    "LogSource",
    "OpenLog",
    "find_instances",
    "gone_host",
    "hosts_of",
    "instance_name",
    "is_named_access_log",
    "kind_of",
]
