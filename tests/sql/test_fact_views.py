"""The facts of an hour add up to its row in the ledger, and to the truth about the café."""

from __future__ import annotations

from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from clickstream.lake import Lake, athena
from clickstream.lake.fact_files import FACT_VIEWS

NEW_YORK = ZoneInfo("America/New_York")
SUMS = {
    ("bot_facts", "requests"): "bots",
    ("error_facts", "requests"): "client_errors + server_errors",
    ("reject_facts", "lines"): "rejected",
    ("source_facts", "lines"): "lines",
    ("source_facts", "late_lines"): "late_lines",
}


def rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return athena.query(lake, sql).rows


@pytest.mark.parametrize(("view", "column"), SUMS)
def test_the_facts_of_an_hour_add_up_to_the_ledger(lake: Lake, view: str, column: str) -> None:
    expected = SUMS[view, column]
    of_hours = f"select hour_at, sum({column}) from {view} group by hour_at order by hour_at"
    ledger = f"select hour_at, {expected} from hour_ledger where {expected} > 0 order by hour_at"
    summed = [row for row in rows(lake, of_hours) if row[1]]
    assert summed == rows(lake, ledger)
    assert summed or column == "late_lines"


def test_an_hour_s_facts_are_its_row_in_the_ledger(lake: Lake) -> None:
    columns = athena.query(lake, "select * from hour_facts limit 1").columns
    kept = ", ".join(name for name in columns if name not in ("local_date", "local_hour"))
    of_ledger = kept.replace("waiting_lines", "coalesce(waiting_lines, 0) as waiting_lines")
    facts = rows(lake, f"select {kept} from hour_facts order by hour_at")
    assert facts == rows(lake, f"select {of_ledger} from hour_ledger order by hour_at")


def test_session_facts_are_the_sessions(lake: Lake, truth: Any) -> None:
    sums = "count(*), sum(page_views), sum(conversions)"
    expected = rows(lake, f"select {sums} from sessions")
    assert rows(lake, f"select {sums} from session_facts") == expected
    assert expected[0][:2] == (
        len([visit for visit in truth.sessions if visit.page_views]),
        truth.total.page_requests,
    )


def test_page_views_and_goals_of_each_local_hour_are_those_of_its_sessions(lake: Lake) -> None:
    of_sessions = (
        "select local_date, local_hour, sum({column}) from session_facts"
        " group by 1, 2 having sum({column}) > 0 order by 1, 2"
    )
    for view, count, column in (
        ("page_view_facts", "count(*)", "page_views"),
        ("goal_facts", "sum(times)", "conversions"),
    ):
        counted = f"select local_date, local_hour, {count} from {view} group by 1, 2 order by 1, 2"
        assert rows(lake, counted) == rows(lake, of_sessions.format(column=column))


def test_the_requests_of_places_are_all_of_people(lake: Lake) -> None:
    by_date = "select event_date, sum({}) from {} group by event_date order by event_date"
    people = "lines - rejected - assets - bots - health_checks"
    summed = rows(lake, by_date.format("requests", "place_facts"))
    assert summed == rows(lake, by_date.format(people, "hour_ledger"))


def test_the_requests_for_paths_of_bots_are_all_of_bots(lake: Lake) -> None:
    by_date = "select event_date, sum({}) from {} group by event_date order by event_date"
    summed = rows(lake, by_date.format("requests", "bot_page_facts"))
    assert summed == rows(lake, by_date.format("bots", "hour_ledger"))
    sums = "select sum(bytes), sum(errors) from {}"
    assert rows(lake, sums.format("bot_page_facts")) == rows(lake, sums.format("bot_facts"))


def test_errors_of_sessions_are_those_of_their_hits(lake: Lake) -> None:
    """Counted from the hits by another way: the sessions' ids, without joins of dates or hours."""
    of_hits = """
        select substr(s.session_id, 1, 16), h.page, h.status, count(*), min(h.hit_at)
        from hits h, session_parts p, sessions s
        where h.part_id = p.part_id and p.session_id = s.session_id and h.status >= 400
            and h.kind <> 'asset'
        group by 1, 2, 3 order by 1, 2, 3
    """
    facts = "select session_id, page, status, requests, first_at from session_error_facts"
    found = rows(lake, f"{facts} order by 1, 2, 3")
    assert found == rows(lake, of_hits)
    assert found


def test_each_page_view_names_the_page_of_the_next(lake: Lake) -> None:
    asked = "select session_id, page, next_page from page_view_facts order by 1, view_number"
    views = rows(lake, asked)
    for (session, _, named), (other, page, _) in pairwise(views):
        assert named == (page if session == other else None)


def test_local_times_are_those_of_the_site(lake: Lake) -> None:
    asked = "select started_at, local_date, local_hour, local_weekday from session_facts"
    for started_at, local_date, local_hour, local_weekday in rows(lake, asked):
        local = started_at.replace(tzinfo=ZoneInfo("UTC")).astimezone(NEW_YORK)
        assert (local_date, local_hour) == (local.date(), local.hour)
        assert local_weekday == local.isoweekday()


def test_facts_hold_no_whole_id(lake: Lake) -> None:
    for view in FACT_VIEWS:
        for name in athena.query(lake, f"select * from {view} limit 1").columns:
            if name in ("session_id", "visitor_id"):
                assert rows(lake, f"select max(length({name})) from {view}") == [(16,)]
