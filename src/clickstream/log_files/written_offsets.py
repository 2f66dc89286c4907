"""The offsets from UTC that the times of log lines have, such as +01:00.

The parser turns times into UTC. The offsets show in which time zone the server's clock is.
`file_notes` takes samples while a file is read, and `log_facts.time_zone` chooses the zone.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from clickstream.parse.times import unix_seconds

SAMPLED_LINES = 16
"""Number of lines of each block that are looked at, the first and the last of them included."""

DAY_SECONDS = 86_400

_TIME = re.compile(
    rb"(?P<clock>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\b"
    rb"|(?P<iso>\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d)(?:[.,]\d+)? ?(?P<zone>Z|[+-]\d\d:?\d\d)\b"
)


class DatedOffset(NamedTuple):
    """An offset, in seconds east of UTC, on a UTC date (days since 1970-01-01)."""

    day: int
    offset: int


class Seen(NamedTuple):
    """Lines with an offset on a date: the Unix time of one of them, and their number."""

    at: int
    lines: int


WrittenOffsets = Mapping[DatedOffset, Seen]
"""The offsets of the sampled lines."""


def sample_offsets(block: bytes) -> dict[DatedOffset, Seen]:
    """Return the offsets of some lines of a block; none if its format has no offsets."""
    matches = [*_matches(block)]
    times = [*_clock_times([one["clock"] for one in matches if one["clock"]])]
    times += filter(None, (_iso_time(one["iso"] + one["zone"]) for one in matches if one["iso"]))
    return merge_offsets(
        {DatedOffset(at // DAY_SECONDS, offset): Seen(at, 1)} for at, offset in times
    )


def merge_offsets(parts: Iterable[WrittenOffsets]) -> dict[DatedOffset, Seen]:
    """Add up the offsets of several parts of a log."""
    found: dict[DatedOffset, Seen] = {}
    for part in parts:
        for key, seen in part.items():
            before = found.get(key, Seen(seen.at, 0))
            found[key] = Seen(min(before.at, seen.at), before.lines + seen.lines)
    return found


def _matches(block: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the first time with an offset in each of some lines."""
    last = block.rfind(b"\n", 0, len(block) - 1) + 1
    step = max(last // (SAMPLED_LINES - 1), 1)
    starts = (block.rfind(b"\n", 0, place) + 1 for place in [*range(0, last, step), len(block) - 1])
    for start in dict.fromkeys(starts):
        end = block.find(b"\n", start)
        if match := _TIME.search(block, start, end if end >= 0 else len(block)):
            yield match


def _clock_times(texts: list[bytes]) -> Iterator[tuple[int, int]]:
    """Yield the Unix time and the offset of times of Apache and nginx that exist."""
    for text, at, is_possible in zip(texts, *unix_seconds(texts), strict=True):
        minutes = int(text[-4:-2]) * 60 + int(text[-2:])
        if is_possible:
            yield int(at), minutes * (-60 if text[-5:-4] == b"-" else 60)


def _iso_time(text: bytes) -> tuple[int, int] | None:
    """Return the Unix time and the offset of a time in ISO 8601; None if it does not exist."""
    try:
        moment = datetime.fromisoformat(text.decode())
    except ValueError:
        return None
    east = moment.utcoffset() or timedelta()
    return int(moment.timestamp()), int(east.total_seconds())
