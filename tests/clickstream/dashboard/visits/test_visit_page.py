"""The page of one visit: its views and errors in order, its steps, and the visitor's visits."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from html import unescape

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.strategies import DAYS, FIRST, HOSTILE, values, visits

from clickstream.core.wording import printable
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.visits.listing import build_list
from clickstream.dashboard.visits.visit import VisitPage, build_visit, find_visit
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import Settings
from clickstream.settings.sections import FunnelStepSettings

START = datetime(2026, 11, 2, 9)
RANGE = View().with_days(FIRST, FIRST + timedelta(days=DAYS - 1))
STEPS = Settings(funnel=tuple(FunnelStepSettings(name=n, page=f"/{n}") for n in ("menu", "order")))


def visit_of(page: PageContext, number: int) -> VisitPage:
    found = find_visit(page, f"{number:016x}")
    assert found is not None
    return build_visit(page, found)


def html_of(page: PageContext, number: int) -> str:
    return Renderer.create(page.formats, "Café").visit(page, visit_of(page, number), None)


@given(rows=st.lists(visits, min_size=1, max_size=8), data=st.data())
def test_every_view_and_error_of_a_visit_is_shown_once_and_in_order(
    rows: list[Visit], data: st.DataObject
) -> None:
    number = data.draw(st.integers(1, len(rows)))
    visit = rows[number - 1]
    with page_of(FactStore(fact_tables(rows)), RANGE, settings=STEPS) as page:
        shown = visit_of(page, number)
    views = [one for one in shown.moments if not one.status]
    assert [one.page for one in views] == [name or "–" for name in visit.pages]
    assert [one.is_estimated for one in views] == [False] * (len(views) - 1) + [True]
    times = [one.time for one in shown.moments]
    assert times == sorted(times)
    errors = {(one.page, one.status.partition(" ")[0]) for one in shown.moments if one.status}
    assert errors == {(name or "–", str(status)) for name, status in visit.errors}
    assert shown.steps == [("menu", (visit.steps or 0) > 0), ("order", (visit.steps or 0) > 1)]
    assert {*shown.goals} == {*visit.goals}
    others = {n for n, one in enumerate(rows, 1) if one.visitor == visit.visitor and n != number}
    assert {int(one.id, 16) for one in shown.other_visits} == others


@given(text=st.sampled_from(HOSTILE) | values)
def test_texts_of_visitors_are_inert_on_the_pages_of_visits(text: str) -> None:
    hostile = Visit(
        START,
        pages=(text,),
        channel=text,
        source=text,
        campaign=text,
        term=text,
        content=text,
        referrer=text,
        errors=((text, 404),),
        goals=(text,),
        host=text,
    )
    plain = Visit(START + timedelta(hours=1))
    with page_of(FactStore(fact_tables([hostile, plain])), RANGE) as page:
        renderer = Renderer.create(page.formats, "Café")
        listed = renderer.visits(page, build_list(page, None), is_first=True)
        shown = html_of(page, 1)
    tags = re.compile(r"<(script|img|svg onload|iframe)\b")
    for html in (listed, shown):
        assert len(tags.findall(html)) == 1  # the module of the pages
        assert printable(text).strip() in unescape(html)


def test_a_visit_without_a_funnel_or_other_visits_has_no_empty_list() -> None:
    with page_of(FactStore(fact_tables([Visit(START)])), RANGE) as page:
        html = html_of(page, 1)
    assert 'class="steps"' not in html
    assert "No other visit is known." in html


def test_an_id_of_no_visit_finds_none() -> None:
    with page_of(FactStore(fact_tables([Visit(START)])), RANGE) as page:
        assert find_visit(page, "f" * 16) is None
