"""Publications replace rows in every table, refuse stale versions, and mark what is unfinished."""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.lake.builders import (
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
    Publication,
    batches_of,
    begin,
    end,
    hours_of,
    interrupted_hours,
    interrupted_since,
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


def visitors(lake: Lake, hour: Hour = HOUR) -> list[str]:
    return stored_values(lake, SESSION_PARTS, hour, "visitor_id")


def parts_of(*visitors: str) -> pa.Table:
    return build_rows(SESSION_PARTS, HOUR, *({"visitor_id": visitor} for visitor in visitors))


@given(st.sets(st.integers(0, 90)), st.integers(1, 40))
def test_a_batch_has_dates_of_one_month_and_at_most_so_many_rows(
    numbers: set[int], largest: int
) -> None:
    days = [date(2026, 1, 1) + timedelta(days=number) for number in sorted(numbers)]
    batches = [*batches_of(days, largest, lambda day: day.day)]
    assert [day for batch in batches for day in batch] == days
    for batch in batches:
        assert len({day.month for day in batch}) == 1
        assert len(batch) == 1 or sum(day.day for day in batch) <= largest
    for batch, following in pairwise(batches):
        is_full = sum(day.day for day in (*batch, following[0])) > largest
        assert is_full or batch[0].month < following[0].month


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


def test_a_publication_is_refused_if_another_one_has_begun_while_it_loaded_the_tables(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Otherwise it may have loaded some tables before and some after the other one's commits."""
    _, [first] = publish_as(lake, "first", build_publication(HOUR, "eva"))
    load = iceberg_tables.load

    def load_late(lake: Lake, table: Table) -> LoadedTable:
        if table is HOUR_LEDGER:
            begin(lake, hours_of([HOUR]), "later", [first.version])
        return load(lake, table)

    monkeypatch.setattr(iceberg_tables, "load", load_late)
    with pytest.raises(StaleHour):
        publish_as(lake, "earlier", build_publication(HOUR, "bob", version=first.version))
    monkeypatch.undo()
    assert visitors(lake) == ["eva"]
    assert interrupted_hours(lake) == {HOUR}


def test_an_hour_counts_as_interrupted_from_its_mark_until_its_end(lake: Lake) -> None:
    subject = hours_of([HOUR, HOUR.next])
    assert interrupted_hours(lake) == set()
    marks, _ = begin(lake, subject, "run")
    assert interrupted_hours(lake) == {HOUR, HOUR.next}
    assert interrupted_hours(lake, HOUR.next, HOUR.plus(9)) == {HOUR.next}
    assert interrupted_hours(lake, HOUR.plus(2)) == set()
    assert interrupted_hours(lake, None, HOUR.previous) == set()
    assert {at.utcoffset() for at in interrupted_since(lake).values()} == {timedelta()}
    end(lake, subject, dict.fromkeys(marks, UNPUBLISHED), marks)
    assert interrupted_hours(lake) == set()
    assert [*objects.listing(lake, PUBLISHING)] == []


def test_the_mark_of_a_later_publication_replaces_that_of_an_earlier_one_and_stays(
    lake: Lake,
) -> None:
    earlier, both = hours_of([HOUR, HOUR.next]), {str(HOUR), str(HOUR.next)}
    marks, former = begin(lake, earlier, "earlier")
    assert (marks.keys(), former) == (both, {})
    _, overwritten = begin(lake, hours_of([HOUR]), "later")
    assert overwritten == {str(HOUR): marks[str(HOUR)]}
    end(lake, earlier, dict.fromkeys(marks, UNPUBLISHED), marks)
    assert interrupted_hours(lake) == {HOUR}


def test_a_mark_that_a_finished_publication_left_behind_is_ignored(lake: Lake) -> None:
    """The process was killed after it had written the ledger, before it removed its mark."""
    begin(lake, hours_of([HOUR]), "finished")
    store_rows(lake, HOUR_LEDGER, HOUR, {"published_by": "finished"})
    assert interrupted_hours(lake) == set()
    version = hour_ledger.ledger_row(lake, HOUR).version
    begin(lake, hours_of([HOUR]), "finished", [version])
    assert interrupted_hours(lake) == {HOUR}, "the run has begun to replace its own version"
    begin(lake, hours_of([HOUR]), "another")
    assert interrupted_hours(lake) == {HOUR}


def test_only_changed_session_parts_of_published_hours_are_replaced(lake: Lake) -> None:
    hours = [build_publication(hour, "ana") for hour in (HOUR, HOUR.next)]
    replaced, rows = publish_as(lake, "first", *hours)
    assert [hour.parts for hour in replaced] == [None, None]
    changed = build_publication(HOUR, "bob", version=rows[0].version)
    same = build_publication(HOUR.next, "ana", version=rows[1].version)
    [old, none], _ = publish_as(lake, "second", changed, same)
    assert old.parts == select_compared(parts_of("ana"))
    assert none.parts is None
    assert [*objects.listing(lake, PUBLISHING)] == []


@pytest.mark.parametrize("visitor", ["bob", "eva"])
def test_a_retry_replaces_the_parts_that_an_interrupted_publication_found(
    lake: Lake, visitor: str
) -> None:
    """It publishes the same parts as the interrupted one, or others."""
    _, [first] = publish_as(lake, "first", build_publication(HOUR, "ana"))
    interrupted = build_publication(HOUR, "bob", version=first.version)

    def rows(of: Table) -> pa.Table:
        if of is REJECTS:
            raise KeyboardInterrupt
        return interrupted.rows(of)

    with pytest.raises(KeyboardInterrupt):
        publish_as(lake, "interrupted", Publication(HOUR, first.version, rows))
    assert visitors(lake) == ["bob"]
    retry = build_publication(HOUR, visitor, version=first.version)
    [replaced], _ = publish_as(lake, "retry", retry)
    assert replaced.parts == select_compared(parts_of("ana"))
    assert visitors(lake) == [visitor]
    assert [*objects.listing(lake, PUBLISHING)] == []


def test_parts_are_compared_by_typed_columns_whatever_their_encoding() -> None:
    plain = parts_of("ana")
    position = plain.schema.get_field_index("visitor_id")
    encoded = plain.set_column(position, "visitor_id", plain["visitor_id"].dictionary_encode())
    assert select_compared(encoded).equals(select_compared(plain))
    assert select_compared(plain).column_names == [*COMPARED]
