"""The kinds of sources: one table with what each kind needs, for all modules that tell them apart.

A new kind is one entry of `KINDS`, a reader that implements `LogSource`, and its settings
(`settings.sources`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace

from clickstream.collect import limits
from clickstream.collect.directory import DirectorySource
from clickstream.collect.hosts import Host, HostLogin, named_hosts, this_machine
from clickstream.collect.source import LogSource
from clickstream.core.errors import InputError
from clickstream.settings import Settings
from clickstream.settings.sources import SourceSettings


@dataclass(frozen=True)
class SourceKind:
    """One kind of sources.

    `hosts` returns the hosts that a source names itself. `open` opens the files of a host, with a
    login if the kind `needs_login`; it raises InputError, HostUnreachable or HostKeyRefused. The
    files of another host also raise UnusableAnswer and PullLimitReached.
    """

    hosts: Callable[[SourceSettings], list[Host]]
    open: Callable[[Settings, Host, HostLogin | None], AbstractContextManager[LogSource]]
    needs_login: bool


@contextmanager
def _open_directory(settings: Settings, host: Host, _: HostLogin | None) -> Iterator[LogSource]:
    yield DirectorySource(settings.resolve(host.source.path), host.source.pattern)


@contextmanager
def _open_sftp(settings: Settings, host: Host, login: HostLogin | None) -> Iterator[LogSource]:
    from clickstream.collect import sftp  # imports asyncssh, which a directory does not need

    if login is None:
        raise InputError(f"{host.name} needs a login: set user and key_file of its source.")
    collect = settings.collect
    known_hosts = settings.resolve(collect.known_hosts)
    allowed = replace(limits.LIMITS, seconds=collect.pull_minutes * 60)
    with sftp.connect(host, login, known_hosts, collect.connect_seconds, allowed) as files:
        yield files


KINDS: Mapping[str, SourceKind] = {
    "directory": SourceKind(this_machine, _open_directory, needs_login=False),
    "sftp": SourceKind(named_hosts, _open_sftp, needs_login=True),
}
"""Each kind by the name that the settings have."""


def kind_of(source: SourceSettings) -> SourceKind:
    """Return the kind of a source."""
    return KINDS[source.kind]


def hosts_of(source: SourceSettings) -> list[Host]:
    """Return the hosts that a source names itself: all but its EC2 instances."""
    return kind_of(source).hosts(source)
