"""Writes logs for the benchmark of collection: a large one, and directories of many small ones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

START = datetime(2025, 11, 1, tzinfo=UTC)
PAGES = ("/", "/menu", "/menu/espresso", "/cafes/riverside", "/assets/site.css", "/order?step=2")
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
STAMP = b"@the hour@"


def hour_of_lines(lines: int) -> bytes:
    """Return lines in the combined format, evenly over an hour, with STAMP as date and hour."""
    return b"".join(_line(number, lines) for number in range(lines))


def _line(number: int, lines: int) -> bytes:
    minute, second = divmod(number * 3600 // lines, 60)
    page = PAGES[number % len(PAGES)]
    request = f"GET {page} HTTP/1.1"
    client = f"198.51.{number % 100}.{number % 250}"
    rest = f'"{request}" 200 {500 + number % 4096} "https://www.example/{number}" "{AGENT}"'
    return f"{client} - - [{STAMP.decode()}:{minute:02}:{second:02} +0000] {rest}\n".encode()


def at_hour(text: bytes, number: int) -> bytes:
    """Return the lines with the date and hour of the hour with a number."""
    hour = START + timedelta(hours=number)
    return text.replace(STAMP, hour.strftime("%d/%b/%Y:%H").encode())


def write_hourly_files(directory: Path, files: int, lines: int) -> None:
    """Write one file for each of consecutive hours, as rotatelogs names them."""
    directory.mkdir(parents=True)
    text = hour_of_lines(lines)
    for number in range(files):
        name = (START + timedelta(hours=number)).strftime("access.log.%Y-%m-%d-%H")
        (directory / name).write_bytes(at_hour(text, number))


def write_large_file(path: Path, size: int) -> None:
    """Write lines, hour after hour, up to a size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = hour_of_lines(20_000)
    number = 0
    with path.open("wb") as log:
        while log.tell() < size:
            log.write(at_hour(text, number))
            number += 1
