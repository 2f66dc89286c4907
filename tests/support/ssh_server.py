"""An SSH server in the test's own process, with SFTP of the real file system. It needs no package.

`tests/support/sshd.py` starts the real OpenSSH; this one does what that one can't: it stops
answering, breaks off, and counts requests.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh

from clickstream.collect import Host, HostLogin
from clickstream.collect.event_loop import run
from clickstream.settings import SourceSettings

USER = "logs"


@dataclass
class Behaviour:
    """What a server does: reads that it saw, and how it treats the next ones."""

    reads: list[tuple[int, int]] = field(default_factory=list)
    files: list[Any] = field(default_factory=list, repr=False)
    largest_read: int = 1 << 20
    hang: bool = False
    refuses: bool = False
    """Whether opening a file or listing a directory is refused, as by its permissions."""
    ends_at: int | None = None
    """An offset where reads end that begin before it, as for a moment when a file is cut."""
    break_after: int | None = None
    """Reads after which the connection breaks."""


class _Server(asyncssh.SSHServer):
    def __init__(self, key: asyncssh.SSHKey, connections: list[Any]) -> None:
        self._key = key
        self._connections = connections

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._connections.append(conn)

    def begin_auth(self, username: str) -> bool:
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return username == USER and key == self._key


@dataclass
class SshServer:
    """A running server: its port, keys and behaviour."""

    port: int
    directory: Path
    host_key: asyncssh.SSHKey
    user_key: Path
    behaviour: Behaviour
    connections: list[asyncssh.SSHServerConnection] = field(default_factory=list)

    @property
    def known_hosts(self) -> Path:
        return self.directory / "known_hosts"

    @property
    def key_line(self) -> str:
        return self.host_key.export_public_key().decode().strip()

    @property
    def login(self) -> HostLogin:
        return HostLogin(USER, key_file=str(self.user_key))

    def source(self, path: Path, pattern: str = "*access*log*", **values: Any) -> SourceSettings:
        given = {"hosts": (f"127.0.0.1:{self.port}",), "user": USER, "key_file": "id"} | values
        return SourceSettings(name="web", kind="sftp", path=str(path), pattern=pattern, **given)

    def host(self, path: Path, pattern: str = "*access*log*", **values: Any) -> Host:
        name = f"web.127.0.0.1_{self.port}"
        source = self.source(path, pattern, **values)
        return Host(name, source, "127.0.0.1", self.port, f"[127.0.0.1]:{self.port}")

    def trust(self) -> None:
        self.known_hosts.write_text(f"[127.0.0.1]:{self.port} {self.key_line}\n")

    def abort(self) -> None:
        """Break every connection, as a host that loses its network."""

        async def broken() -> None:
            for connection in self.connections:
                connection.abort()

        run(broken())


class _Sftp(asyncssh.SFTPServer):
    behaviour: Behaviour

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        self._check()
        self.behaviour.files.append(opened := super().open(path, pflags, attrs))
        return opened

    def scandir(self, path: bytes) -> Any:
        self._check()
        return super().scandir(path)

    def _check(self) -> None:
        if self.behaviour.refuses:
            raise asyncssh.SFTPPermissionDenied("Permission denied")

    async def read(self, file_obj: object, offset: int, size: int) -> bytes:
        seen = self.behaviour
        seen.reads.append((offset, size))
        if seen.ends_at is not None and offset <= seen.ends_at:
            size = min(size, seen.ends_at - offset)
            if not size:
                return b""
        while seen.hang:
            await asyncio.sleep(0.05)
        if seen.break_after is not None and len(seen.reads) > seen.break_after:
            self.channel.get_connection().abort()
        return super().read(file_obj, offset, min(size, seen.largest_read))  # type: ignore[no-any-return]


def make_key(path: Path, passphrase: str | None = None) -> asyncssh.SSHKey:
    """A new Ed25519 key in a file that only its owner reads."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    path.write_bytes(key.export_private_key("openssh", passphrase))
    path.chmod(0o600)
    return key


@contextmanager
def ssh_server(
    directory: Path, host_keys: list[Any] | None = None, **listen: Any
) -> Iterator[SshServer]:
    """Run a server on 127.0.0.1 whose key is trusted in `known_hosts`."""
    directory.mkdir(parents=True, exist_ok=True)
    host_key = asyncssh.generate_private_key("ssh-ed25519")
    user_key = make_key(directory / "id")
    behaviour = Behaviour()
    connections: list[Any] = []
    sftp = type("Sftp", (_Sftp,), {"behaviour": behaviour})

    async def start() -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            0,
            server_host_keys=host_keys or [host_key],
            server_factory=lambda: _Server(user_key.convert_to_public(), connections),
            **{"sftp_factory": sftp, **listen},
        )

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    acceptor = asyncio.run_coroutine_threadsafe(start(), loop).result()
    try:
        server = SshServer(
            acceptor.get_port(), directory, host_key, directory / "id", behaviour, connections
        )
        server.trust()
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(_end(acceptor, connections), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        for file in behaviour.files:  # asyncssh leaves those of a broken connection open
            file.close()
        loop.close()


async def _end(acceptor: asyncssh.SSHAcceptor, connections: list[Any]) -> None:
    acceptor.close()
    for connection in connections:
        connection.abort()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
