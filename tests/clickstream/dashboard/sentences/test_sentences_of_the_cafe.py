"""Each event of the simulated café gives its sentence on its day, with the café's own numbers."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta
from pathlib import Path

import pytest
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.cafe_facts import CafeWeeks, local, simulate_weeks
from tests.clickstream.dashboard.rendered import page_of

from clickstream import settings
from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.ask.view import Tab, View
from clickstream.dashboard.sentences import Sentence, find_sentences
from clickstream.demo.cafe import CafeRules, PersonSession
from clickstream.demo.cafe.story import ORDER_FAILURE_DAY, WAVE_DAY

pytestmark = pytest.mark.deep
"""Twelve weeks of the café are simulated in 40 s of CPU time."""

ROOT = Path(__file__).parents[4]
OURS = settings.load(ROOT / "cafe.toml", {})
BEGINS = date(2026, 10, 26)
RULES = CafeRules(visitors_per_hour=30, bots_per_hour=6, story_begins=BEGINS)
WAVE = BEGINS + timedelta(days=WAVE_DAY)
FAILURE = BEGINS + timedelta(days=ORDER_FAILURE_DAY)
SECOND_WEEK = (BEGINS + timedelta(days=7), BEGINS + timedelta(days=13))
THIRD_WEEK = (BEGINS + timedelta(days=14), BEGINS + timedelta(days=20))
FOURTH_WEEK = (BEGINS + timedelta(days=21), BEGINS + timedelta(days=27))
ORDER_FORM = "/cafe/order.php"


@pytest.fixture(scope="module")
def weeks() -> CafeWeeks:
    """The four weeks of the story, and eight before them."""
    return simulate_weeks(RULES, BEGINS - timedelta(days=56), FOURTH_WEEK[1])


@pytest.fixture(scope="module")
def store(weeks: CafeWeeks) -> FactStore:
    return weeks.store()


def sentences_of(store: FactStore, tab: Tab, first: date, last: date) -> Sequence[Sentence]:
    now = start_of(last + timedelta(days=1), 3)
    with page_of(store, View(tab).with_days(first, last), now=now, settings=OURS) as page:
        return find_sentences(page).sentences


def said(store: FactStore, tab: Tab, first: date, last: date | None = None) -> str:
    return "\n".join(one.text for one in sentences_of(store, tab, first, last or first))


def of(visits: Sequence[PersonSession], campaign: str) -> list[PersonSession]:
    return [visit for visit in visits if visit.utm_campaign == campaign]


@pytest.mark.parametrize("tab", ["overview", "machines"])
def test_the_wave_of_bots_is_told_on_its_day(store: FactStore, weeks: CafeWeeks, tab: Tab) -> None:
    assert f"Bots made {weeks.bot_requests(WAVE):,} requests, " in said(store, tab, WAVE)


@pytest.mark.parametrize("tab", ["overview", "orders"])
def test_the_order_form_that_failed_is_told_with_the_people_and_the_time(
    store: FactStore, weeks: CafeWeeks, tab: Tab
) -> None:
    met = {
        visit.visitor: at
        for visit in weeks.visits(FAILURE, FAILURE)
        for at, page, status in weeks.errors.get(visit.visitor, ())
        if (page, status) == (ORDER_FORM, 500) and visit.started_at <= at <= visit.ended_at
    }
    first = local(
        min(
            at
            for of in weeks.errors.values()
            for at, p, s in of
            if (p, s) == (ORDER_FORM, 500) and local(at).date() == FAILURE
        )
    )
    text = said(store, tab, FAILURE)
    told = f"The step order form answered 500 to {len(met)} people from {first:%H:%M} to 12:"
    assert told in text


def test_the_order_form_that_failed_is_told_in_its_week_with_the_day(store: FactStore) -> None:
    text = said(store, "orders", FAILURE - timedelta(days=6), FAILURE)
    assert re.search(r"order form answered 500 to \d+ people on Fri,? 13 Nov from 12:", text)


def test_the_campaign_that_works_is_told_with_its_visits(
    store: FactStore, weeks: CafeWeeks
) -> None:
    visits = of(weeks.visits(*SECOND_WEEK), "autumn_cakes")
    text = said(store, "marketing", *SECOND_WEEK)
    assert f"{len(visits)} visits came through the campaign autumn_cakes, " in text


def test_the_growth_of_a_campaign_is_told_with_its_weeks(
    store: FactStore, weeks: CafeWeeks
) -> None:
    """All visits are 8 % more than usual, which is as usual: less than 20 %."""
    numbers = [
        len(of(weeks.visits(first, first + timedelta(days=6)), "autumn_cakes"))
        for first in (BEGINS - timedelta(days=7), BEGINS, SECOND_WEEK[0], THIRD_WEEK[0])
    ]
    rate = 5 * round(20 * ((numbers[-1] / numbers[0]) ** (1 / 3) - 1))
    listed = ", ".join(f"{number:,}" for number in numbers)
    text = said(store, "marketing", *THIRD_WEEK)
    assert f"Visits (Campaign: autumn_cakes) grow about {rate}% a week: {listed}." in text
    assert "There were" not in text


def test_the_campaign_that_does_not_work_is_told_beside_the_others(
    store: FactStore, weeks: CafeWeeks
) -> None:
    first, last = BEGINS - timedelta(days=7), BEGINS - timedelta(days=1)
    everybody = weeks.visits(first, last)
    visits = of(everybody, "cakes near me")
    others = [visit for visit in everybody if visit.utm_campaign != "cakes near me"]
    share, other = (sum("order" in v.goals for v in some) / len(some) for some in (visits, others))
    assert (
        f"{share:.1%} of {len(visits)} visits by the campaign cakes near me ordered, "
        f"and {other:.1%} of all other visits." in said(store, "marketing", first, last)
    )


def test_the_growth_of_ai_assistants_is_told(store: FactStore, weeks: CafeWeeks) -> None:
    visits = [v for v in weeks.visits(*SECOND_WEEK) if v.channel == "AI Assistants"]
    text = said(store, "marketing", *SECOND_WEEK)
    assert f"{len(visits)} visits came through AI Assistants, " in text
    text = said(store, "marketing", *FOURTH_WEEK)
    assert "Visits (Channel: AI Assistants) grow about " in text


def test_the_growing_city_is_told(store: FactStore, weeks: CafeWeeks) -> None:
    month = BEGINS, FOURTH_WEEK[1]
    visits = [v for v in weeks.visits(*month) if v.place.city == "Chicago"]
    text = said(store, "places", *month)
    assert re.search(
        rf"{len(visits):,} visits came from Chicago|of the rise came from Chicago", text
    )


def test_every_number_of_the_story_links_to_a_view(store: FactStore) -> None:
    for one in sentences_of(store, "overview", *THIRD_WEEK):
        assert any(part.href for part in one.parts), one.text
