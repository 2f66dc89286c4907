"""Finds the hours that are perhaps incomplete, from the lake's lines of each host and hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from zoneinfo import ZoneInfo

from clickstream.hours import Hour, HourSpan
from clickstream.lake import Lake, hour_ledger
from clickstream.lake.raw import RawObject
from clickstream.low_hours import HISTORY, LowHour, find_low_hours
from clickstream.pipeline.hosts.missing import SEPARATOR


def read_low_hours(lake: Lake, checked: HourSpan) -> Sequence[LowHour]:
    """Find the low hours of a span; only the tables' partitions of it and its history are read."""
    first = checked.first.minus(24 * HISTORY.days)
    rows = hour_ledger.ledger_in_order(lake, first, checked.last, ("hour_at", "missing_sources"))
    published = {Hour.at(row["hour_at"]).number: row["missing_sources"] for row in rows.to_pylist()}
    lacking = {hour: names.split(SEPARATOR) for hour, names in published.items() if names}
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    for row in hour_ledger.raw_lines_between(lake, first, checked.last).to_pylist():
        host, hour = RawObject(row["raw_object"], 0).host, Hour.at(row["hour_at"])
        lines[host][hour.number] += row["lines"]
    zone = ZoneInfo(lake.settings.site.time_zone)
    return find_low_hours(lines, published.keys(), lacking, checked, zone)
