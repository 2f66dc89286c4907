"""Trust the keys of hosts: ask a host for its key, compare it with the trusted ones, store it.

`clickstream sources trust` calls this.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from clickstream.collect import Host, kind_of
from clickstream.core.errors import InputError, NoHost
from clickstream.settings import Settings

if TYPE_CHECKING:
    import asyncssh


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
