"""The views as Athena answers them, over hours whose truth is known."""

from __future__ import annotations

import re
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.support.answers import ALL_VIEWS

from clickstream.clean import PageRules
from clickstream.clean.pages import page_name
from clickstream.core.hours import Hour
from clickstream.demo.answers import QUESTIONS
from clickstream.lake import Lake, athena
from clickstream.settings import GoalSettings
from clickstream.tables import BALANCE

DIRECTORY = Path(__file__).parents[2] / "include" / "sql"
DESCRIPTIONS = {
    path.stem: yaml.safe_load(path.read_text(encoding="utf-8"))
    for path in sorted(DIRECTORY.glob("*.yml"))
    if path.stem in ALL_VIEWS
}


def rows(lake: Lake, sql: str) -> list[tuple[Any, ...]]:
    return athena.query(lake, sql).rows


def number(lake: Lake, sql: str) -> Any:
    ((value,),) = rows(lake, sql)
    return value


def violations(found: athena.QueryResult, check: dict[str, Any]) -> int:
    """The number of rows or keys that break a check."""
    (kind, columns), *_ = check.items()
    place = [found.columns.index(column) for column in columns]
    keys = Counter(tuple(row[number] for number in place) for row in found.rows)
    if kind == "not_null":
        return sum(times for key, times in keys.items() if None in key)
    return sum(times > 1 for times in keys.values())


OF_FLEETS = {"cohort_facts"}
"""The views without rows where no suspected machine came; test_suspects.py has a lake with some."""
OF_AGENTS = ("agent_facts", "agent_sessions")
"""No signed agent comes to the simulated café; the lake of test_view_pruning.py has some."""


@pytest.mark.parametrize("view", DESCRIPTIONS)
def test_rows_of_a_view_have_the_described_columns_and_violate_no_check(lake, view) -> None:
    found = athena.query(lake, f"select * from {view}")
    assert found.columns == list(DESCRIPTIONS[view]["columns"])
    assert found.rows or view in {*OF_FLEETS, *OF_AGENTS}
    broken = [check for check in DESCRIPTIONS[view]["checks"] if violations(found, check)]
    assert broken == []


def test_clients_show_the_description_of_every_column_and_view(lake) -> None:
    described = {
        name: {"view": f"One row per {facts['one_row_per']}.", **facts["columns"]}
        for name, facts in DESCRIPTIONS.items()
    }
    entries = lake.catalog_entries(DESCRIPTIONS)
    in_glue = {
        name: {"view": entry["Description"].partition(" Filter by")[0]}
        | {one["Name"]: one["Comment"] for one in entry["StorageDescriptor"]["Columns"]}
        for name, entry in entries.items()
    }
    assert in_glue == described
    lines = rows(lake, "describe sessions")
    assert {name: comment for name, _, comment in lines} == DESCRIPTIONS["sessions"]["columns"]


def test_a_broken_check_is_found(lake) -> None:
    found = athena.query(lake, "select * from page_views")
    assert violations(found, {"unique": ["site"]}) == 1
    assert violations(found, {"not_null": ["query"]}) > 0


def naive(moment: datetime) -> datetime:
    return moment.replace(tzinfo=None)


def test_sessions_are_the_visits_that_really_took_place(lake, truth) -> None:
    """Every session, with its times, counts, pages and source, over hour edges and midnight."""
    columns = (
        "started_at, ended_at, requests, page_views, landing_page, exit_page, referrer_domain,"
        " utm_source, utm_medium, utm_campaign"
    )
    visits = [
        (
            naive(visit.started_at),
            naive(visit.ended_at),
            visit.requests,
            visit.page_views,
            page_name(visit.landing_page, PageRules()),
            page_name(visit.exit_page, PageRules()),
            visit.referrer_domain,
            visit.utm_source,
            visit.utm_medium,
            visit.utm_campaign,
        )
        for visit in truth.sessions
        if visit.page_views
    ]
    assert any(len(visit.hours) > 1 for visit in truth.sessions)
    assert Counter(rows(lake, f"select {columns} from sessions")) == Counter(visits)


def test_the_ledger_is_the_truth_of_every_hour(lake, truth) -> None:
    kinds = ("lines", *BALANCE, "rejected")
    columns = ", ".join(kinds)
    published = rows(lake, f"select hour_at, {columns} from hour_ledger order by 1")
    assert published == [
        (hour.naive, *(getattr(facts, kind) for kind in kinds))
        for hour, facts in truth.hours.items()
    ]


def test_page_views_are_the_pages_that_people_looked_at(lake, truth) -> None:
    assert number(lake, "select count(*) from page_views") == truth.total.page_requests
    per_hour = rows(
        lake,
        "select date_trunc('hour', viewed_at), count(*) from page_views group by 1 order by 1",
    )
    assert per_hour == [(hour.naive, facts.page_requests) for hour, facts in truth.hours.items()]


def test_every_page_view_leads_back_to_one_log_line(lake, truth) -> None:
    lines = (
        "select count(*) from page_views inner join hits"
        " on page_views.raw_object = hits.raw_object"
        " and page_views.line_number = hits.line_number"
    )
    assert number(lake, lines) == truth.total.page_requests


def test_a_session_lands_and_leaves_where_its_page_views_say(lake) -> None:
    disagreeing = (
        "select count(*) from sessions inner join page_views"
        " on sessions.session_id = page_views.session_id"
        " where (is_landing_page and page <> landing_page) or (is_exit_page and page <> exit_page)"
    )
    assert number(lake, disagreeing) == 0


def test_the_views_add_up_to_each_other(lake, truth) -> None:
    pages, sessions = truth.total.page_requests, len([s for s in truth.sessions if s.page_views])
    sums = rows(lake, "select sum(page_views), sum(sessions), sum(bot_requests) from daily_traffic")
    assert sums == [(pages, sessions, truth.total.bots)]
    sums = rows(lake, "select sum(page_views), sum(entries), sum(exits) from top_pages")
    assert sums == [(pages, sessions, sessions)]
    sums = rows(lake, "select sum(page_views), sum(sessions) from traffic_sources")
    assert sums == [(pages, sessions)]


@pytest.mark.parametrize("question", QUESTIONS)
def test_the_questions_of_the_demo_have_answers(lake, question) -> None:
    assert rows(lake, QUESTIONS[question])


def test_a_day_counts_the_people_of_the_day(lake, truth) -> None:
    dates = {Hour.of(visit.started_at).event_date for visit in truth.sessions}
    assert len(dates) == 2
    for visitors, date in rows(lake, "select visitors, event_date from daily_traffic"):
        seen = f"select count(distinct visitor_id) from page_views where event_date = date '{date}'"
        assert visitors == number(lake, seen)


def test_goals_and_funnel_are_those_of_the_requests_one_by_one(lake) -> None:
    """Parts were merged over hours; here each session's requests are walked through in order."""
    requests = rows(
        lake,
        "select session_id, hits.page, hits.kind, hits.method from hits"
        " inner join session_parts on hits.part_id = session_parts.part_id"
        " and hits.hour_at = session_parts.hour_at"
        " order by hits.hit_at, hits.raw_object, hits.line_number",
    )
    goals, funnel = lake.settings.goals, lake.settings.funnel
    times: Counter[tuple[str, str]] = Counter()
    reached: Counter[str] = Counter()
    for session, page, kind, method in requests:
        met = [name for name, goal in goals.items() if meets(goal, page, kind, method)]
        times.update((session, name) for name in met)
        steps = reached[session]
        reached[session] += steps < len(funnel) and meets(funnel[steps], page, kind, method)
    told = rows(lake, "select session_id, funnel_steps, conversions from sessions")
    assert [(s, n) for s, n, _ in told] == [(s, reached[s]) for s, _, _ in told]
    assert {n for _, n, _ in told} >= {0, 1, len(funnel)}
    people = {session for session, _, _ in told}
    expected = {(*key, n) for key, n in times.items() if key[0] in people}
    assert {*rows(lake, "select session_id, goal, times from conversions")} == expected
    assert {goal for _, goal, _ in expected} == set(goals)
    assert sum(n for _, _, n in told) == sum(n for _, _, n in expected)


def meets(goal: GoalSettings, page: str | None, kind: str, method: str | None) -> bool:
    fits = page is not None and re.fullmatch(goal.page, page) is not None
    return fits and kind == goal.kind and goal.method in (None, method)


def test_every_order_is_a_conversion(lake, truth) -> None:
    orders = number(lake, "select sum(times) from conversions where goal = 'order'")
    assert orders >= len(truth.orders) > 0  # a receipt can be looked at again
    assert 0 < number(lake, "select sum(sessions) from funnel where step = 4") <= len(truth.orders)
