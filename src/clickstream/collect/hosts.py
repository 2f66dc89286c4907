"""Hosts: the machines of a source, each with a permanent name for bookmarks and raw objects."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from clickstream.settings import SourceSettings

SSH_PORT = 22

_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
"""Characters of a connection's id that a key in S3 should not have."""


@dataclass(frozen=True)
class Host:
    """One machine that has a source's files.

    `name` never changes: `web` for the directory of source `web`, `web.shop-1.example` for a host
    by name, `web.i-0abc` for an EC2 instance, whatever its address is, and `web.shop_ssh` for the
    only host of an Airflow connection `shop_ssh`, whose address only the connection has. `key_name`
    is the name under which the host's key is trusted; it is empty for a host without an address.
    `problem` says why the host can't be reached now, for example because its instance is stopped;
    it is empty for all others. `needs_person` means that the problem stays until a person changes
    something.
    """

    name: str
    source: SourceSettings
    address: str = ""
    port: int = SSH_PORT
    key_name: str = ""
    problem: str = ""
    needs_person: bool = False


@dataclass(frozen=True)
class HostLogin:
    """How to log in to a host, as plain values; no representation of it contains secrets.

    `private_key` is the text of a key, `key_file` the path of one. `host_key`, a line such as
    `ssh-ed25519 AAAA…`, is trusted in addition to those in the file of known hosts. `address` and
    `port` are used for a host that its source does not name.
    """

    user: str
    key_file: str = ""
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    host_key: str = ""
    address: str = ""
    port: int = SSH_PORT


def this_machine(source: SourceSettings) -> list[Host]:
    """Return the one host of a directory of this machine."""
    return [Host(source.name, source)]


def named_hosts(source: SourceSettings) -> list[Host]:
    """Return the hosts that a remote source names itself: all but its EC2 instances."""
    if source.connection and not source.hosts and not source.instances:
        return [Host(f"{source.name}.{_UNUSUAL.sub('-', source.connection)}", source)]
    return [_host(source, text) for text in source.hosts]


def _host(source: SourceSettings, text: str) -> Host:
    address, _, port = text.partition(":")
    label = address.lower() + (f"_{port}" if port else "")
    key_name = f"[{address}]:{port}" if port else address
    return Host(f"{source.name}.{label}", source, address, int(port or SSH_PORT), key_name)
