"""Sources of logs: where log files are found and read.

`source` is the contract of all of them; `directory` reads a local directory, `sftp` one of another
host (import it only where a host is pulled: it loads asyncssh). `log` reads the content of an open
file, `identity` knows it again under any name.
"""

from clickstream.collect.directory import DirectorySource
from clickstream.collect.hosts import Host, Login, hosts_of
from clickstream.collect.instances import find_instances, gone_host, instance_name
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
    "LeftOut",
    "ListedFile",
    "LogSource",
    "Login",
    "OpenLog",
    "find_instances",
    "gone_host",
    "hosts_of",
    "instance_name",
    "is_named_access_log",
]
