"""Bytes that a query about one day reads, for each view and each of its date columns."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from tests.support.trino_client import Trino

from benchmarks.age.plan import DATABASE, ROOT
from benchmarks.age.state import TableFiles
from clickstream.core.errors import QueryFailed
from clickstream.lake import Lake, athena
from clickstream.lake.views import AthenaView, views_of

SQL = ROOT / "include" / "sql"

BytesRead = Callable[[str], int]
"""Runs a statement; returns the bytes that it read. Raises QueryFailed."""


@dataclass(frozen=True)
class DayOfView:
    """One day of a view on an engine: bytes read, and their share of the tables' bytes.

    The tables are those that the view reads, directly or through other views; the share of empty
    tables is None. Where `select *` fails, `error` is the reason, and the bytes are those of
    `select count(*)`, or None.
    """

    engine: str
    view: str
    column: str
    bytes: int | None
    share: float | None
    seconds: float
    error: str = ""


def measure_views(
    engine: str, bytes_read: BytesRead, lake: Lake, day: str, files: list[TableFiles]
) -> Iterator[DayOfView]:
    """Query each view for one day, such as `2026-11-20`, by each of its date columns.

    Without `[[sales]]` in the settings, a lake has no views of sales.
    """
    views = {view.name: view for view in views_of(lake.settings, SQL)}
    sizes = {table.table: table.bytes for table in files}
    for name, view in sorted(views.items()):
        whole = sum(sizes[table] for table in _tables_of(name, views))
        for column in view.comments.columns:
            if column in ("event_date", "session_date"):
                where = f"from {name} where {column} = date '{day}'"
                yield _ask(engine, bytes_read, name, column, where, whole)


def athena_bytes(lake: Lake) -> BytesRead:
    """Return a function that runs statements on Athena."""
    return lambda sql: athena.query(lake, sql).scanned_bytes


def trino_bytes(trino: Trino) -> BytesRead:
    """Return a function that runs statements on Trino."""
    return lambda sql: trino.ask(DATABASE, sql).bytes


def _ask(
    engine: str, bytes_read: BytesRead, view: str, column: str, where: str, whole: int
) -> DayOfView:
    begun, error = time.monotonic(), ""
    size: int | None = None
    try:
        size = bytes_read(f"select * {where}")
    except QueryFailed as failure:
        error = str(failure)
    seconds = time.monotonic() - begun
    if error:
        with suppress(QueryFailed):
            size = bytes_read(f"select count(*) {where}")
    share = None if size is None or not whole else size / whole
    return DayOfView(engine, view, column, size, share, seconds, error)


def _tables_of(name: str, views: Mapping[str, AthenaView]) -> set[str]:
    """The tables that a view reads, directly or through other views."""
    if name not in views:
        return {name}
    return {table for read in views[name].reads for table in _tables_of(read, views)}
