"""SFTP servers that lie, flood or stall, one class for each way. They answer over real sockets.

`LIMITS` are small limits for their pulls. A `Clock` is moved by the servers, so that no test waits.
"""

from __future__ import annotations

import posixpath
import re
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from unittest.mock import patch

import asyncssh
from tests.support.ssh_server import ssh_server

from clickstream.collect import limits, sftp
from clickstream.collect.limits import Budget, PullLimits
from clickstream.core.errors import ClickstreamError, PullLimitReached, UnusableAnswer
from clickstream.lake import Lake, objects, pull_states, raw
from clickstream.pipeline.hosts.listing import list_hosts
from clickstream.pipeline.pull.host import Pulled, pull_all
from clickstream.settings import SourceSettings
from clickstream.settings.sources import CollectSettings

CONTENT = b"".join(
    b'203.0.113.7 - - [25/Nov/2026:08:00:%02d +0000] "GET /%d HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    % (number % 60, number)
    for number in range(3_000)
)

MINUTE = 60
LIMITS = PullLimits(names=1_000, depth=8, file_bytes=20_000_000, seconds=30 * MINUTE)
ROOT = "/logs"


class Clock:
    """A clock that a server moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class Server(asyncssh.SFTPServer):
    """A server with one log; a subclass answers one kind of request in its own way."""

    clock: Clock

    def realpath(self, path: bytes) -> bytes:
        return posixpath.normpath(path)

    async def scandir(self, path: bytes) -> AsyncIterator[asyncssh.SFTPName]:
        for name, attributes in self.names():
            yield asyncssh.SFTPName(name, attrs=attributes)

    def names(self) -> Any:
        """Names and attributes in each directory; they may never end."""
        yield b"access.log", self.fstat(None)

    def lstat(self, path: bytes) -> asyncssh.SFTPAttrs:
        return self.fstat(None)

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return a_file(len(CONTENT))

    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        return self

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return CONTENT[offset : offset + size]

    def close(self, file_obj: object) -> None:
        pass


def a_file(size: int | None) -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(size=size, permissions=stat.S_IFREG | 0o644, mtime=1_700_000_000)


def a_directory() -> asyncssh.SFTPAttrs:
    return asyncssh.SFTPAttrs(size=0, permissions=stat.S_IFDIR | 0o755, mtime=1_700_000_000)


def endless(offset: int, size: int) -> bytes:
    """The content again and again."""
    begin = offset % len(CONTENT)
    return (CONTENT * (2 + size // len(CONTENT)))[begin : begin + size]


class Surplus(Server):
    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return endless(offset, size + 500)


class EndlessListing(Server):
    def names(self) -> Any:
        return ((b"access-%d.log" % number, a_file(1_000)) for number in count())


class OneNameForEver(Server):
    def names(self) -> Any:
        return ((b"access.log", a_file(1_000)) for _ in count())


class EndlessDots(Server):
    def names(self) -> Any:
        return ((b".", a_directory()) for _ in count())


class EndlessDirectories(Server):
    def names(self) -> Any:
        return ((b"%d" % number, a_directory()) for number in range(3))


class EndlessDepth(Server):
    def names(self) -> Any:
        yield b"d", a_directory()


class SlowListing(Server):
    def names(self) -> Any:
        for number in count():
            self.clock.now += MINUTE / 2
            yield b"other-%d.txt" % number, a_file(1)


class LongName(Server):
    def names(self) -> Any:
        yield b"access" + b"x" * 5_000 + b".log", a_file(1_000)


class NameWithSlash(Server):
    def names(self) -> Any:
        yield b"../../access.log", a_file(1_000)


class EndlessFile(Server):
    """It has a size, and answers also behind it."""

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return a_file(1_000)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return endless(offset, size)


class EndlessSize(Server):
    """It is listed with 1,000 bytes, and has 2^60 once it is open."""

    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return a_file(1_000 if file_obj is None else 1 << 60)

    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        return endless(offset, size)


class OneBytePerAnswer(EndlessSize):
    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self.clock.now += 1
        return endless(offset, 1)


class SlowAnswers(EndlessSize):
    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        self.clock.now += 20
        return endless(offset, min(size, 4_096))


class NoSize(Server):
    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return a_file(None)


class NoSizeWhenOpen(Server):
    def fstat(self, file_obj: object) -> asyncssh.SFTPAttrs:
        return a_file(1_000 if file_obj is None else None)


class EmptyRealPath(Server):
    def realpath(self, path: bytes) -> bytes:
        return b""


class ConstantRealPath(Server):
    def realpath(self, path: bytes) -> bytes:
        return b"/somewhere"


class NeverThere(Server):
    def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> object:
        raise asyncssh.SFTPNoSuchFile("No such file")


class LongError(Server):
    def read(self, file_obj: object, offset: int, size: int) -> bytes:
        raise asyncssh.SFTPFailure("\x1b]52;" + "x" * 1_000_000)


REFUSED, BROKEN, LIMIT = None, UnusableAnswer, PullLimitReached


@dataclass(frozen=True)
class Case:
    """A server, and what a pull of it says: the class of an error, or REFUSED for a file.

    Of its bytes, `stored` may be stored at most.
    """

    server: type[Server]
    error: type[ClickstreamError] | None
    sentence: str
    stored: int = 0


CASES = [
    Case(Surplus, BROKEN, "answers a request of .* bytes with"),
    Case(EndlessListing, LIMIT, "lists more than 1,000 names.*Set the source's path or pattern"),
    Case(OneNameForEver, LIMIT, "lists more than 1,000 names"),
    Case(EndlessDots, LIMIT, "lists more than 1,000 names"),
    Case(EndlessDirectories, LIMIT, "lists more than 1,000 names"),
    Case(EndlessDepth, REFUSED, "d/d/d/d/d/d/d/d/d: is a directory too deep"),
    Case(SlowListing, LIMIT, "was ended after 30 minutes.*set .collect. pull_minutes"),
    Case(LongName, BROKEN, "longer than 1,024 bytes.*Update or replace the SFTP server"),
    Case(NameWithSlash, BROKEN, "lists a file whose name is empty, has a slash"),
    Case(EndlessFile, REFUSED, "", stored=1_000),
    Case(EndlessSize, LIMIT, "was ended after 0.0 GB.*What it read until then is stored"),
    Case(OneBytePerAnswer, LIMIT, "was ended after 30 minutes"),
    Case(SlowAnswers, LIMIT, "was ended after 30 minutes"),
    Case(NoSize, REFUSED, "access.log: the host does not report its size"),
    Case(NoSizeWhenOpen, REFUSED, "access.log: can't be read .the host does not report its size"),
    Case(EmptyRealPath, REFUSED, "access.log: is listed, but can't be opened .the host resolves"),
    Case(ConstantRealPath, REFUSED, "access.log: is listed, but can't be opened .the host resolv"),
    Case(NeverThere, REFUSED, "access.log: is listed, but can't be opened .No such file"),
    Case(LongError, REFUSED, r"the host reports: \\x1b\]52;x{190,200}\)"),
]


def write_honest_log(logs: Path) -> Path:
    """Write the log of the honest host into a directory of the test."""
    logs.mkdir(exist_ok=True)
    (logs / "access.log").write_bytes(CONTENT)
    return logs


def check_pulls(
    lake: Lake, directory: Path, case: Case, honest: SourceSettings, known_hosts: str
) -> None:
    """Pull from a hostile host, then from an honest one with `write_honest_log`, in one run.

    The first pull ends with its sentence, also in the state of the host, and stores no byte that
    the server may not give. The other host is pulled whole.
    """
    clock = Clock()
    factory = type("Sftp", (case.server,), {"clock": clock})
    with ssh_server(directory, sftp_factory=factory) as server:
        keys = directory / "all_known_hosts"
        keys.write_text(server.known_hosts.read_text() + known_hosts)
        pattern = "**/*access*log*" if "Endless" in case.server.__name__ else "*access*log*"
        first = server.source(Path(ROOT), pattern, key_file=str(server.user_key))
        changes = {
            "sources": (first.model_copy(update={"name": "hostile"}), honest),
            "collect": CollectSettings(known_hosts=str(keys), hosts_at_once=1),
        }
        lake = replace(lake, settings=lake.settings.model_copy(update=changes))
        with (
            patch.object(limits, "LIMITS", LIMITS),
            patch.object(sftp, "Budget", partial(Budget, clock=clock)),
        ):
            outcomes = {
                host.source.name: (host, found) for host, found in pull_all(lake, list_hosts(lake))
            }
    host, found = outcomes["hostile"]
    _check_sentence(lake, case, host.name, found)
    stored = _stored(lake, host.name)
    assert CONTENT.startswith(stored)
    assert len(stored) <= case.stored
    assert _stored(lake, outcomes[honest.name][0].name) == CONTENT


def _check_sentence(lake: Lake, case: Case, name: str, found: Pulled | ClickstreamError) -> None:
    state = pull_states.pull_state(lake, name)
    if case.error:
        assert type(found) is case.error, found
        assert re.search(case.sentence, str(found)), found
        assert state.failure == found.printed
        return
    assert isinstance(found, Pulled), found
    assert [bool(re.search(case.sentence, text)) for text in found.refused] == [True] * bool(
        case.sentence
    ), found
    assert [f"{one.name}: {one.reason}" for one in state.refused] == found.refused


def _stored(lake: Lake, host: str) -> bytes:
    """The raw lines of a host whose files have one hour."""
    keys = [(key, size) for key, size in objects.listing(lake, raw.RAW) if f"/{host}-" in key]
    return b"".join(raw.read(lake, raw.RawObject(key, size)) for key, size in sorted(keys))
