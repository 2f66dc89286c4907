"""Publications replace rows in every table, refuse stale versions, and mark what is unfinished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import (
    build_audit,
    build_publication,
    build_rows,
    publish_as,
    store_rows,
    stored_values,
)

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, objects
from clickstream.lake.hour_ledger import UNPUBLISHED
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.publication import (
    PUBLISHING,
    Mark,
    NewRows,
    Publication,
    Replaced,
    begin,
    end,
    hours_of,
    interrupted_hours,
    interrupted_since,
    is_unfinished,
    publish,
    publish_hours,
    select_compared,
)
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_PARTS,
    Table,
)
from clickstream.tables.sessions import COMPARED

HOUR = Hour.parse("2026-11-20T05")
BOTH = (HOUR, HOUR.next)


def visitors(lake: Lake, hour: Hour = HOUR) -> list[str]:
    return stored_values(lake, SESSION_PARTS, hour, "visitor_id")


def marks_of(lake: Lake, *hours: Hour, run_id: str = "run", version: str = "") -> Mapping[str, Mark]:
    marks, _ = begin(lake, hours_of(hours), run_id, [version] * len(hours))
    return marks


def test_consecutive_hours_are_replaced_in_every_table(lake: Lake) -> None:
    hours = (build_publication(HOUR, "ana", "bob"), build_publication(HOUR.next, "eva", hits=3))
    replaced, rows = publish_as(lake, "first", *hours)
    assert [one.ledger.values for one in replaced] == [{}, {}]
    assert [row.values["published_by"] for row in rows] == ["first", "first"]
    assert hour_ledger.published_hours(lake, HOUR, HOUR.plus(5)) == {HOUR, HOUR.next}
    assert (visitors(lake), visitors(lake, HOUR.next)) == (["ana", "bob"], ["eva"])
    assert len(stored_values(lake, HITS, HOUR.next, "hour_at")) == 3
    assert stored_values(lake, REJECTS, HOUR, "reason") == ["test"]
    assert stored_values(lake, RAW_OBJECTS, HOUR, "raw_object") == ["raw/first.gz"]
    assert interrupted_hours(lake) == set()


def test_hours_that_are_not_consecutive_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="Only consecutive hours"):
        publish_as(lake, "run", build_publication(HOUR), build_publication(HOUR.plus(2)))
    assert hour_ledger.published_hours(lake, HOUR, HOUR.plus(2)) == set()


def test_a_build_from_an_outdated_version_is_refused_and_changes_nothing(lake: Lake) -> None:
    publish_as(lake, "first", build_publication(HOUR, "ana"))
    with pytest.raises(StaleHour, match=rf"{HOUR} .* was published by another process"):
        publish_as(lake, "stale", build_publication(HOUR, "bob"))
    assert visitors(lake) == ["ana"]
    assert hour_ledger.ledger_row(lake, HOUR).values["published_by"] == "first"


@pytest.mark.parametrize("table", [SESSION_PARTS, HITS], ids=lambda table: table.name)
def test_of_two_publications_at_once_the_slower_one_is_refused(lake: Lake, table: Table) -> None:
    """The faster one commits after the slower one has loaded the tables."""
    _, [first] = publish_as(lake, "first", build_publication(HOUR, "eva"))
    faster, slower = (build_publication(HOUR, v, version=first.version) for v in ("ana", "bob"))
    overtaken: list[object] = []

    def rows(of: Table) -> pa.Table:
        if of is table and not overtaken:
            overtaken.extend(publish_as(lake, "faster", faster))
        return slower.rows(of)

    with pytest.raises(StaleHour):
        publish_as(lake, "slower", Publication(HOUR, first.version, rows))
    assert visitors(lake) == ["ana"]
    assert hour_ledger.ledger_row(lake, HOUR).values["published_by"] == "faster"


@pytest.mark.parametrize("table", hours_of(BOTH).tables, ids=lambda table: table.name)
def test_a_publication_that_another_one_overtakes_while_it_loads_the_tables_changes_nothing(
    lake: Lake, table: Table, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The faster one has committed some tables when the slower one loads them, others not yet."""
    _, [first] = publish_as(lake, "first", build_publication(HOUR, "eva"))
    faster, slower = (build_publication(HOUR, v, version=first.version) for v in ("ana", "bob"))
    load, waiting = iceberg_tables.load, [table]

    def rows(of: Table) -> pa.Table:
        return faster.rows(of)

    def load_late(lake: Lake, of: Table) -> LoadedTable:
        if of in waiting:
            waiting.remove(of)
            publish_as(lake, "faster", faster)
        return load(lake, of)

    monkeypatch.setattr(iceberg_tables, "load", load_late)
    with pytest.raises(StaleHour):
        publish_as(lake, "slower", slower)
    assert visitors(lake) == ["ana"]
    assert interrupted_hours(lake) == set()
