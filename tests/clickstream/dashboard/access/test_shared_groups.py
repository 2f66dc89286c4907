"""A share link shows no view of fewer than ten visitors, on any page or file that it opens."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.exceptions import HTTPException
from starlette.testclient import TestClient
from tests.clickstream.dashboard.access.builders import PAGE, browser
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import page_of
from tests.support.cases import each_case
from tests.support.examples import examples
from tests.support.finished_cafe import NOW

from clickstream.dashboard.access.shares import Share
from clickstream.dashboard.ask.dimensions import PLACE_MINIMUM
from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.service import DashboardService, refuse_few_visitors
from clickstream.lake import Lake

NAMES = ("channel", "source", "campaign", "device", "landing_page", "browser")
START = datetime(2026, 11, 2)
SENTENCE = "They may be about one person, so share links do not show them"


@pytest.fixture(scope="module")
def app(read_cafe: Lake, tmp_path_factory: pytest.TempPathFactory) -> Any:
    own = {"directory": str(tmp_path_factory.mktemp("dashboard"))}
    settings = read_cafe.settings
    settings = settings.model_copy(update={"dashboard": settings.dashboard.model_copy(update=own)})
    app = build_app(settings, clock=lambda: NOW, lake=Lake(settings, read_cafe.session))
    app.state.dashboard.refresher.look()
    return app


@pytest.fixture(scope="module")
def link(app: Any) -> str:
    """The path of a link that opens all tabs."""
    dashboard: DashboardService = app.state.dashboard
    share = Share.create("Partner", 30, TABS, View(), "ana", NOW)
    return dashboard.shares.path(dashboard.shares.add(share))


@pytest.fixture(scope="module")
def reader(app: Any) -> TestClient:
    return browser(app, headers=PAGE)


def draw_view(dashboard: DashboardService, chance: Random, most_filters: int) -> View:
    """A view of a day or two, with filters by values that a visit has."""
    with dashboard.page(View()) as page:
        row, view = chance.choice(page.answer(("visits",), NAMES).records()), View()
    for name in chance.sample(NAMES, chance.randint(0, most_filters)):
        view = view.with_filter(name, row[name], chance.random() < 0.1)
    last = NOW.date() - timedelta(days=chance.randint(0, 2))
    return view.with_days(last - timedelta(days=chance.randint(0, 1)), last)


def people_of(dashboard: DashboardService, view: View) -> list[int]:
    """The visitors of a view and of what it is compared with; without any, its orders."""
    found = []
    with dashboard.page(view) as page:
        for period in filter(None, (page.period, page.compared)):
            visitors = page.answer(("visitors",), period=period).single()["visitors"]
            orders = page.answer(("sales_counted",), period=period).single()["sales_counted"]
            found.append(visitors or (orders if page.has_money else 0) or 0)
    return found


def addresses(link: str, view: View) -> list[str]:
    """The page of a view's tab, the names that it suggests, and its panels and their files."""
    paths = ["/" if view.tab == "overview" else f"/{view.tab}", "/values"]
    panels = [name for name, panel in PANELS.items() if panel.tab == view.tab]
    paths += [f"/panels/{name}{end}" for name in panels for end in ("", ".csv")]
    return [f"{link}{path}{view.query}" for path in paths]


@examples(times=4)
@given(st.randoms(use_true_random=False), st.sampled_from(TABS), st.integers(0, 4))
def test_few_visitors_are_shown_on_no_page_and_in_no_file(
    app: Any, link: str, reader: TestClient, chance: Random, tab: Tab, most_filters: int
) -> None:
    dashboard = app.state.dashboard
    view = draw_view(dashboard, chance, most_filters)
    is_few = any(0 < people < PLACE_MINIMUM for people in people_of(dashboard, view))
    for address in addresses(link, view.on_tab(tab)):
        answer = reader.get(address)
        assert (answer.status_code == 403) == (SENTENCE in answer.text) == is_few, address
        assert not (is_few and "£" in answer.text)


@each_case("people, is_few", [(6, True), (10, False)])
def test_people_who_come_back_with_a_new_visitor_key_do_not_count_twice(people, is_few) -> None:
    rotated, end = START + timedelta(days=2), START + timedelta(days=4)
    visits = [
        Visit(START + timedelta(days=day, hours=n), 100 * (day // 2) + n)
        for day in range(4)
        for n in range(people)
    ]
    hours = [
        *hours_between(START, rotated),
        *hours_between(rotated, end, visitor_key="key-2"),
    ]
    view = View().with_days(START.date(), (end - timedelta(days=1)).date())
    with page_of(FactStore(fact_tables(visits, hours)), view, end) as page:
        assert page.answer(("visitors",)).single()["visitors"] == 2 * people
        with pytest.raises(HTTPException, match=SENTENCE) if is_few else nullcontext():
            refuse_few_visitors(page)


def test_one_visit_is_refused_and_all_visits_are_shown(
    app: Any, link: str, reader: TestClient
) -> None:
    with app.state.dashboard.page(View()) as page:
        *_, row = page.answer(("visits",), NAMES).records()
    few = View()
    for name in NAMES:
        few = few.with_filter(name, row[name])
    for tab in TABS:
        for view, status in ((few, 403), (View(), 200)):
            assert {reader.get(one).status_code for one in addresses(link, view.on_tab(tab))} <= {
                status,
                *((404,) if status == 200 else ()),
            }
