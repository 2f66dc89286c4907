"""Hosts: the machines of a source, each with a name that its bookmarks and raw objects keep."""

from __future__ import annotations

from dataclasses import dataclass, field

from clickstream.settings import Source

SSH_PORT = 22


@dataclass(frozen=True)
class Host:
    """One machine that a source's files are on.

    `name` never changes: `web` for the directory of source `web`, `web.shop-1.example` for a host
    by name, `web.i-0abc` for an EC2 instance, whatever its address is. `key_name` is the name under
    which the host's key is trusted. `problem` says why the host can't be reached now, such as an
    instance that is stopped; it is empty for all others.
    """

    name: str
    source: Source
    address: str = ""
    port: int = SSH_PORT
    key_name: str = ""
    problem: str = ""


@dataclass(frozen=True)
class Login:
    """How to log in to a host, as plain values; secrets are in no representation of it.

    `private_key` is the text of a key, `key_file` the path of one. `host_key`, a line such as
    `ssh-ed25519 AAAA…`, is trusted beside those of the file of known hosts. `address` and `port`
    are used for a host that its source does not name.
    """

    user: str
    key_file: str = ""
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    host_key: str = ""
    address: str = ""
    port: int = SSH_PORT


def hosts_of(source: Source) -> list[Host]:
    """The hosts that a source names itself: not its EC2 instances, nor that of a connection."""
    if source.kind == "directory":
        return [Host(source.name, source)]
    return [_host(source, text) for text in source.hosts]


def _host(source: Source, text: str) -> Host:
    address, _, port = text.partition(":")
    label = address.lower() + (f"_{port}" if port else "")
    key_name = f"[{address}]:{port}" if port else address
    return Host(f"{source.name}.{label}", source, address, int(port or SSH_PORT), key_name)
