"""Publication intents: which hours are being published, and the session parts kept beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
from tests.clickstream.lake.builders import build_rows, store_rows

from clickstream.hours import Hour
from clickstream.lake import Lake, hour_ledger, intents, objects
from clickstream.lake.hour_ledger import UNPUBLISHED
from clickstream.lake.intents import PUBLISHING, Marks, begun_at, broken_off, compared
from clickstream.tables import COMPARED, HOUR_LEDGER, SESSION_PARTS

HOUR = Hour.parse("2026-11-20T05")
BOTH = {HOUR: UNPUBLISHED, HOUR.next: UNPUBLISHED}


def parts_of(*visitors: str) -> Callable[[Hour], pa.Table]:
    """What builds an hour's session parts: one for each visitor."""
    rows = [{"visitor_id": visitor} for visitor in visitors]
    return lambda hour: build_rows(SESSION_PARTS, hour, *rows)


def test_every_hour_of_an_attempt_counts_as_broken_off_until_it_is_done(lake: Lake) -> None:
    marks = Marks(lake, BOTH, "run")
    assert broken_off(lake) == set()
    marks.set()
    assert broken_off(lake) == {HOUR, HOUR.next}
    assert broken_off(lake, HOUR.next, HOUR.plus(9)) == {HOUR.next}
    assert broken_off(lake, HOUR.plus(2)) == broken_off(lake, None, HOUR.previous) == set()
    marks.clear()
    assert broken_off(lake) == set()
    assert [*objects.listing(lake, PUBLISHING)] == []


def test_the_time_at_which_a_publication_began_is_aware(lake: Lake) -> None:
    Marks(lake, {HOUR: UNPUBLISHED}, "run").set()
    [(hour, at)] = begun_at(lake).items()
    assert hour == HOUR
    assert at.utcoffset() == timedelta()


def test_an_attempt_removes_the_intents_of_others_who_notice_it(lake: Lake) -> None:
    one, other = Marks(lake, BOTH, "one"), Marks(lake, {HOUR: UNPUBLISHED}, "other")
    one.set()
    assert one.fallen(one.standing()) == []
    other.set()
    assert one.fallen(one.standing()) == [HOUR]
    assert other.fallen(other.standing()) == []
    assert broken_off(lake) == {HOUR, HOUR.next}


def test_an_intent_that_a_finished_run_left_behind_is_ignored(lake: Lake) -> None:
    """The process was killed after it had written the ledger, before it removed its intents."""
    Marks(lake, {HOUR: UNPUBLISHED}, "finished").set()
    store_rows(lake, HOUR_LEDGER, HOUR, {"published_by": "finished"})
    assert broken_off(lake) == set()
    version = hour_ledger.ledger_row(lake, HOUR).version
    Marks(lake, {HOUR: version}, "finished").set()
    assert broken_off(lake) == {HOUR}, "the run has begun to replace its own version"
    Marks(lake, {HOUR: UNPUBLISHED}, "another").set()
    assert broken_off(lake) == {HOUR}


def test_only_changed_session_parts_of_published_hours_are_replaced(lake: Lake) -> None:
    for hour in (HOUR, HOUR.next):
        store_rows(lake, SESSION_PARTS, hour, {"visitor_id": "ana"})
    assert Marks(lake, BOTH, "run").replaced(parts_of("bob")) == {}
    marks = Marks(lake, dict.fromkeys(BOTH, "v1"), "run")
    new = {HOUR: parts_of("bob"), HOUR.next: parts_of("ana")}
    [(hour, old)] = marks.replaced(lambda hour: new[hour](hour)).items()
    assert hour == HOUR
    assert old.equals(compared(parts_of("ana")(HOUR)))


def test_a_later_attempt_finds_the_parts_that_the_first_one_replaced(lake: Lake) -> None:
    """Even if the first one has overwritten them in the table before it was killed."""
    store_rows(lake, SESSION_PARTS, HOUR, {"visitor_id": "ana"})
    killed, later = (Marks(lake, {HOUR: "v1"}, run) for run in ("killed", "later"))
    killed.set()
    killed.replaced(parts_of("bob"))
    store_rows(lake, SESSION_PARTS, HOUR, {"visitor_id": "bob"})
    later.set()
    ana = compared(parts_of("ana")(HOUR))
    assert later.replaced(parts_of("eva")) == {HOUR: ana}
    assert later.replaced(parts_of("bob")) == {}, "the table has them already"
    assert later.kept_by_others(later.standing(), set()) == {HOUR: ana}
    assert later.kept_by_others(later.standing(), {HOUR}) == {}
    later.clear()
    assert later.kept_by_others(later.standing(), set()) == {}


def test_parts_are_compared_by_typed_columns_whatever_their_encoding() -> None:
    plain = parts_of("ana")(HOUR)
    position = plain.schema.get_field_index("visitor_id")
    encoded = plain.set_column(position, "visitor_id", plain["visitor_id"].dictionary_encode())
    assert intents.compared(encoded).equals(compared(plain))
    assert compared(plain).column_names == [*COMPARED]
