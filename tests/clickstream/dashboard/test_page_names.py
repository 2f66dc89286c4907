"""Pages with a name in the settings: readers see the name, files and SQL the page."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of
from tests.support.cases import each_case

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import csv_lines
from clickstream.settings import Settings

NOW = datetime(2026, 11, 16, 15)
START = NOW - timedelta(days=9)
AT = NOW - timedelta(days=1)
NAMED = Settings.model_validate(
    {
        "goals": {"order": {"page": "/thanks"}},
        "dashboard": {"item_pages": "/menu/.+", "page_names": {"/menu/tart": "Our tart"}},
    }
)
STORE = FactStore(
    fact_tables(
        [
            Visit(
                AT + timedelta(minutes=n),
                n,
                ("/menu/tart", "/menu/tart"),
                response_ms=20,
                errors=(("/menu/tart", 500),),
            )
            for n in range(40)
        ],
        hours_between(START, NOW),
    )
)
VIEWS = [
    View(tab, "7d").with_choice("pages", pages).with_choice("viewed_pages", pages)
    for tab in ("overview", "visitors", "orders")
    for pages in ("page", "landing_page", "exit_page")
]


@each_case("view", VIEWS)
def test_a_named_page_is_shown_by_its_name_with_the_page_in_the_tooltip(view) -> None:
    chosen = view.with_filter("page", "/menu/tart")
    with page_of(STORE, chosen, now=NOW, settings=NAMED) as page:
        html = html_of(page)
    assert "Our tart" in html
    assert 'title="/menu/tart"' in html
    shown = re.sub(r'(title|href|value)="[^"]*"', "", html)
    assert "/menu/tart" not in shown


@each_case("name", ["pages", "viewed_pages", "items", "next_pages"])
def test_files_of_a_panel_have_the_page_itself(name) -> None:
    with page_of(STORE, View(PANELS[name].tab, "7d"), now=NOW, settings=NAMED) as page:
        lines = "".join(csv_lines(page, name))
    assert "/menu/tart" in lines
    assert "Our tart" not in lines
