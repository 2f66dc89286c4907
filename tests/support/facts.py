"""Facts of a lake as readers get them, compared with what the views answer."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import UTC, date, datetime
from typing import Any

from clickstream.lake import Lake, athena, fact_files
from clickstream.lake.fact_files import FACT_VIEWS, Manifest
from clickstream.pipeline.publish.facts import FactsRefreshed, refresh_facts

NOW = datetime(2026, 11, 22, tzinfo=UTC)
"""The moment that the tests' refreshes count keep_days back from."""

OF_SESSIONS = (
    *("session_facts", "page_view_facts", "goal_facts", "session_error_facts", "agent_facts"),
)
"""The fact views whose date is that of the session; the others have the date of the hour."""

Rows = dict[str, list[tuple[Any, ...]]]


def refresh(lake: Lake, **options: Any) -> FactsRefreshed:
    """Refresh the facts as of NOW."""
    return refresh_facts(lake, now=NOW, **options)


def manifest(lake: Lake) -> Manifest:
    """The manifest, which must exist."""
    stored = fact_files.read_manifest(lake)
    assert stored is not None
    return stored.value


def rows_of_facts(lake: Lake, dates: Collection[date] | None = None) -> Rows:
    """All rows of the files that the manifest names, each in the file of its date.

    With `dates`, only the files of these dates.
    """
    return {view: sorted(_rows_of_view(lake, view, dates), key=repr) for view in FACT_VIEWS}


def _rows_of_view(lake: Lake, view: str, dates: Collection[date] | None) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    for day, file in manifest(lake).files[view].items():
        if dates is not None and day not in dates:
            continue
        table = fact_files.read_file(lake, file)
        assert table is not None, file.key
        assert len(table) == file.rows
        date_column = "session_date" if "session_date" in table.column_names else "event_date"
        assert set(table[date_column].to_pylist()) <= {day}
        rows += [tuple(row.values()) for row in table.to_pylist()]
    return rows


def rows_of_views(lake: Lake, dates: Collection[date] | None = None) -> Rows:
    """All rows that the views answer now; with `dates`, only those of these dates."""
    return {view: sorted(_answers(lake, view, dates), key=repr) for view in FACT_VIEWS}


def _answers(lake: Lake, view: str, dates: Collection[date] | None) -> list[tuple[Any, ...]]:
    if dates is None:
        return athena.query(lake, f"select * from {view}").rows
    column = "session_date" if view in OF_SESSIONS else "event_date"
    listed = ", ".join(f"date '{day}'" for day in dates)
    return athena.query(lake, f"select * from {view} where {column} in ({listed})").rows


class Hooked:
    """A client of AWS, with a function that is called before each call of one of its methods."""

    def __init__(self, real: Any, method: str, hook: Callable[[], None]) -> None:
        self._real, self._method, self._hook = real, method, hook

    def __getattr__(self, name: str) -> Any:
        if name == self._method:
            self._hook()
        return getattr(self._real, name)


def hooked(lake: Lake, service: str, method: str, hook: Callable[[], None]) -> Lake:
    """The lake of a process that calls `hook` before each call of a method of a service."""
    copy = Lake(lake.settings, lake.session)
    copy.__dict__[service] = Hooked(getattr(copy, service), method, hook)
    return copy


def at_call(number: int, action: Callable[[], None]) -> Callable[[], None]:
    """A hook that does something at the n-th call, and nothing at the others."""
    calls = iter(range(1, 1_000_000))

    def hook() -> None:
        if next(calls) == number:
            action()

    return hook
