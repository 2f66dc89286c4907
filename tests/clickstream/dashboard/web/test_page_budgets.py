"""What a page may cost: the number of its questions.

Counts do not depend on the machine. `benchmarks/dashboard.py` measures the CPU time.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.week_facts import Weeks
from tests.support.cases import each_case
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.web.rendering import Renderer
from clickstream.settings import Settings

RULES = Weeks(weeks=12, visits=2000)
"""The 28 days of a page, and the eight weeks before."""

LAST = RULES.first + timedelta(days=RULES.days - 1)
NOW = datetime.combine(LAST + timedelta(days=1), time(3))

QUESTIONS = {
    **{"overview": 31, "visitors": 37, "marketing": 25},
    **{"orders": 29, "places": 14, "machines": 20, "trust": 19},
}
MORE_WITH_MONEY = {
    **{"overview": 8, "visitors": 2, "marketing": 9},
    **{"orders": 12, "places": 6, "machines": 0, "trust": 2},
}
"""Questions that a page asks in addition, if its site has a shop: each of its panels one or two,
and every page of visits two to compare orders and amounts."""


@pytest.fixture(scope="module")
def store() -> FactStore:
    return RULES.store()


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    return Renderer.create(Formats(parse_locale("en-GB")), "Café")


def questions_of(
    store: FactStore, renderer: Renderer, view: View, settings: Settings | None = None
) -> int:
    """The number of a page's questions."""
    asked: set[tuple[Any, ...]] = set()
    with page_of(store, view, NOW, settings) as page:

        def ask(question: Question) -> Answer:
            asked.add((question.sql, question.values))
            return page.ask(question)

        renderer.tab(replace(page, ask=ask))
    return len(asked)


@each_case("tab", TABS)
def test_a_page_asks_few_questions(store, renderer, tab) -> None:
    view = View(tab).with_days(LAST - timedelta(days=27), LAST)
    asked = questions_of(store, renderer, view)
    assert asked <= QUESTIONS[tab]
    filtered = view.with_filter("page", "/page-2")
    assert questions_of(store, renderer, filtered) <= QUESTIONS[tab] + 1
    shop = with_sales(Settings(), Path("/srv"), ("shop",))
    assert questions_of(store, renderer, view, shop) <= asked + MORE_WITH_MONEY[tab]
