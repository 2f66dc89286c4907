"""A directory of log files: found by pattern, told apart by content, read as they grow."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path

from clickstream.collect.compression import HEAD, Content, is_compressed
from clickstream.errors import InputError
from clickstream.hours import Hour

HEAD_BYTES = 65_536
TAIL_BYTES = 1_024


@dataclass(frozen=True)
class LogFile:
    """One log file. Offsets count bytes of its uncompressed content."""

    path: Path

    @cached_property
    def is_closed(self) -> bool:
        """Whether the web server has finished with the file: it has been compressed."""
        with self.path.open("rb") as file:
            return is_compressed(file.read(HEAD))

    @property
    def modified_hour(self) -> Hour:
        """The hour the file was last written in."""
        return Hour.of(datetime.fromtimestamp(self.path.stat().st_mtime, UTC))

    @property
    def identity(self) -> str:
        """What a file keeps, whatever its name, until it is written to: inode, size, and time."""
        found = self.path.stat()
        return f"{found.st_ino}-{found.st_size}-{found.st_mtime_ns}"

    @contextmanager
    def open(self) -> Iterator[LogStream]:
        """Open the uncompressed content for reading."""
        with self.path.open("rb") as file:
            yield LogStream(Content(file))

    def sample(self) -> bytes:
        """The first bytes, enough to tell the lines' format from."""
        with self.open() as stream:
            return stream.read(HEAD_BYTES)

    def head(self) -> bytes:
        """Everything up to and including the first line that is not a comment; b"" if unfinished.

        Comments count too: W3C logs all begin with the same ones, only their first record differs.
        """
        start = self.sample()
        position = 0
        while (end := start.find(b"\n", position)) >= 0:
            if not start.startswith(b"#", position):
                return start[: end + 1]
            position = end + 1
        return start if len(start) == HEAD_BYTES else b""


class LogStream(io.BufferedReader):
    """A log file's content. It ends where the file is damaged, and `damage` then says how."""

    def __init__(self, content: Content) -> None:
        super().__init__(content, 1 << 20)
        self._content = content

    @property
    def damage(self) -> Exception | None:
        """What was met at the end of what could be read; None where the file is whole."""
        return self._content.damage


def fingerprint(head: bytes, attempt: int = 0) -> str:
    """A file's name for ever. A further `attempt` tells apart files that begin alike."""
    return hashlib.blake2b(head + b"#" * attempt, digest_size=8).hexdigest()


def tail_digest(stream: LogStream, offset: int) -> str | None:
    """Digest of the bytes just before `offset`: proves that a file is the one known so far.

    None when the file ends before `offset`.
    """
    start = max(0, offset - TAIL_BYTES)
    stream.seek(start)
    tail = stream.read(offset - start)
    if len(tail) < offset - start:
        return None
    return hashlib.blake2b(tail, digest_size=8).hexdigest()


def list_files(directory: Path, pattern: str) -> list[LogFile]:
    """The directory's log files, by name. Raises InputError when it can't be listed."""
    try:
        paths = sorted(path for path in directory.glob(pattern) if path.is_file())
    except OSError as error:
        raise InputError(f"Can't list {directory}: {error.strerror}.") from None
    if not directory.is_dir():
        raise InputError(f"{directory} is not a directory; set the source's path to one.")
    return [LogFile(path) for path in paths]
