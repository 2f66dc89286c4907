"""Log files and raw lines of a few hours, for lakes that tests build."""

from __future__ import annotations

import random
from datetime import timedelta
from pathlib import Path

from clickstream.core.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.raw import RawRange

FIRST, LAST = Hour.parse("2026-11-20T21"), Hour.parse("2026-11-21T02")
AGENTS = ["Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0", "Googlebot/2.1"]
PATHS = ["/", "/menu", "/menu?utm_source=mail", "/style.css", "/gone"]


def log_lines(seed: int, first: Hour = FIRST, last: Hour = LAST) -> list[str]:
    """Log eight visitors whose pauses lie close to the session gap, and a few broken lines."""
    rng = random.Random(seed)
    lines = []
    for visitor in range(8):
        at = first.start + timedelta(seconds=rng.randrange(3600))
        while at < last.end:
            stamp = at.strftime("%d/%b/%Y:%H:%M:%S +0000")
            path = rng.choice(PATHS)
            status = 404 if path == "/gone" else 200
            agent = AGENTS[visitor % 4 == 3]
            request = f'"GET {path} HTTP/1.1" {status} {rng.randrange(5000)}'
            lines.append((at, f'192.0.2.{visitor} - - [{stamp}] {request} "-" "{agent}"\n'))
            if rng.random() < 0.05:
                lines.append((at, "cut in the mid\n"))
            at += timedelta(seconds=rng.choice([1, 60, 900, 1799, 1800, 1801, 5000]))
    return [line for _, line in sorted(lines, key=lambda pair: pair[0])]


def write(directory: Path, lines: list[str], name: str = "access.log") -> None:
    """Append lines, which have their ends, to a log in a directory."""
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / name).open("a") as log:
        log.writelines(lines)


def store_line(lake: Lake, hour: Hour, host: str) -> None:
    """Store a raw line in an hour, as a pull of `host` does."""
    at = f"{hour.start:%d/%b/%Y:%H}:10:00 +0000"
    line = f'192.0.2.7 - - [{at}] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'.encode()
    raw.store(lake, hour, RawRange(host, "f" * 8, 0, len(line), "combined"), line)
