"""Bytes that a query about one day reads, for each view and each of its date columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import yaml
from tests.support.trino_client import Trino

from benchmarks.age.plan import DATABASE, ROOT
from benchmarks.age.state import TableFiles
from clickstream.errors import QueryFailed
from clickstream.lake import Lake, athena

SQL = ROOT / "include" / "sql"

BytesRead = Callable[[str], int]
"""Runs a statement; returns the bytes that it read. Raises QueryFailed."""


@dataclass(frozen=True)
class DayOfView:
    """One day of a view on an engine: bytes read, and their share of the tables' bytes.

    The tables are those that the view reads, directly or through other views. Where `select *`
    fails, `error` is the reason, and the bytes are those of `select count(*)`, or None.
    """

    engine: str
    view: str
    column: str
    bytes: int | None
    share: float | None
    seconds: float
    error: str = ""


def measure_views(
    engine: str, bytes_read: BytesRead, day: str, files: list[TableFiles]
) -> Iterator[DayOfView]:
    """Query each view for one day, such as `2026-11-20`, by each of its date columns."""
    views = _views()
    sizes = {one.table: one.bytes for one in files}
    for view, described in views.items():
        whole = sum(sizes[table] for table in _tables_of(view, views))
        for column in described["columns"]:
            if column in ("event_date", "session_date"):
                where = f"from {view} where {column} = date '{day}'"
                yield _ask(engine, bytes_read, view, column, where, whole)


def athena_bytes(lake: Lake) -> BytesRead:
    """Return a function that runs statements on Athena."""
    return lambda sql: athena.query(lake, sql).scanned_bytes


def trino_bytes(trino: Trino) -> BytesRead:
    """Return a function that runs statements on Trino."""
    return lambda sql: trino.ask(DATABASE, sql).bytes


def _ask(
    engine: str, bytes_read: BytesRead, view: str, column: str, where: str, whole: int
) -> DayOfView:
    day = partial(DayOfView, engine, view, column)
    begun = time.monotonic()
    try:
        size = bytes_read(f"select * {where}")
    except QueryFailed as error:
        seconds, reason = time.monotonic() - begun, str(error)
        try:
            counted = bytes_read(f"select count(*) {where}")
        except QueryFailed:
            return day(None, None, seconds, reason)
        return day(counted, counted / whole, seconds, reason)
    return day(size, size / whole, time.monotonic() - begun)


def _views() -> Mapping[str, Any]:
    """The descriptions of all views, by name."""
    return {path.stem: _description(path) for path in sorted(SQL.glob("*.yml"))}


def _description(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def _tables_of(name: str, views: Mapping[str, Any]) -> set[str]:
    """The tables that a view reads, directly or through other views."""
    if name not in views:
        return {name}
    return {table for read in views[name]["reads"] for table in _tables_of(read, views)}
