"""The time zone of a log, from the offsets from UTC that its lines have, such as +01:00.

The parser turns times into UTC. `log_file` samples the offsets while a file is read.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from clickstream.core.zone_names import name_zone
from clickstream.parse.times import unix_seconds
from clickstream.parse.wrappers import unwrap
from clickstream.settings import Settings

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
    clocks = [match["clock"] for match in matches if match["clock"]]  # of Apache and nginx
    times = []
    for text, at, is_possible in zip(clocks, *unix_seconds(clocks), strict=True):
        minutes = int(text[-4:-2]) * 60 + int(text[-2:])
        if is_possible:
            times.append((int(at), minutes * (-60 if text[-5:-4] == b"-" else 60)))
    for match in matches:
        if match["iso"]:
            with suppress(ValueError):  # such as the 30th of February
                moment = datetime.fromisoformat((match["iso"] + match["zone"]).decode())
                east = moment.utcoffset() or timedelta()
                times.append((int(moment.timestamp()), int(east.total_seconds())))
    return merge_offsets(
        {DatedOffset(at // DAY_SECONDS, offset): Seen(at, 1)} for at, offset in times
    )


def merge_offsets(parts: Iterable[WrittenOffsets]) -> dict[DatedOffset, Seen]:
    """Add up the offsets of several parts of a log."""
    merged: dict[DatedOffset, Seen] = {}
    for part in parts:
        for key, seen in part.items():
            before = merged.get(key, Seen(seen.at, 0))
            merged[key] = Seen(min(before.at, seen.at), before.lines + seen.lines)
    return merged


def _matches(block: bytes) -> Iterator[re.Match[bytes]]:
    """Yield the first time with an offset in each of some lines."""
    last = block.rfind(b"\n", 0, len(block) - 1) + 1
    step = max(last // (SAMPLED_LINES - 1), 1)
    starts = (
        block.rfind(b"\n", 0, position) + 1 for position in [*range(0, last, step), len(block) - 1]
    )
    for start in dict.fromkeys(starts):
        end = block.find(b"\n", start)
        line = block[start : end if end >= 0 else len(block)].removesuffix(b"\r")
        if match := _TIME.search(unwrap(line)):  # the wrapper's time may have another offset
            yield match


WELL_KNOWN = (
    "Europe/London",
    "Europe/Berlin",
    "Europe/Helsinki",
    "America/New_York",
    "America/Chicago",
    "America/Denver",
    "America/Los_Angeles",
    "Australia/Sydney",
    "Asia/Kolkata",
)
"""Zones that are tried before all others with the same offsets."""

_HOUR = 3_600
_SET_ANOTHER = "To choose another one, add --time-zone, such as --time-zone Europe/Berlin."


class LogZone(NamedTuple):
    """A time zone, and the sentence that says why its times are shown; empty if it is set."""

    key: str
    sentence: str


def choose_zone(settings: Settings, offsets: WrittenOffsets) -> LogZone:
    """Return the zone of the settings, else one by the offsets of the lines, and why."""
    if "time_zone" in settings.site.model_fields_set:
        return LogZone(settings.site.time_zone, "")
    key, why = _choose(offsets)
    return LogZone(key, f"Times are those of {name_zone(key)}{why}. {_SET_ANOTHER}")


def _choose(offsets: WrittenOffsets) -> tuple[str, str]:
    """Return the first zone that has the offsets of all sampled lines, and why it is shown.

    The zone of this machine is tried first, then the most frequent offset, then all other zones.
    """
    if not offsets:
        return "UTC", ", because the log's lines have no offset"
    machine, fixed = machine_zone(), _fixed_zone(offsets)
    if machine and _agrees(machine, offsets):
        return machine, ", the time zone of this machine: the log's lines have its offsets"
    if fixed and _agrees(fixed, offsets):
        return fixed, ", the offset of the log's lines"
    for key in (*WELL_KNOWN, *sorted(available_timezones())):
        if _agrees(key, offsets):
            return key, ": the log's lines have the offsets of this time zone"
    if fixed:
        return fixed, ", the most frequent offset of the log's lines, which have several"
    return "UTC", ", because the log's lines have the offsets of no single time zone"


def with_zone(settings: Settings, zone: LogZone) -> Settings:
    """Return the settings with a time zone."""
    site = settings.site.model_copy(update={"time_zone": zone.key})
    return settings.model_copy(update={"site": site})


def machine_zone() -> str:
    """Return the name of the region whose time this machine has; empty if it is not known."""
    local = str(Path("/etc/localtime").resolve()).partition("zoneinfo/")[2]
    name = os.environ.get("TZ", "").removeprefix(":") or local
    return name if "/" in name and not name.startswith("Etc/") and _is_zone(name) else ""


def _agrees(key: str, offsets: WrittenOffsets) -> bool:
    """Whether a zone has the offset of each sampled date at the time of its line."""
    zone = _zone(key)
    return all(
        datetime.fromtimestamp(seen.at, UTC).astimezone(zone).utcoffset()
        == timedelta(seconds=dated.offset)
        for dated, seen in offsets.items()
    )


def _fixed_zone(offsets: WrittenOffsets) -> str:
    """Return the zone of the most frequent offset; empty if it has no whole number of hours."""
    lines: Counter[int] = Counter()
    for dated, seen in sorted(offsets.items()):
        lines[dated.offset] += seen.lines
    [(offset, _)] = lines.most_common(1)
    hours, rest = divmod(offset, _HOUR)
    key = "UTC" if not offset else f"Etc/GMT{-hours:+}"  # the signs of these names are reversed
    return "" if rest or not _is_zone(key) else key


_zone = cache(ZoneInfo)


def _is_zone(key: str) -> bool:
    """Whether a zone exists; `available_timezones` would read all of them."""
    try:
        _zone(key)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True
