"""Choose the time zone of a log's figures by the offsets of its lines, if the user has set none."""

from __future__ import annotations

import os
from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from clickstream.log_files.written_offsets import WrittenOffsets
from clickstream.settings import Settings
from clickstream.zone_names import name_zone

WELL_KNOWN = (
    *("Europe/London", "Europe/Berlin", "Europe/Helsinki", "America/New_York", "America/Chicago"),
    *("America/Denver", "America/Los_Angeles", "Australia/Sydney", "Asia/Kolkata"),
)
"""Zones that are tried before all others with the same offsets."""

_HOUR = 3_600
_SET_ANOTHER = "To choose another one, set [site] time_zone in clickstream.toml."


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
