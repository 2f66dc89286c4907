"""Finds the hours that are perhaps incomplete, from the lake's lines of each host and hour."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from clickstream.hours import Hour, HourSpan, describe_hours
from clickstream.lake import Lake, hour_ledger
from clickstream.lake.raw import RawObject
from clickstream.low_hours import HISTORY, LowHour, find_low_hours
from clickstream.tables.hour_ledger import HOSTS_SEPARATOR
from clickstream.wording import quantity


def read_low_hours(lake: Lake, checked: HourSpan) -> Sequence[LowHour]:
    """Find the low hours of a span; only the tables' partitions of it and its history are read."""
    first = checked.first.minus(24 * HISTORY.days)
    rows = hour_ledger.ledger_in_order(lake, first, checked.last, ("hour_at", "missing_sources"))
    published = {Hour.at(row["hour_at"]).number: row["missing_sources"] for row in rows.to_pylist()}
    lacking = {hour: names.split(HOSTS_SEPARATOR) for hour, names in published.items() if names}
    lines: dict[str, Counter[int]] = defaultdict(Counter)
    for row in hour_ledger.raw_lines_between(lake, first, checked.last).to_pylist():
        host, hour = RawObject(row["raw_object"], 0).host, Hour.at(row["hour_at"])
        lines[host][hour.number] += row["lines"]
    zone = ZoneInfo(lake.settings.site.time_zone)
    return find_low_hours(lines, published.keys(), lacking, checked, zone)


def describe_low_hours(low: Sequence[LowHour], pulled: Mapping[str, datetime | None]) -> list[str]:
    """Return a sentence for each host; `pulled` has the times of the hosts' last pulls."""
    by_host: dict[str, list[LowHour]] = defaultdict(list)
    for one in low:
        by_host[one.host].append(one)
    return [_describe(host, some, pulled.get(host)) for host, some in sorted(by_host.items())]


def _describe(host: str, some: Sequence[LowHour], pulled: datetime | None) -> str:
    lines, expected = sum(one.lines for one in some), sum(one.expected for one in some)
    read = f"; last pulled {pulled:%Y-%m-%d %H:%M} UTC" if pulled else ""
    return (
        f"{quantity(len(some), 'hour')} perhaps incomplete: {host} has {quantity(lines, 'line')}, "
        f"in other weeks about {expected:,}{read}: {describe_hours([one.hour for one in some])}."
    )
