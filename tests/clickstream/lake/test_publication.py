"""Publications replace hours in every table, refuse stale versions and survive a killed process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import (
    build_history,
    build_publication,
    publish_as,
    stored_values,
)
from tests.support.faults import Killed

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import Lake, hour_ledger, intents
from clickstream.lake.publication import Publication, Replaced, publish
from clickstream.tables import HITS, RAW_OBJECTS, REJECTS, SESSION_PARTS, Table

HOUR = Hour.parse("2026-11-20T05")


def die(_replaced: Sequence[Replaced]) -> Mapping[str, pa.Table]:
    """A history at which the process is killed: hits are committed, the ledger is not."""
    raise Killed


def visitors(lake: Lake, hour: Hour = HOUR) -> list[str]:
    return stored_values(lake, SESSION_PARTS, hour, "visitor_id")


def test_consecutive_hours_are_replaced_in_every_table(lake: Lake) -> None:
    hours = (build_publication(HOUR, "ana", "bob"), build_publication(HOUR.next, "eva", hits=3))
    rows = publish_as(lake, "first", *hours)
    assert [before.values for before, _ in rows] == [{}, {}]
    assert [after.values["published_by"] for _, after in rows] == ["first", "first"]
    assert hour_ledger.published_hours(lake, HOUR, HOUR.plus(5)) == {HOUR, HOUR.next}
    assert (visitors(lake), visitors(lake, HOUR.next)) == (["ana", "bob"], ["eva"])
    assert len(stored_values(lake, HITS, HOUR.next, "hour_at")) == 3
    assert stored_values(lake, REJECTS, HOUR, "reason") == ["test"]
    assert stored_values(lake, RAW_OBJECTS, HOUR, "raw_object") == ["raw/first.gz"]
    assert intents.broken_off(lake) == set()


def test_hours_that_are_not_consecutive_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="do not follow on each other"):
        publish_as(lake, "run", build_publication(HOUR), build_publication(HOUR.plus(2)))
    assert hour_ledger.published_hours(lake, HOUR, HOUR.plus(2)) == set()


def test_an_interrupted_publication_is_found_by_its_intents_until_a_run_completes_it(
    lake: Lake,
) -> None:
    with pytest.raises(Killed):
        publish(lake, [build_publication(HOUR, "ana")], "killed", die)
    assert visitors(lake) == ["ana"]
    assert hour_ledger.ledger_row(lake, HOUR).values == {}
    assert intents.broken_off(lake) == {HOUR}
    publish_as(lake, "next", build_publication(HOUR, "ana"))
    assert intents.broken_off(lake) == set()
    assert len(visitors(lake)) == 1


def test_a_build_from_an_outdated_version_is_refused_and_changes_nothing(lake: Lake) -> None:
    publish_as(lake, "first", build_publication(HOUR, "ana"))
    with pytest.raises(StaleHour, match=rf"Hour {HOUR} was published by someone else"):
        publish_as(lake, "stale", build_publication(HOUR, "bob"))
    assert visitors(lake) == ["ana"]
    assert hour_ledger.ledger_row(lake, HOUR).values["published_by"] == "first"


@pytest.mark.parametrize("table", [SESSION_PARTS, HITS], ids=lambda table: table.name)
def test_of_two_publications_at_once_the_slower_one_is_refused(lake: Lake, table: Table) -> None:
    """The faster one commits before the slower one loads the tables, or between load and commit."""
    [(_, first)] = publish_as(lake, "first", build_publication(HOUR, "eva"))
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


def test_a_run_after_a_crash_compares_with_the_session_parts_that_readers_saw(lake: Lake) -> None:
    [(_, first)] = publish_as(lake, "first", build_publication(HOUR, "ana"))
    changed = build_publication(HOUR, "bob", version=first.version)
    with pytest.raises(Killed):
        publish(lake, [changed], "killed", die)
    assert visitors(lake) == ["bob"]
    seen: list[Replaced] = []

    def history(replaced: Sequence[Replaced]) -> Mapping[str, pa.Table]:
        seen.extend(replaced)
        return build_history("next", [HOUR])(replaced)

    [(before, after)] = publish(lake, [changed], "next", history)
    assert (before.version, after.values["published_by"]) == (first.version, "next")
    [one] = seen
    assert one.ledger.version == first.version
    assert one.parts is not None
    assert one.parts["visitor_id"].to_pylist() == ["ana"]
    assert [*one.raw_objects] == ["raw/first.gz"]
    seen.clear()
    publish(lake, [replace(changed, version=after.version)], "same rows", history)
    assert [replaced.parts for replaced in seen] == [None]
