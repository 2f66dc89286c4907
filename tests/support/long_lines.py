"""Lines that are too long for any format, and a log with one between ordinary lines."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

FILLINGS = {
    "NULs": b"\0",
    "one letter": b"a",
    "quotes": b'"',
    "braces": b"{",
    "backslashes": b"\\",
    "invalid UTF-8": b"\xff",
    "spaces": b" ",
    "random bytes": random.Random(7).randbytes(1 << 20).replace(b"\n", b"\0"),
}
"""Fillings of a long line by name, expensive for some format. gzip can't shrink the last one."""


def combined_line(number: int, hour: int = 17) -> bytes:
    """A line of the combined format, one second after the line of the number before."""
    stamp = f"20/Nov/2026:{hour:02}:{number // 60 % 60:02}:{number % 60:02} +0000"
    request = f'"GET /{number} HTTP/1.1" 200 1 "-" "Mozilla/5.0"'
    return f"192.0.2.{number % 200} - - [{stamp}] {request}\n".encode()


def long_line(filling: bytes, size: int) -> bytes:
    """A line that begins like an ordinary one, with the filling in its request."""
    head = combined_line(0)[:50]
    length = size - len(head)
    return head + (filling * (length // len(filling) + 1))[:length] + b"\n"


def pieces_with_long_line(filling: bytes, size: int, lines: int = 10) -> Iterator[bytes]:
    """Ordinary lines, a long one, and ordinary lines."""
    yield from map(combined_line, range(lines))
    yield long_line(filling, size)
    yield from map(combined_line, range(lines, 2 * lines))


def write_log(path: Path, filling: bytes, size: int, lines: int = 10) -> None:
    """Write ordinary lines around a long one to a file."""
    with path.open("wb") as log:
        log.writelines(pieces_with_long_line(filling, size, lines))
