"""Sessions of the pipeline against the truth of the café, on the local AWS, at its events."""

from __future__ import annotations

from collections import Counter
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.lakes import built, settings_of_a_lake

from clickstream import settings
from clickstream.core.hours import Hour
from clickstream.demo.cafe import CafeRules, PersonSession, Truth, story, write_history
from clickstream.demo.cafe.places import write_demo_database
from clickstream.lake import Lake, athena
from clickstream.pipeline.publish.publish import refresh_views

ROOT = Path(__file__).parents[4]
BEGINS = date(2026, 10, 5)
RULES = CafeRules(seed=5, visitors_per_hour=50, bots_per_hour=4, story_begins=BEGINS)
EVENTS = {
    "wave of bots": (f"{BEGINS + timedelta(days=story.WAVE_DAY)}T08", 2),
    "order form fails": (f"{BEGINS + timedelta(days=story.ORDER_FAILURE_DAY)}T11", 2),
}
COLUMNS = (
    "started_at, ended_at, duration_seconds, requests, page_views, errors, conversions,"
    " landing_page, exit_page, channel, source, medium, referrer_domain, utm_source, utm_medium,"
    " utm_campaign, device, browser, os, country, region, city, is_bounce, is_engaged"
)


@pytest.fixture(scope="module", params=EVENTS)
def cafe(
    request: pytest.FixtureRequest, local_aws: Any, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Lake, Truth]:
    """A lake with the hours of an event, and the truth about them."""
    start, hours = EVENTS[request.param]
    first = Hour.parse(start)
    directory = tmp_path_factory.mktemp("cafe")
    truth = write_history(directory / "logs", first, last := first.plus(hours - 1), RULES)
    write_demo_database(directory / "places.mmdb")
    hopes = settings.load(ROOT / "cafe.toml", {})
    own = {
        "site": settings.SiteSettings(name="cafe", domains=RULES.domains),
        "goals": hopes.goals,
        "funnel": hopes.funnel,
        "geoip": settings.GeoIpSettings(database=str(directory / "places.mmdb")),
    }
    chosen = settings_of_a_lake(local_aws.endpoint, directory / "logs").model_copy(update=own)
    lake = built(chosen, first, last)
    refresh_views(lake)
    return lake, truth


def told(visit: PersonSession) -> tuple[Any, ...]:
    """A session of the truth as the view `sessions` shows it."""
    return (
        *(visit.started_at.replace(tzinfo=None), visit.ended_at.replace(tzinfo=None)),
        *(visit.duration_seconds, visit.requests, visit.page_views, visit.errors),
        *(visit.conversions, visit.landing_page, visit.exit_page, visit.channel),
        *(visit.source, visit.medium, visit.referrer_domain),
        *(visit.utm_source, visit.utm_medium, visit.utm_campaign),
        *(*visit.equipment, *visit.place, visit.is_bounce, visit.is_engaged),
    )


def test_sessions_are_those_of_the_truth_with_all_that_a_dashboard_filters_by(
    cafe: tuple[Lake, Truth],
) -> None:
    lake, truth = cafe
    expected = Counter(told(visit) for visit in truth.sessions if visit.pages)
    assert Counter(athena.query(lake, f"select {COLUMNS} from sessions").rows) == expected


def test_visitors_are_those_of_the_truth(cafe: tuple[Lake, Truth]) -> None:
    lake, truth = cafe
    visitors = {visit.visitor for visit in truth.sessions if visit.pages}
    counted = athena.query(lake, "select count(distinct visitor_id) from sessions").rows
    assert counted == [(len(visitors),)]


def test_page_views_are_those_of_the_truth_in_their_order(cafe: tuple[Lake, Truth]) -> None:
    lake, truth = cafe
    expected = Counter(
        (view.page, view.viewed_at.replace(tzinfo=None))
        for visit in truth.sessions
        for view in visit.pages
    )
    assert Counter(athena.query(lake, "select page, viewed_at from page_views").rows) == expected


def test_goals_are_those_of_the_truth(cafe: tuple[Lake, Truth]) -> None:
    lake, truth = cafe
    expected = Counter(goal for visit in truth.sessions for goal in visit.goals)
    goals = athena.query(lake, "select goal, sum(times) from conversions group by goal").rows
    assert dict(goals) == dict(expected)


def test_machines_and_lines_are_those_of_the_truth(cafe: tuple[Lake, Truth]) -> None:
    lake, truth = cafe
    sums = athena.query(lake, "select sum(lines), sum(bots), sum(server_errors) from hour_ledger")
    total = truth.total
    assert sums.rows == [(total.lines, total.bots, total.server_errors)]


def test_people_see_errors_while_the_order_form_fails(tmp_path: Path) -> None:
    start, hours = EVENTS["order form fails"]
    first = Hour.parse(start)
    truth = write_history(tmp_path / "logs", first, first.plus(hours - 1), RULES)
    assert any(visit.errors > 1 for visit in truth.sessions)
