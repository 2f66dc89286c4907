"""Builders of requests, session parts and sessions, on Arrow tables: one table for a whole log."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import pandas as pd
import pyarrow as pa

from clickstream.core import dictionary_encoding
from clickstream.core.hours import Hour
from clickstream.sessions import CARRY_COLUMNS, SessionRules, carry_rows, cut, make_parts, stitch

FIRST = Hour(datetime(2026, 11, 20, 22, tzinfo=UTC))
TEXTS = (
    *("site", "device", "browser", "browser_version", "os", "country", "region", "city"),
    *("referrer_domain", "source", "medium", "channel", "utm_source", "utm_medium"),
    *("utm_campaign", "utm_term", "utm_content", "click_platform", "bot_class", "bot_reason"),
    *("network_id", "operator_id", "protocol", "header_fields"),
)

Session = tuple[str, int, int, int]
"""Visitor, seconds of the first and the last request, number of requests."""


@dataclass(frozen=True)
class Made:
    """Requests as `clean` passes them on."""

    table: pa.Table

    def __len__(self) -> int:
        return len(self.table)

    def arrow(self, rows: Any, only: Sequence[str]) -> pa.Table:
        some = self.table.select([*only])
        return some[rows] if isinstance(rows, slice) else some.take(pa.array(rows, pa.int64()))

    def take(self, rows: Iterable[int]) -> Made:
        return Made(self.table.take(pa.array(rows, pa.int64())))


def made(hits: Sequence[tuple[str, int]], **columns: Iterable[Any]) -> Made:
    """Build requests of kind page at seconds after FIRST, in the order of the log."""
    n = len(hits)
    nothing = dictionary_encoding.encode([None] * n)
    visitors = [visitor for visitor, _ in hits]
    found = {
        "visitor_id": visitors,
        "carried_as": visitors,
        "hit_at": moments([second for _, second in hits]),
        "kind": ["page"] * n,
        "page": [f"/{second}" for _, second in hits],
        "is_bot": [False] * n,
        "opted_out": [False] * n,
        "referrer_logged": pa.array([True] * n, pa.bool_()),
        "has_referrer": pa.array([False] * n, pa.bool_()),
        "method": ["GET"] * n,
        "status": pa.array([200] * n, pa.int16()),
        "target": [second for _, second in hits],
        **dict.fromkeys(TEXTS, nothing),
        **columns,
    }
    return Made(pa.table({name: _column(values) for name, values in found.items()}))


def moments(seconds: Iterable[int], first: Hour = FIRST) -> pa.Array:
    return pa.array([first.naive + timedelta(seconds=at) for at in seconds], pa.timestamp("us"))


def _column(values: Iterable[Any]) -> pa.Array:
    if isinstance(values, pa.Array):
        return values
    column = pa.array(values)
    is_text = pa.types.is_string(column.type) or pa.types.is_null(column.type)
    return column.cast(pa.string()).dictionary_encode() if is_text else column


def stitched_parts(requests: Made, carry: pa.Table, rules: SessionRules) -> pa.Table:
    """Build the session parts of an hour from its requests and the carry-in."""
    return stitch(make_parts(requests, cut(requests, rules), rules), carry, rules)


def build_parts(requests: Made, carry: pa.Table, rules: SessionRules) -> pd.DataFrame:
    return stitched_parts(requests, carry, rules).to_pandas()


def as_carry(parts: pd.DataFrame) -> pa.Table:
    columns = {name: dictionary_encoding.to_arrow(parts[name]) for name in CARRY_COLUMNS}
    return carry_rows(pa.table(columns))


def sessions_of(parts: Iterable[pa.Table], first: Hour = FIRST) -> set[Session]:
    """Merge the parts of hours by `session_id`; times are in seconds after `first`.

    A visitor's id ends at the first `-`; what follows names a key.
    """
    columns = ["session_id", "visitor_id", "first_hit_at", "last_hit_at", "requests"]
    rows = (zip(*some.select(columns).to_pydict().values(), strict=True) for some in parts)
    found: dict[str, list[Any]] = {}
    for session_id, visitor_id, first_hit_at, last_hit_at, requests in chain.from_iterable(rows):
        visitor = visitor_id.partition("-")[0]
        session = found.setdefault(session_id, [visitor, first_hit_at, last_hit_at, 0])
        assert session[0] == visitor
        session[1] = min(session[1], first_hit_at)
        session[2] = max(session[2], last_hit_at)
        session[3] += requests
    return {
        (visitor, _seconds(begin - first.naive), _seconds(end - first.naive), requests)
        for visitor, begin, end, requests in found.values()
    }


def _seconds(duration: timedelta) -> int:
    return duration // timedelta(seconds=1)
