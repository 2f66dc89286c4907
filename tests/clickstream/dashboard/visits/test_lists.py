"""The list of visits has exactly the visits that a number counts, each once and in order."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import parse_qsl

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.strategies import DAYS, FIRST, filters, visits

from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.pages.panels import PANELS, questions_of
from clickstream.dashboard.visits import listing
from clickstream.dashboard.visits.links import view_behind
from clickstream.dashboard.visits.listing import build_list, csv_rows
from clickstream.dashboard.visits.questions import PageKey
from clickstream.dashboard.web.details import csv_line
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import GoalSettings, Settings
from clickstream.settings.sections import FunnelStepSettings

LAST = FIRST + timedelta(days=DAYS - 1)
SETTINGS = Settings(
    goals={"order": GoalSettings(page="/thanks"), "newsletter": GoalSettings(page="/letter")},
    funnel=tuple(FunnelStepSettings(name=f"step {n}", page=f"/{n}|/order") for n in range(1, 5)),
)
some_visits = st.lists(visits, max_size=15)
some_filters = st.lists(filters, max_size=2)
OF_VISITS = [panel for panel in PANELS.values() if panel.is_filtered and not panel.is_of_money]


def with_filters(chosen: list) -> View:
    view = View().with_days(FIRST, LAST)
    for one in chosen:
        for value in one.values:
            view = view.with_filter(one.dimension, value, one.is_excluded)
    return view


def listed(store: FactStore, view: View) -> list[str]:
    """The ids of all pages of the list that the address of a view opens."""
    opened = parse_view("overview", parse_qsl(view.query[1:], keep_blank_values=True))
    with page_of(store, opened, settings=SETTINGS) as page:
        found = build_list(page, None)
        ids = [row.id for row in found.rows]
        while found.older:
            found = build_list(page, PageKey.parse(found.older))
            ids += [row.id for row in found.rows]
        assert found.total == len(ids)
    return ids


@given(rows=some_visits, chosen=some_filters, panel=st.sampled_from(OF_VISITS), data=st.data())
def test_a_linked_number_is_the_length_of_its_list(
    rows: list[Visit], chosen: list, panel: Panel, data: st.DataObject
) -> None:
    """For every panel and choice, every row, and any filters."""
    store = FactStore(fact_tables(rows))
    view = replace(with_filters(chosen), tab=panel.tab)
    if panel.asks and "" not in panel.asks:
        view = view.with_choice(panel.name, data.draw(st.sampled_from([*panel.asks])))
    with page_of(store, view, settings=SETTINGS) as page:
        for question in questions_of(page, panel):
            for row in page.ask(question).rows:
                check_links(store, page, question, row)


def check_links(store: FactStore, page: PageContext, question, row) -> None:
    width = len(question.dimensions)
    for name, number in zip(question.metrics, row[width:], strict=True):
        behind = view_behind(page.view, page.period, question, name, row[:width])
        if behind is not None and number:
            assert len(listed(store, behind)) == number, (question.sql, name, row, behind)


def test_every_count_of_visits_has_a_list() -> None:
    rows = [
        Visit(
            datetime(2026, 11, 2, 9, n),
            n,
            ("/menu", "/order"),
            "Email",
            "cakes",
            "news",
            goals=("order",),
            errors=(("/order", 500),),
            country="GB",
            steps=2,
        )
        for n in range(12)
    ]
    missing = Counter()
    store = FactStore(fact_tables(rows))
    with page_of(store, with_filters([]), settings=SETTINGS) as page:
        for panel in OF_VISITS:
            for question in questions_of(page, panel):
                counted = {"visits", "conversions", "page_visits", "goal_visits", "failed_visits"}
                for row in page.ask(question).rows:
                    values = row[: len(question.dimensions)]
                    for name in counted & {*question.metrics}:
                        behind = view_behind(page.view, page.period, question, name, values)
                        missing[panel.name] += behind is None
                        if behind and name == "failed_visits":
                            assert len(listed(store, behind)) == 12
    assert [*missing.elements()] == []
    assert len(missing) > 10


@given(rows=st.lists(visits, max_size=30), size=st.integers(1, 7), chosen=some_filters)
def test_pages_of_the_list_lose_and_repeat_nothing(
    rows: list[Visit], size: int, chosen: list
) -> None:
    store, view = FactStore(fact_tables(rows)), with_filters(chosen)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "ROWS", size)
        ids = listed(store, view)
    with page_of(store, view) as page:
        total = page.answer(("visits",)).single()["visits"]
    assert len(ids) == len({*ids}) == total
    starts = [(rows[int(one, 16) - 1].started_at, one) for one in ids]
    assert starts == sorted(starts, reverse=True)


@given(rows=st.lists(visits, max_size=30), size=st.integers(1, 7))
def test_the_csv_file_has_all_visits_with_their_goals_and_errors(
    rows: list[Visit], size: int
) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        page_of(FactStore(fact_tables(rows)), with_filters([])) as page,
    ):
        patch.setattr(listing, "ROWS_OF_A_BATCH", size)
        text = "".join(map(csv_line, csv_rows(page)))
    found = {int(one["session_id"], 16): one for one in csv.DictReader(io.StringIO(text))}
    assert found.keys() == {*range(1, len(rows) + 1)}
    for number, visit in enumerate(rows, 1):
        assert found[number]["goals"] == ", ".join(sorted(visit.goals))
        statuses = [one.split()[0] for one in found[number]["errors"].split(", ") if visit.errors]
        assert bool(statuses) == bool(visit.errors)
        assert found[number]["page_views"] == str(len(visit.pages))
        assert found[number]["local_time"] == str(visit.started_at)


PLACES = st.sampled_from(
    [
        (None, None, None),
        ("GB", None, None),
        ("GB", "England", None),
        *(("GB", "England", city) for city in ("London", "Leeds")),
        ("FR", "Île-de-France", "Paris"),
    ]
)


@given(
    places=st.lists(st.tuples(PLACES, st.integers(1, 25)), max_size=40),
    filtered=st.none() | st.integers(1, 25),
)
@example(places=[(("GB", "England", "London"), who) for who in range(1, 13)], filtered=1)
def test_a_list_names_no_place_of_fewer_than_ten_visitors(
    places: list, filtered: int | None
) -> None:
    """Of those who pass the filters: one channel for each visitor."""
    rows = [
        Visit(datetime(2026, 11, 2, 9), who, channel=str(who % 2), country=c, region=r, city=t)
        for (c, r, t), who in places
    ]
    view = with_filters([])
    shown_rows = rows
    if filtered is not None:
        view = view.with_filter("channel", str(filtered % 2))
        shown_rows = [one for one in rows if one.channel == str(filtered % 2)]
    assume(shown_rows)
    with page_of(FactStore(fact_tables(rows)), view) as page:
        shown = {row.place for row in build_list(page, None).rows}
    for name, of in (
        ("London, England, GB", lambda one: one.city == "London"),
        ("Leeds, England, GB", lambda one: one.city == "Leeds"),
        ("Paris, Île-de-France, FR", lambda one: one.city == "Paris"),
        ("England, GB", lambda one: one.region == "England"),
        ("United Kingdom", lambda one: one.country == "GB"),
        ("France", lambda one: one.country == "FR"),
    ):
        if name in shown:
            assert len({one.visitor for one in shown_rows if of(one)}) >= 10
