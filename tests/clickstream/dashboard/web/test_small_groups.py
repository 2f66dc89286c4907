"""Shares of fewer than 30 visits are shown nowhere: on no page, in no file and in no mail."""

from __future__ import annotations

import csv
import re
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.mail.mails import digest_of, mail_of, text_part
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.support.cases import each_case

from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.panel import Panel
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.changes.looks import OF_LINES
from clickstream.dashboard.mail import Week
from clickstream.dashboard.pages.panels import PANELS, questions_of
from clickstream.dashboard.web.details import csv_lines, detail_parts
from clickstream.dashboard.web.rendering import Renderer
from clickstream.settings import Settings

MINIMUM = 30
START, END = datetime(2026, 11, 9), NOW.replace(minute=0)
SETTINGS = Settings.model_validate(
    {
        "goals": {"order": {"page": "/thanks"}},
        "funnel": ({"name": "menu", "page": "/menu"}, {"name": "order", "page": "/order"}),
        "dashboard": {"item_pages": "/menu"},
    }
)


def some(number: int, **values: Any) -> list[Visit]:
    """Visits of one page each, so that views are as few as visits."""
    at = END - timedelta(days=1)
    return [Visit(at, n, ("/menu",), goals=("order",)[: n % 2], **values) for n in range(number)]


OF_EVERY_SITE = [name for name, panel in PANELS.items() if not panel.is_of_money]
"""A site without a shop has no page of a panel of orders."""

GROUPS = {"few": MINIMUM - 1, "many": MINIMUM}
NAMES = ("channel", "source", "campaign", "content", "term", "referrer", "os", "country")
"""Dimensions whose values are the names of the groups."""


@cache
def store_of(*groups: str) -> FactStore:
    visits = [
        visit for name in groups for visit in some(GROUPS[name], **dict.fromkeys(NAMES, name))
    ]
    return FactStore(fact_tables(visits, hours_between(START, END)))


def views(panel: Panel) -> list[View]:
    """The views that show each choice of a panel."""
    view = View(panel.tab, "7d")
    return [
        view.with_choice(panel.name, choice) if choice else view for choice in panel.asks or [""]
    ]


def shares_in(html: str) -> list[str]:
    """The percentages of a page, without its line on trust, its words on intervals, and its SQL."""
    kept = re.sub(r'<p class="trust.*?</p>|<pre.*?</pre>|<dl.*?</dl>', "", html, flags=re.DOTALL)
    text = " ".join(texts_of(kept)).replace("95 %", "").replace("95%", "")
    return re.findall(r"[\d.]+\s?%", text)


@pytest.mark.parametrize("tab", [tab for tab in TABS if tab not in OF_LINES])
def test_a_tab_shows_shares_of_30_visits_and_none_of_29(tab: str) -> None:
    found = {}
    for group in GROUPS:
        with page_of(store_of(group), View(tab, "7d"), settings=SETTINGS) as page:
            found[group] = shares_in(html_of(page))
    assert found["few"] == []
    assert found["many"] != []


@each_case("name", OF_EVERY_SITE)
def test_a_panel_and_its_file_show_a_share_if_and_only_if_its_group_is_large(name: str) -> None:
    for view in views(PANELS[name]):
        with page_of(store_of(*GROUPS), view, settings=SETTINGS) as page:
            parts = detail_parts(page, PANELS[name])
            html = Renderer.create(page.formats, "Café").detail(page, PANELS[name], parts, None)
            assert "interval" not in " ".join(texts_of(html))  # which it does not show
            asked = questions_of(page, PANELS[name])
            tables = "".join(csv_lines(page, name)).split("\r\n\r\n") if asked else []
        for part, question, table in zip(parts, asked, tables, strict=True):
            rows = [*csv.DictReader(table.splitlines())]
            shares = [metric for metric in question.metrics if METRICS[metric].format == "share"]
            for row in rows:
                is_large = int(row[question.metrics[0]]) >= MINIMUM
                assert all(bool(row[metric]) == is_large for metric in shares), row
            shown = [
                share
                for row in part.rows
                for share in shares_in(" ".join(cell.text for cell in row.cells))
            ]
            assert len(shown) == sum(bool(row[metric]) for row in rows for metric in shares)


def test_a_mail_has_no_share_of_29_visits() -> None:
    visits = [replace(visit, goals=()) for visit in some(GROUPS["few"])]
    store = FactStore(fact_tables(visits, hours_between(START, END)))
    text = text_part(mail_of(digest_of(store, Week.parse("2026-W46"))))
    assert re.search(r"Engaged\s+–", text)
    assert not re.search(r"Engaged\s+[\d.]+\s?%", text)
