"""Access to hosts: open the log files of a host, and trust its SSH key.

Pulls and checks open files; `clickstream sources trust` asks a host for its key and stores it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clickstream.collect import Host, HostLogin, LogSource, kind_of
from clickstream.core.errors import HostUnreachable, InputError, NoHost
from clickstream.settings import Settings, SourceSettings

if TYPE_CHECKING:
    import asyncssh


def login_of(settings: Settings, source: SourceSettings) -> HostLogin:
    """Return the login from the settings. Raises InputError if an Airflow connection has it."""
    if source.connection:
        raise InputError(
            f"The login of {source.name} is in the Airflow connection {source.connection}, which "
            "only Airflow can read: let the DAG clickstream_hourly pull it, or set user and "
            "key_file in its place."
        )
    return HostLogin(source.user, key_file=str(settings.resolve(source.key_file)))


@contextmanager
def open_source(
    settings: Settings, host: Host, login: HostLogin | None = None
) -> Iterator[LogSource]:
    """Open the files of a host for as long as the block runs.

    Raises InputError, HostUnreachable or HostKeyRefused if they can't be reached.
    """
    if host.problem:
        raise (NoHost if host.needs_person else HostUnreachable)(host.problem)
    kind = kind_of(host.source)
    if kind.needs_login and login is None:
        login = login_of(settings, host.source)
    with kind.open(settings, host, login) as files:
        yield files


@dataclass(frozen=True)
class ShownKey:
    """The key that a host presented, and the fingerprints of its keys that are trusted already."""

    host: Host
    key: asyncssh.SSHKey
    trusted: list[str]

    @property
    def fingerprint(self) -> str:
        """The key's fingerprint, such as `SHA256:…`."""
        return str(self.key.get_fingerprint())

    @property
    def kind(self) -> str:
        """The type of the key, such as `ssh-ed25519`."""
        return self.key.get_algorithm()

    @property
    def is_trusted(self) -> bool:
        """Whether exactly this key is trusted already."""
        return self.fingerprint in self.trusted


def known_hosts_of(settings: Settings) -> Path:
    """Return the path of the file of trusted host keys."""
    return settings.resolve(settings.collect.known_hosts)


def ask_for_key(settings: Settings, host: Host) -> ShownKey:
    """Ask a host for its key. Raises HostUnreachable, and InputError for a host without SSH."""
    from clickstream.collect import known_hosts, ssh  # imports asyncssh

    if not kind_of(host.source).needs_login:
        raise InputError(f"{host.name} is a directory of this machine; it needs no host key.")
    if not host.address and not host.problem:
        raise InputError(
            f"The address of {host.name} is in the Airflow connection {host.source.connection}: "
            "put the host's key into the connection's extra, as host_key."
        )
    if not host.address:
        raise NoHost(host.problem)
    trusted = known_hosts.read_trusted(known_hosts_of(settings), host.key_name)
    key = ssh.fetch_host_key(host, settings.collect.connect_seconds)
    return ShownKey(host, key, trusted.fingerprints)


def trust(settings: Settings, shown: ShownKey) -> None:
    """Trust the key that a host presented, and remove other keys of it that were trusted before."""
    from clickstream.collect import known_hosts

    known_hosts.replace_keys(known_hosts_of(settings), shown.host.key_name, shown.key)
