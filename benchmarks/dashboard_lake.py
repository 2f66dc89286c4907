"""Writes the synthetic facts that `benchmarks.dashboard` measures, as files of a local AWS.

They are the simulated weeks of the dashboard's tests with more distinct values. Rows are columns
of numpy, because a year has millions of them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from importlib import import_module
from math import ceil
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from clickstream.lake import Lake, fact_files, shared_session
from clickstream.lake.fact_files import FactFile, Manifest
from clickstream.settings import Settings

LAST = date(2026, 11, 26)
HOURS_OF_LAST = 14
"""Published hours of the last date, which is not over, as on most pages that people open."""

NOW = datetime(2026, 11, 26, HOURS_OF_LAST, 20, tzinfo=UTC)
VIEWS_PER_VISIT = 2
LINES_PER_VIEW = 6
SERVERS = ("web-1", "web-2")

DISTINCT = {
    **{"page": 240, "landing_page": 240, "exit_page": 240, "source": 60, "referrer_domain": 60},
    **{"utm_campaign": 24, "city": 400, "browser": 12, "os": 8},
}
"""The number of distinct values of columns of texts."""

MOST_WEEKS = 13
"""Weeks that are generated at once, which limits the memory."""


def write_facts(settings: Settings, days: int, page_views: int) -> None:
    """Write the fact files of the last days; files of other days stay as they are."""
    lake = Lake(settings, shared_session())
    stored = fact_files.read_manifest(lake)
    files = {view: dict(named) for view, named in stored.value.files.items()} if stored else {}
    for number, (first, weeks) in enumerate(_blocks(days)):
        dates = [first + timedelta(days=day) for day in range(7 * weeks)]
        dates = [day for day in dates if day > LAST - timedelta(days=days)]
        for view, rows in _facts(first, weeks, page_views, number).items():
            files.setdefault(view, {}).update(_write_days(lake, view, rows, dates, page_views))
    version, etag = (stored.value.version + 1, stored.etag) if stored else (1, None)
    fact_files.write_manifest(lake, Manifest(version, NOW, "UTC", files), etag)


def _blocks(days: int) -> Iterator[tuple[date, int]]:
    """Yield the first day and the number of weeks of each block, the newest first."""
    left, end = ceil(days / 7), LAST + timedelta(days=1)
    while left:
        weeks = min(left, MOST_WEEKS)
        end -= timedelta(weeks=weeks)
        yield end, weeks
        left -= weeks


def _write_days(
    lake: Lake, view: str, rows: pa.Table, dates: Sequence[date], page_views: int
) -> dict[date, FactFile]:
    """Write a file of each date, with or without rows, as a lake has them."""
    dated_by = "session_date" if "session_date" in rows.column_names else "event_date"
    rows = rows.filter(_is_published(rows)).sort_by(dated_by)
    counts = {
        entry["values"]: entry["counts"] for entry in pc.value_counts(rows[dated_by]).to_pylist()
    }
    written: dict[date, FactFile] = {}
    start = 0
    for day in sorted({*counts, *dates}):
        of_day = rows.slice(start, counts.get(day, 0))
        start += len(of_day)
        if day in dates:
            written[day] = fact_files.write_file(lake, view, day, of_day, str(page_views))
    return written


def _is_published(rows: pa.Table) -> pa.ChunkedArray:
    if "local_hour" not in rows.column_names:
        return pc.is_valid(rows["local_date"])
    return pc.or_(pc.less(rows["local_date"], LAST), pc.less(rows["local_hour"], HOURS_OF_LAST))


def _facts(first: date, weeks: int, page_views: int, block: int) -> dict[str, pa.Table]:
    """Return the rows of each fact view. Equal arguments give equal rows."""
    simulated = import_module("tests.clickstream.dashboard.week_facts")  # mypy skips these tests
    rules = simulated.Weeks(first, weeks, 7 * page_views / VIEWS_PER_VISIT, seed=7 + block)
    store = rules.store()
    named = store.manifest.files
    rows = {view: store.files[file.key] for view in named for file in named[view].values()}
    rng = np.random.default_rng(page_views + block)
    visits = rows["session_facts"]
    rows["goal_facts"] = _rows_of_visits(
        rows["goal_facts"],
        visits.filter(pc.greater(visits["conversions"], 0)),
        goal="order",
        times=1,
    )
    failed = visits.filter(pa.array(rng.random(len(visits)) < 0.01))
    rows["session_error_facts"] = _rows_of_visits(
        rows["session_error_facts"], failed, page="/page-1", status=404, requests=1
    )
    rows["source_facts"] = _sources(rng, rows["hour_facts"], rows["source_facts"], page_views)
    visited = {
        view: _with_many_values(rng, table)
        for view, table in rows.items()
        if view != "source_facts"
    }
    return {view: _with_own_ids(table, block) for view, table in (rows | visited).items()}


def _rows_of_visits(wanted: pa.Table, visits: pa.Table, **values: Any) -> pa.Table:
    """Return one row of another fact view for each visit."""
    shared = {name: visits[name] for name in wanted.column_names if name in visits.column_names}
    return _table(wanted, shared, len(visits), values)


def _sources(rng: np.random.Generator, hours: pa.Table, wanted: pa.Table, views: int) -> pa.Table:
    """Return the lines of each server and hour."""
    count = len(hours)
    parts = []
    for server in SERVERS:
        lines = pa.array(rng.poisson(views * LINES_PER_VIEW / 24 / len(SERVERS), count))
        of_hour = {
            name: hours[name] for name in ("hour_at", "local_date", "local_hour", "event_date")
        }
        values = {"source": server, "late_lines": 0, "raw_objects": 12}
        parts.append(_table(wanted, {**of_hour, "lines": lines}, count, values))
    return pa.concat_tables(parts)


def _table(
    wanted: pa.Table, columns: Mapping[str, Any], count: int, values: Mapping[str, Any]
) -> pa.Table:
    """Build a table of columns and of repeated values; other columns are null."""
    arrays = [
        columns[field.name].cast(field.type)
        if field.name in columns
        else pa.repeat(pa.scalar(values.get(field.name), field.type), count)
        for field in wanted.schema
    ]
    return pa.Table.from_arrays(arrays, schema=wanted.schema)


def _with_many_values(rng: np.random.Generator, rows: pa.Table) -> pa.Table:
    """Replace texts by others, of which there are more, with decreasing frequencies."""
    for name, kinds in DISTINCT.items():
        if name in rows.column_names:
            names = pa.array([f"/{name}/{number}" for number in range(kinds)])
            indexes = pa.array(rng.zipf(1.4, len(rows)) % kinds)
            rows = rows.set_column(rows.column_names.index(name), name, names.take(indexes))
    return rows


def _with_own_ids(rows: pa.Table, block: int) -> pa.Table:
    """Give each block its own visits and visitors."""
    for name in ("session_id", "visitor_id"):
        if name in rows.column_names:
            rest = pc.utf8_slice_codeunits(rows[name], 2, 16)
            own = pc.binary_join_element_wise(f"{block + 1:02x}", rest, "")
            rows = rows.set_column(rows.column_names.index(name), name, own)
    return rows
