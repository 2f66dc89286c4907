"""The Orders page: the funnel, its errors, menu items, and what is said where nothing can be."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.clickstream.dashboard.strategies import visits

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.orders.values import Funnel, build_funnel, item_rows, orders_values
from clickstream.settings import DashboardSettings, GoalSettings, Settings
from clickstream.settings.sections import FunnelStepSettings

END = NOW.replace(minute=0)
START = END - timedelta(days=3)
STEPS = (
    FunnelStepSettings(name="menu", page="/menu(/.+)?"),
    FunnelStepSettings(name="order form", page="/order"),
    FunnelStepSettings(name="order confirmed", page="/thanks"),
)
CAFE = Settings(
    goals={"order": GoalSettings(page="/thanks")},
    funnel=STEPS,
    dashboard=DashboardSettings(item_pages="/menu/.+"),
)
WEEK = View("orders", range="7d", compare="none")
TART, LATTE = "/menu/tart", "/menu/latte"


def some(count: int, **values: object) -> list[Visit]:
    return [
        Visit(START + timedelta(minutes=number), visitor=number, **values)
        for number in range(count)
    ]


ORDERED = some(40, pages=("/menu", TART, "/order", "/thanks"), goals=("order",), steps=3)
FAILED = some(10, pages=("/menu", LATTE), steps=1, errors=(("/order", 500), ("/order", 500)))
TRIED_AGAIN = some(5, pages=("/menu", "/order"), steps=2, errors=(("/order", 500),))
LOOKED = some(45, pages=("/menu", LATTE), steps=1, errors=(("/jobs", 404),))
PASSED_BY = some(20, pages=("/",), steps=0)
ALL = [*ORDERED, *FAILED, *TRIED_AGAIN, *LOOKED, *PASSED_BY]


@pytest.fixture(scope="module")
def store() -> FactStore:
    return FactStore(fact_tables(ALL, hours_between(START, END)))


def funnel_of(store: FactStore, view: View = WEEK) -> Funnel:
    with page_of(store, view, settings=CAFE) as page:
        return build_funnel(page)


def text_of(store: FactStore, view: View = WEEK, chosen: Settings = CAFE) -> str:
    with page_of(store, view, settings=chosen) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


def test_steps_have_the_visits_that_reached_them_and_those_lost_before(store) -> None:
    steps = funnel_of(store).steps
    assert [(step.name, step.visits, step.lost) for step in steps] == [
        ("menu", 100, 20),
        ("order form", 45, 55),
        ("order confirmed", 40, 5),
    ]
    assert steps[1].of_before == 0.45


def test_errors_of_a_step_are_those_on_its_pages(store) -> None:
    menu, form, confirmed = funnel_of(store).steps
    assert menu.errors is confirmed.errors is None
    assert form.errors is not None
    assert (form.errors.visits, form.errors.stopped, form.errors.requests) == (15, 10, 25)
    assert form.errors.statuses == [(500, 15)]


def test_the_page_names_the_worst_step_and_its_errors(store) -> None:
    text = text_of(store)
    assert "Most visits are lost before “order form”: 55% of those at the step before" in text
    assert "15 visits got errors here" in text
    assert "10 of them never reached this step" in text


def test_a_step_s_link_leads_to_the_visits_that_reached_it(store) -> None:
    link = dict(funnel_of(store).steps[1].__dict__)["query"]
    assert link == "?range=7d&compare=none&furthest_step=2&furthest_step=3"


def test_a_filter_by_a_page_does_not_hide_the_errors_of_other_pages(store) -> None:
    seen = WEEK.with_filter("page", LATTE)
    (form,) = (step for step in funnel_of(store, seen).steps if step.number == 2)
    assert form.errors is not None
    assert form.errors.visits == 10


def test_menu_items_have_the_visits_that_saw_them_and_those_that_ordered(store) -> None:
    with page_of(store, WEEK, settings=CAFE) as page:
        rows = {row.page: (row.visits, row.orders, row.rate) for row in item_rows(page)}
    assert rows == {TART: (40, 40, 1.0), LATTE: (55, 0, 0.0)}


def test_a_filter_by_another_page_keeps_the_items_of_the_visits_that_saw_it(store) -> None:
    with page_of(store, WEEK.with_filter("page", "/order"), settings=CAFE) as page:
        assert [(row.page, row.visits) for row in item_rows(page)] == [(TART, 40)]


def test_a_filter_by_furthest_step_is_named_like_the_step(store) -> None:
    text = text_of(store, WEEK.with_filter("furthest_step", "2").with_filter("furthest_step", "0"))
    assert "Furthest step is order form" in text
    assert "Furthest step is before the first step" in text


@pytest.mark.parametrize(
    ("chosen", "sentence"),
    [
        (Settings(), "No funnel is set"),
        (Settings(), "Set item_pages in the section"),
        (CAFE, "Orders are counted from the web server"),
    ],
)
def test_the_page_says_what_is_not_set(store, chosen: Settings, sentence: str) -> None:
    assert sentence in text_of(store, chosen=chosen)


def test_shares_of_few_visits_are_not_shown() -> None:
    few = FactStore(fact_tables(ORDERED[:5], hours_between(START, END)))
    with page_of(few, WEEK, settings=CAFE) as page:
        assert [step.of_before for step in build_funnel(page).steps] == [None] * 3
        assert item_rows(page)[0].rate is None


def test_a_day_without_published_hours_is_a_gap_in_the_course_of_orders() -> None:
    """The day that is not over is left out."""
    first = datetime(START.year, START.month, START.day) - timedelta(days=3)
    hours = [one for one in hours_between(first, END) if one.hour_at.date() != START.date()]
    days = View("orders", compare="none").with_days(first.date(), START.date() + timedelta(days=4))
    early = [Visit(START - timedelta(days=day), goals=("order",)) for day in (1, 2, 3)]
    gap = FactStore(fact_tables([*early, *ORDERED], hours))
    with page_of(gap, days, settings=CAFE) as page:
        assert len(orders_values(page)["figures"][0].spark) == 2


@given(st.lists(visits, max_size=12))
def test_each_step_has_the_visits_of_the_next_and_those_that_were_lost(rows: list[Visit]) -> None:
    store = FactStore(fact_tables(rows))
    whole = View("orders", compare="none").with_days(
        START.date() - timedelta(30), START.date() + timedelta(30)
    )
    funnel = funnel_of(store, whole)
    reached = [funnel.visits, *(step.visits for step in funnel.steps)]
    assert funnel.visits == len(rows)
    assert reached == sorted(reached, reverse=True)
    for before, step in zip(reached, funnel.steps, strict=False):
        assert before - step.lost == step.visits
        assert step.errors is None or step.errors.stopped <= step.errors.visits
