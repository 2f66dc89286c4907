"""Publications replace hours in every table and refuse stale versions."""

from __future__ import annotations

import pyarrow as pa
import pytest
from tests.clickstream.lake.builders import (
    build_publication,
    publish_as,
    stored_values,
)

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, intents
from clickstream.lake.publication import Publication
from clickstream.tables import HITS, RAW_OBJECTS, REJECTS, SESSION_PARTS, Table

HOUR = Hour.parse("2026-11-20T05")


def visitors(lake: Lake, hour: Hour = HOUR) -> list[str]:
    return stored_values(lake, SESSION_PARTS, hour, "visitor_id")


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
    assert intents.interrupted_hours(lake) == set()


def test_hours_that_are_not_consecutive_are_refused(lake: Lake) -> None:
    with pytest.raises(ValueError, match="Only consecutive hours"):
        publish_as(lake, "run", build_publication(HOUR), build_publication(HOUR.plus(2)))
    assert hour_ledger.published_hours(lake, HOUR, HOUR.plus(2)) == set()


def test_a_build_from_an_outdated_version_is_refused_and_changes_nothing(lake: Lake) -> None:
    publish_as(lake, "first", build_publication(HOUR, "ana"))
    with pytest.raises(StaleHour, match=rf"Hour {HOUR} was published by another process"):
        publish_as(lake, "stale", build_publication(HOUR, "bob"))
    assert visitors(lake) == ["ana"]
    assert hour_ledger.ledger_row(lake, HOUR).values["published_by"] == "first"


@pytest.mark.parametrize("table", [SESSION_PARTS, HITS], ids=lambda table: table.name)
def test_of_two_publications_at_once_the_slower_one_is_refused(lake: Lake, table: Table) -> None:
    """The faster one commits before the slower one loads the tables, or between load and commit."""
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


def test_a_publication_is_refused_if_another_one_has_begun_after_it(lake: Lake) -> None:
    _, [first] = publish_as(lake, "first", build_publication(HOUR, "eva"))
    earlier = build_publication(HOUR, "bob", version=first.version)

    def rows(of: Table) -> pa.Table:
        intents.PublicationIntents(lake, {HOUR: first.version}, "later").write()
        return earlier.rows(of)

    with pytest.raises(StaleHour):
        publish_as(lake, "earlier", Publication(HOUR, first.version, rows))
    assert visitors(lake) == ["eva"]
