"""The café's four weeks: what grows, what fails, which bots come, and what is hostile."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby
from operator import attrgetter

import pytest

from clickstream.clean.bots import agent_verdict
from clickstream.core.hours import Hour, hour_range
from clickstream.demo.cafe import CafeRules, PersonSession, Truth, history, simulate, story
from clickstream.demo.cafe.addresses import CHICAGO
from clickstream.demo.cafe.places import place_of
from clickstream.demo.cafe.rules import visitors_in

BEGINS = date(2026, 10, 5)
"""A Monday; the clocks are put back in the third week."""

RULES = CafeRules(seed=4, visitors_per_hour=40, bots_per_hour=4, story_begins=BEGINS)


def of_days(first: int, last: int, rules: CafeRules = RULES) -> Truth:
    """The truth of the days of the story from `first` to `last`."""
    begin, end = (BEGINS + timedelta(days=day) for day in (first, last))
    return simulate(Hour.first_of(str(begin)), Hour.last_of(str(end)), rules).truth


@pytest.fixture(scope="module")
def first_days() -> Truth:
    return of_days(0, 2)


@pytest.fixture(scope="module")
def last_days() -> Truth:
    """The same weekdays of the last week."""
    return of_days(21, 23)


def share(truth: Truth, is_meant: Callable[[PersonSession], bool]) -> float:
    """The share of some sessions among all."""
    return sum(map(is_meant, truth.sessions)) / len(truth.sessions)


def conversion_rate(truth: Truth, campaign: str) -> float:
    sessions = [s for s in truth.sessions if s.utm_campaign == campaign]
    return sum("order" in s.goals for s in sessions) / len(sessions)


@pytest.mark.parametrize(
    ("is_meant", "at_least"),
    [
        (lambda s: s.utm_campaign == "autumn_cakes", 3),
        (lambda s: s.place.city == "Chicago", 1.5),
        (lambda s: s.channel == "AI Assistants", 2),
        (lambda s: True, 0.99),
    ],
    ids=["campaign", "city", "assistants", "all"],
)
def test_what_takes_off_has_grown_in_the_last_week(
    first_days: Truth, last_days: Truth, is_meant: Callable[[PersonSession], bool], at_least: float
) -> None:
    assert share(last_days, is_meant) > at_least * share(first_days, is_meant)
    assert len(last_days.sessions) > 1.05 * len(first_days.sessions)


def test_one_campaign_brings_orders_and_one_brings_none(last_days: Truth) -> None:
    visits = Counter(s.utm_campaign for s in last_days.sessions)
    assert visits["cakes near me"] > 100
    assert conversion_rate(last_days, "cakes near me") < 0.04
    assert conversion_rate(last_days, "autumn_cakes") > 0.25


def test_weekdays_have_a_morning_and_weekends_a_late_brunch() -> None:
    """In the café's own time, on both sides of the night in which the clocks are put back."""
    for friday in (11, 25):
        begin = Hour.first_of(str(BEGINS + timedelta(days=friday)))
        busiest = {
            day: max(hours, key=lambda hour: visitors_in(RULES, hour))
            for day, hours in groupby(hour_range(begin, begin.plus(71)), attrgetter("event_date"))
        }
        on_friday, *on_weekend = [story.city_time(hour).hour for hour in busiest.values()]
        assert on_friday == 8
        assert on_weekend == [11, 11]


@pytest.mark.parametrize("first", ["2026-10-05", "2026-10-20", "2024-02-29", "2027-03-14"])
def test_any_four_weeks_have_each_event_once(first: str) -> None:
    hours = [*hour_range(begin := Hour.first_of(first), begin.plus(28 * 24 - 1))]
    failing = [hour for hour in hours if story.order_form_fails(RULES, hour.number)]
    waves = {story.city_time(hour).date() for hour in hours if story.is_wave(RULES, hour)}
    assert [story.city_time(hour).hour for hour in failing] == [story.ORDER_FAILURE_HOUR]
    assert len(waves) == 1


def test_people_leave_while_the_order_form_fails() -> None:
    rules = CafeRules(seed=4, visitors_per_hour=200, story_begins=BEGINS)
    day = BEGINS + timedelta(days=story.ORDER_FAILURE_DAY)
    noon = Hour.parse(f"{day}T11")
    assert story.city_time(noon).hour == story.ORDER_FAILURE_HOUR
    history = simulate(noon, noon.next, rules)
    failed = [line.raw for line in history.lines if b" 500 " in line.raw]
    assert any(b'"GET /cafe/order.php' in line for line in failed)
    assert any(b'"POST /cafe/processOrder.php' in line for line in failed)
    assert history.truth.hours[noon].server_errors > 20
    ordered = {order.confirmed_at for order in history.truth.orders}
    assert {Hour.of(at) for at in ordered} == {noon.next}


def test_a_wave_of_bots_is_several_times_the_usual_crawling() -> None:
    truth = of_days(story.WAVE_DAY - 1, story.WAVE_DAY)
    bots: Counter[date] = Counter()
    for hour, counts in truth.hours.items():
        bots[hour.event_date] += counts.bots - 60  # the monitor's
    before, wave = bots.values()
    assert wave > 3 * before


def test_the_addresses_that_take_off_are_those_of_chicago() -> None:
    for block in CHICAGO:
        address = block.replace(".0/24", ".77")
        assert place_of(address) == ("US", "Illinois", "Chicago")


def test_attempts_are_made_by_people_and_by_machines_in_all_fields() -> None:
    quiet = CafeRules(seed=4, visitors_per_hour=1, bots_per_hour=0)
    month = Hour.first_of("2026-10-05"), Hour.last_of("2026-11-01")
    lines = [line.raw for line in simulate(*month, quiet).lines]
    for sign in (
        *(b"/cafe/search/", b"drop+table", b"<script>", b"onerror", b"${jndi:"),
        *(b"utm_source=%3C", b"https://promo.example/<script>"),
    ):
        assert any(sign in line for line in lines), sign


@pytest.mark.parametrize("agent", history.AGENTS)
def test_an_agent_that_is_an_attempt_is_a_bots(agent: str) -> None:
    assert agent_verdict(agent) is not None


def test_ranges_of_the_story_agree_on_the_hours_they_share() -> None:
    wave = Hour.parse(f"{BEGINS + timedelta(days=story.WAVE_DAY)}T09")
    alone = [line.raw for line in simulate(wave, wave, RULES).lines]
    longer = [line.raw for line in simulate(wave.minus(5), wave, RULES).lines]
    assert longer[-len(alone) :] == alone
