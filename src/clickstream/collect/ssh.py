"""SSH connections: log in with a key to a host whose own key is trusted.

Only keys that the settings name are used to log in, never passwords, agents or other files below
`~/.ssh`. Every failure becomes an error that names the host and the remedy; none contains a secret.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from stat import S_IRWXG, S_IRWXO
from typing import Any

import asyncssh

from clickstream.collect import event_loop
from clickstream.collect.hosts import Host, HostLogin
from clickstream.collect.known_hosts import TrustedKeys, read_trusted
from clickstream.collect.source import HostFileError
from clickstream.core.errors import ClickstreamError, HostKeyRefused, HostUnreachable, LoginRefused

KEEPALIVE_SECONDS = 10
KEEPALIVE_COUNT = 2
"""A host that does not answer is given up after 30 seconds.

That is the wait before the first keepalive message, and one after each of two.
"""

FAST_CIPHER = "^aes128-gcm@openssh.com"
"""The preferred cipher: it took 0.69 s of CPU for 200 MiB; the default one took 0.82 to 0.90 s."""

CLOSE_SECONDS = 5

SHOWN_CHARACTERS = 200
"""Limit of the characters of a server's error message that are shown."""

asyncssh.set_log_level(logging.WARNING)  # its INFO lines would fill the logs of Airflow's tasks


def describe_host(host: Host, login: HostLogin | None = None) -> str:
    """Name a host for messages, with the address that was tried: `web.i-0abc (10.0.0.7)`."""
    address, port = address_of(host, login)
    has_port = port != asyncssh.DEFAULT_PORT
    shown = f"{address}:{port}" if has_port else address
    label = f"{address}_{port}" if has_port else address
    is_named = not address or host.name.endswith(f".{label.lower()}")
    return host.name if is_named else f"{host.name} ({shown})"


def address_of(host: Host, login: HostLogin | None) -> tuple[str, int]:
    """Return address and port: the host's, or the login's if the source does not name the host."""
    if host.address or login is None:
        return host.address, host.port
    return login.address, login.port


def key_name_of(host: Host, login: HostLogin | None) -> str:
    """Return the name under which the host's key is trusted: its own, or one of its address."""
    if host.key_name:
        return host.key_name
    address, port = address_of(host, login)
    return address if port == asyncssh.DEFAULT_PORT else f"[{address}]:{port}"


async def connect(
    host: Host, login: HostLogin, known_hosts: Path, seconds: float
) -> asyncssh.SSHClientConnection:
    """Connect to a host and log in; the caller closes the connection.

    Raises HostKeyRefused, HostUnreachable, or InputError for a login that does not work.
    """
    address, port = address_of(host, login)
    if not address:
        raise LoginRefused(f"{host.name} has no address: set its connection's host.")
    key_name = key_name_of(host, login)
    trusted = read_trusted(known_hosts, key_name, login.host_key)
    if not trusted:
        raise HostKeyRefused(unknown_key(host, login, known_hosts))
    client = _Client()
    with translate_errors(host, login):
        try:
            return await asyncssh.connect(
                address,
                port,
                client_factory=lambda: client,
                username=login.user,
                client_keys=[client_key(login)],
                known_hosts=(trusted.keys, trusted.authorities, trusted.revoked),
                host_key_alias=address if key_name.startswith("[") else key_name,
                **_options(seconds),
            )
        except _OF_HOST_KEYS as error:
            shown = client.shown or await _key_shown(error, trusted, address, port, seconds)
            if shown is None:
                raise
            raise HostKeyRefused(_other_key(host, login, shown, trusted)) from None


_OF_HOST_KEYS = (
    asyncssh.HostKeyNotVerifiable,
    asyncssh.KeyExchangeFailed,
    asyncssh.ConnectionLost,
)
"""Errors of a handshake that a host's key may be the reason of."""


def _options(seconds: float) -> dict[str, Any]:
    return {
        "config": None,
        "agent_path": None,
        "x509_trusted_certs": None,
        "gss_host": None,
        "preferred_auth": "publickey",
        "compression_algs": None,
        "encryption_algs": FAST_CIPHER,
        "connect_timeout": seconds,
        "login_timeout": seconds,
        "keepalive_interval": KEEPALIVE_SECONDS,
        "keepalive_count_max": KEEPALIVE_COUNT,
    }


class _Client(asyncssh.SSHClient):
    """Records a host key that is not trusted, for the message."""

    def __init__(self) -> None:
        self.shown: asyncssh.SSHKey | None = None

    def validate_host_public_key(
        self, _host: str, _addr: str, _port: int, key: asyncssh.SSHKey
    ) -> bool:
        """Refuse the key: asyncssh asks only about keys that are not trusted."""
        self.shown = key
        return False


async def _key_shown(
    error: Exception, trusted: TrustedKeys, address: str, port: int, seconds: float
) -> asyncssh.SSHKey | None:
    """Return the key of a host without a key of a trusted type, which ends the handshake early.

    The host may close the connection before the reason is known.
    """
    if "host key" in str(error).lower():
        return await host_key(address, port, seconds)
    if not isinstance(error, asyncssh.ConnectionLost) or trusted.authorities:
        return None
    shown = await host_key(address, port, seconds)
    types = {key.get_algorithm() for key in trusted.keys}
    return shown if shown and shown.get_algorithm() not in types else None


async def host_key(address: str, port: int, seconds: float) -> asyncssh.SSHKey | None:
    """Ask a host for its key without trusting it; Ed25519 first, as OpenSSH prefers it."""
    server_key = asyncssh.get_server_host_key(address, port, config=None)
    return await asyncio.wait_for(server_key, seconds)


def fetch_host_key(host: Host, seconds: float) -> asyncssh.SSHKey:
    """Ask a host for its key without trusting it. Raises HostUnreachable."""
    with translate_errors(host, None):
        key = event_loop.run(host_key(host.address, host.port, seconds))
    if key is None:
        raise HostUnreachable(unreachable(describe_host(host), ValueError("it shows no key")))
    return key


def unknown_key(host: Host, login: HostLogin | None, known_hosts: Path) -> str:
    """Return the message that no key of a host is trusted yet, and how to trust one."""
    return (
        f"No key is trusted for {describe_host(host, login)} in {known_hosts}. Look at its key and "
        f"trust it: clickstream sources trust {host.name}"
    )


def _other_key(host: Host, login: HostLogin, shown: asyncssh.SSHKey, trusted: TrustedKeys) -> str:
    fingerprints = ", ".join(trusted.fingerprints) or "one signed by a trusted authority"
    return (
        f"The key of {describe_host(host, login)} is not the trusted one: it has "
        f"{shown.get_fingerprint()}, trusted is {fingerprints}. The connection may be intercepted, "
        "so nothing was read. If the host was reinstalled, compare the fingerprint on it, then: "
        f"clickstream sources trust {host.name} --replace"
    )


@contextmanager
def translate_errors(host: Host, login: HostLogin | None) -> Iterator[None]:
    """Convert errors of connecting, logging in and a lost connection into those of this library."""
    name = describe_host(host, login)
    try:
        yield
    except (ClickstreamError, HostFileError):
        raise
    except asyncssh.PermissionDenied:
        user = login.user if login else ""
        raise LoginRefused(
            f"{name} refuses the login of {user} with this key: put its public key into "
            f"~{user}/.ssh/authorized_keys there, or set another user or key."
        ) from None
    except asyncssh.HostKeyNotVerifiable as error:
        raise HostKeyRefused(
            f"The key of {name} can't be verified ({error.reason}): nothing was read. Have its "
            f"certificate name it so, or trust its key: clickstream sources trust {host.name}"
        ) from None
    except (asyncssh.Error, OSError) as error:  # TimeoutError is one of them
        raise HostUnreachable(unreachable(name, error)) from None


def unreachable(name: str, error: Exception) -> str:
    """Return the message that a host does not answer, or that the connection was lost."""
    return (
        f"{name} can't be reached or stopped answering ({_reason(error)}). Nothing is lost: its "
        "lines stay in its files, and the next pull that reaches it continues where this one "
        "ended. Check that it runs, and its network, firewall and sshd."
    )


def _reason(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    if number and number in errno.errorcode:  # asyncio's message differs
        return os.strerror(number)
    text = getattr(error, "reason", "") or getattr(error, "strerror", "") or str(error)
    return text[:SHOWN_CHARACTERS] or "no answer in time"


def client_key(login: HostLogin) -> asyncssh.SSHKey:
    """Read the private key of a login. Raises InputError, which never contains any of it."""
    if login.private_key:
        return _import_key(login.private_key.encode(), "the connection's private key", login)
    path = Path(login.key_file).expanduser()
    try:
        status = path.stat()
        if status.st_uid == os.getuid() and status.st_mode & (S_IRWXG | S_IRWXO):  # as OpenSSH does
            raise LoginRefused(f"The key file {path} can be read by others: chmod 600 {path}")
        data = path.read_bytes()
    except OSError as error:
        raise LoginRefused(
            f"Can't read the key file {path} ({error.strerror}): set key_file to the private key "
            f"that {login.user} logs in with."
        ) from None
    return _import_key(data, f"the key file {path}", login)


def _import_key(data: bytes, name: str, login: HostLogin) -> asyncssh.SSHKey:
    try:
        return asyncssh.import_private_key(data, login.passphrase or None)
    except (asyncssh.KeyEncryptionError, asyncssh.KeyImportError, ValueError) as error:
        if login.passphrase:
            problem = f"Can't use {name}: its passphrase is wrong, or it is not a private key."
        elif "passphrase" in str(error).lower():
            problem = (
                f"A passphrase protects {name}: set connection to an Airflow connection that has "
                "it, or use a key without one."
            )
        else:
            problem = f"Can't use {name}: it is not a private key as ssh-keygen makes it."
        raise LoginRefused(problem) from None
