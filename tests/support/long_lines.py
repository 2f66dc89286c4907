"""Lines that are too long for any format, and a log in which one stands between ordinary ones."""

from __future__ import annotations

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
}
"""What fills a long line, by its name; the dearest fillings for some format."""


def combined_line(number: int, hour: int = 17) -> bytes:
    """A line of the combined format, one second after the line of the number before."""
    stamp = f"20/Nov/2026:{hour:02}:{number // 60 % 60:02}:{number % 60:02} +0000"
    request = f'"GET /{number} HTTP/1.1" 200 1 "-" "Mozilla/5.0"'
    return f"192.0.2.{number % 200} - - [{stamp}] {request}\n".encode()


def long_line(filling: bytes, size: int) -> bytes:
    """A line that begins like an ordinary one, with the filling in its request."""
    head = combined_line(0)[:50]
    return head + filling * (size - len(head)) + b"\n"


def pieces_with_long_line(filling: bytes, size: int, lines: int = 10) -> Iterator[bytes]:
    """Ordinary lines, a long one, and ordinary lines."""
    yield from map(combined_line, range(lines))
    yield long_line(filling, size)
    yield from map(combined_line, range(lines, 2 * lines))


def write_log(path: Path, filling: bytes, size: int, lines: int = 10) -> None:
    """Write ordinary lines around a long one to a file."""
    with path.open("wb") as log:
        log.writelines(pieces_with_long_line(filling, size, lines))
