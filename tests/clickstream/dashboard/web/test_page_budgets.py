"""What a page may cost: questions, and statements that read single visits or page views.

Counts do not depend on the machine. `benchmarks/dashboard.py` measures the CPU time.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.dashboard.builders import FactStore
from tests.clickstream.dashboard.rendered import page_of
from tests.clickstream.dashboard.week_facts import Weeks
from tests.support.cases import each_case
from tests.support.sales_files import with_sales

from clickstream.dashboard.formats import Formats
from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.fact_copy import Snapshot
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import TABS, Tab, View
from clickstream.dashboard.texts import load_translations, parse_locale
from clickstream.dashboard.web.rendering import Renderer
from clickstream.settings import Settings

RULES = Weeks(weeks=22, visits=2000)
"""The 90 days of the longest page, and the eight weeks before."""

LAST = RULES.first + timedelta(days=RULES.days - 1)
NOW = datetime.combine(LAST + timedelta(days=1), time(3))
ROWS = re.compile(r"(?<!as )\b(?:session|page_view)_facts\b")
"""The name of a table of rows; `as session_facts` names a table of sums like one."""

QUESTIONS = {
    **{"overview": 30, "visitors": 36, "marketing": 25},
    **{"orders": 29, "places": 14, "machines": 20, "trust": 19},
}
MORE_WITH_MONEY = {
    **{"overview": 8, "visitors": 2, "marketing": 9},
    **{"orders": 12, "places": 6, "machines": 0, "trust": 2},
}
"""Questions that a page asks in addition, if its site has a shop: each of its panels one or two,
and every page of visits two to compare orders and amounts."""

READS_OF_ROWS = {
    **{"overview": 0, "visitors": 1, "marketing": 1},
    **{"orders": 1, "places": 1, "machines": 1, "trust": 0},
}
"""Without a filter: of next pages, AI assistants, pages on the way to a goal, other places, and the
visits that operators of machines sent."""

READS_OF_PAGE_VIEWS = {
    **{"overview": 2, "visitors": 5, "marketing": 2},
    **{"orders": 4, "places": 2, "machines": 2, "trust": 2},
}
"""With a filter by page: two find its visits, now and before; others are about page views."""


@dataclass
class Spy:
    """A cursor that records the statements."""

    cursor: Any
    ran: list[str] = field(default_factory=list)

    def execute(self, sql: str, *values: Any) -> Any:
        self.ran.append(sql)
        return self.cursor.execute(sql, *values)


@pytest.fixture(scope="module")
def store() -> Iterator[FactStore]:
    made = RULES.store()
    made.has_sums = True
    yield made
    made.copy.close()


@pytest.fixture(scope="module")
def renderer() -> Renderer:
    locale = parse_locale("en-GB")
    return Renderer.create(Formats(locale, load_translations(locale)), "Café")


def cost_of(
    store: FactStore, renderer: Renderer, view: View, settings: Settings | None = None
) -> tuple[int, list[str]]:
    """The number of a page's questions, and the statements that they ran."""
    answers: dict[tuple[Any, ...], Answer] = {}
    with page_of(store, view, NOW, settings) as page, store.copy.snapshot() as snapshot:
        spy = Spy(snapshot.cursor)
        spied = Snapshot(snapshot.state, spy, "order")

        def ask(question: Question) -> Answer:
            key = (question.sql, question.values)
            if key not in answers:
                answers[key] = Answer(question, spied.rows(question))
            return answers[key]

        renderer.tab(replace(page, ask=ask))
    return len(answers), spy.ran


def view_of(tab: Tab, days: int) -> View:
    return View(tab).with_days(LAST - timedelta(days=days - 1), LAST)


@each_case("days", [28, 90])
@each_case("tab", TABS)
def test_a_page_asks_few_questions_and_reads_few_rows(store, renderer, tab, days) -> None:
    asked, ran = cost_of(store, renderer, view_of(tab, days))
    assert asked <= QUESTIONS[tab]
    assert len([sql for sql in ran if ROWS.search(sql)]) <= READS_OF_ROWS[tab]


@each_case("days", [28, 90])
@each_case("tab", TABS)
def test_a_filter_by_page_finds_its_visits_once(store, renderer, tab, days) -> None:
    view = view_of(tab, days).with_filter("page", "/page-2")
    asked, ran = cost_of(store, renderer, view)
    assert asked <= QUESTIONS[tab] + 1
    reads = [sql for sql in ran if re.search(r"(?<!as )\bpage_view_facts\b", sql)]
    assert len(reads) <= READS_OF_PAGE_VIEWS[tab]


@each_case("tab", TABS)
def test_orders_and_amounts_cost_few_questions(store, renderer, tab) -> None:
    shop = with_sales(Settings(), Path("/srv"), ("shop",))
    without, _ = cost_of(store, renderer, view_of(tab, 28))
    asked, _ = cost_of(store, renderer, view_of(tab, 28), shop)
    assert asked - without <= MORE_WITH_MONEY[tab]
