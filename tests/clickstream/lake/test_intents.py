"""Publication intents: which hours are being published, and the session parts kept beside them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pyarrow as pa
from tests.clickstream.lake.builders import build_rows, store_rows

from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger, objects
from clickstream.lake.hour_ledger import UNPUBLISHED
from clickstream.lake.intents import (
    PUBLISHING,
    PublicationIntents,
    interrupted_hours,
    interrupted_since,
    select_compared,
)
from clickstream.tables import HOUR_LEDGER, SESSION_PARTS
from clickstream.tables.sessions import COMPARED

HOUR = Hour.parse("2026-11-20T05")
BOTH = {HOUR: UNPUBLISHED, HOUR.next: UNPUBLISHED}


def parts_of(*visitors: str) -> Callable[[Hour], pa.Table]:
    """What builds an hour's session parts: one for each visitor."""
    rows = [{"visitor_id": visitor} for visitor in visitors]
    return lambda hour: build_rows(SESSION_PARTS, hour, *rows)


def test_every_hour_of_an_attempt_counts_as_interrupted_until_it_is_complete(lake: Lake) -> None:
    intents = PublicationIntents(lake, BOTH, "run")
    assert interrupted_hours(lake) == set()
    intents.write()
    assert interrupted_hours(lake) == {HOUR, HOUR.next}
    assert interrupted_hours(lake, HOUR.next, HOUR.plus(9)) == {HOUR.next}
    assert (
        interrupted_hours(lake, HOUR.plus(2))
        == interrupted_hours(lake, None, HOUR.previous)
        == set()
    )
    intents.remove()
    assert interrupted_hours(lake) == set()
    assert [*objects.listing(lake, PUBLISHING)] == []


def test_the_time_at_which_a_publication_began_is_aware(lake: Lake) -> None:
    PublicationIntents(lake, {HOUR: UNPUBLISHED}, "run").write()
    [(hour, at)] = interrupted_since(lake).items()
    assert hour == HOUR
    assert at.utcoffset() == timedelta()


def test_an_attempt_removes_the_intents_of_others_who_notice_it(lake: Lake) -> None:
    one, other = (
        PublicationIntents(lake, BOTH, "one"),
        PublicationIntents(lake, {HOUR: UNPUBLISHED}, "other"),
    )
    one.write()
    assert one.overtaken_hours(one.list_keys()) == []
    other.write()
    assert one.overtaken_hours(one.list_keys()) == [HOUR]
    assert other.overtaken_hours(other.list_keys()) == []
    assert interrupted_hours(lake) == {HOUR, HOUR.next}


def test_an_intent_that_a_finished_run_left_behind_is_ignored(lake: Lake) -> None:
    """The process was killed after it had written the ledger, before it removed its intents."""
    PublicationIntents(lake, {HOUR: UNPUBLISHED}, "finished").write()
    store_rows(lake, HOUR_LEDGER, HOUR, {"published_by": "finished"})
    assert interrupted_hours(lake) == set()
    version = hour_ledger.ledger_row(lake, HOUR).version
    PublicationIntents(lake, {HOUR: version}, "finished").write()
    assert interrupted_hours(lake) == {HOUR}, "the run has begun to replace its own version"
    PublicationIntents(lake, {HOUR: UNPUBLISHED}, "another").write()
    assert interrupted_hours(lake) == {HOUR}


def test_only_changed_session_parts_of_published_hours_are_replaced(lake: Lake) -> None:
    for hour in (HOUR, HOUR.next):
        store_rows(lake, SESSION_PARTS, hour, {"visitor_id": "ana"})
    assert PublicationIntents(lake, BOTH, "run").save_replaced_parts(parts_of("bob")) == {}
    intents = PublicationIntents(lake, dict.fromkeys(BOTH, "v1"), "run")
    new = {HOUR: parts_of("bob"), HOUR.next: parts_of("ana")}
    [(hour, old)] = intents.save_replaced_parts(lambda hour: new[hour](hour)).items()
    assert hour == HOUR
    assert old.equals(select_compared(parts_of("ana")(HOUR)))


def test_parts_are_compared_by_typed_columns_whatever_their_encoding() -> None:
    plain = parts_of("ana")(HOUR)
    position = plain.schema.get_field_index("visitor_id")
    encoded = plain.set_column(position, "visitor_id", plain["visitor_id"].dictionary_encode())
    assert select_compared(encoded).equals(select_compared(plain))
    assert select_compared(plain).column_names == [*COMPARED]
