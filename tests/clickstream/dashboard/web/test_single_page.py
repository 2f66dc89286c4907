"""A page in one file: nothing in it needs a server, and its texts are those of the tab."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from html import escape
from html.parser import HTMLParser

import pytest
from hypothesis import given
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.clickstream.dashboard.strategies import HOSTILE, values
from tests.clickstream.dashboard.week_facts import Weeks

from clickstream.dashboard.ask.periods import RANGES
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.web.single_page import (
    READER,
    render_single_page,
    strip_links,
    used_rules,
)
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import GoalSettings, Settings

SETTINGS = Settings(goals={"order": GoalSettings(page="/thank-you")})
START = datetime(2026, 11, 2)
MADE = datetime(2026, 11, 29, 20, 13, tzinfo=UTC)
LOGS = "access.log and <b>other.log"
ADDRESSES = {"action", "background", "cite", "data", "formaction", "href", "poster", "src"}
NAMES = (*HOSTILE, ' href="//evil.example/', "url(//evil.example/)", "</style><script src=//e>")


class _Page(HTMLParser):
    """Collects the tags of a page, its addresses, and its style sheet."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.attributes: set[str] = set()
        self.styles = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ADDRESSES]

    def handle_data(self, data: str) -> None:
        if self.lasttag == "style":
            self.styles += data


@pytest.fixture(scope="module")
def store() -> FactStore:
    visits = [
        Visit(
            START + timedelta(minutes=37 * n),
            n % 50,
            ("/", f"/{NAMES[n % len(NAMES)]}"),
            NAMES[n % len(NAMES)],
            goals=("order",) if n % 3 else (),
        )
        for n in range(500)
    ]
    return FactStore(fact_tables(visits, hours_between(START, NOW.replace(minute=0))))


def file_of(page: PageContext) -> str:
    """The HTML of the file."""
    renderer = Renderer.create(page.formats, "Café")
    return render_single_page(renderer, replace(page, identity=READER), LOGS, MADE)


def both(store: FactStore, view: View, zone: str = "UTC") -> tuple[str, str]:
    """The HTML of the tab, and that of the file."""
    with page_of(store, view, settings=SETTINGS, zone=zone) as page:
        return html_of(page), file_of(page)


@pytest.mark.parametrize("view", [View(), View(range="7d"), View(range="today")])
def test_nothing_of_a_file_needs_a_server(store: FactStore, view: View) -> None:
    page = _Page(both(store, view)[1])
    assert [one for one in page.addresses if not one.startswith(("data:", "#"))] == []
    assert [one for one in page.attributes if one.startswith(("on", "data-"))] == []
    assert not page.tags & {"base", "button", "dialog", "form", "iframe", "img", "input", "script"}
    assert page.tags >= {"main", "details", "table", "svg", "style"}
    loaded = re.findall(r"url\(\s*['\"]?([^)]*)", page.styles)
    assert [one for one in loaded if not one.startswith(("data:", "#"))] == []
    assert "@import" not in page.styles


@pytest.mark.parametrize("view", [View(), View(range="7d")])
def test_the_texts_of_a_file_are_those_of_the_tab(store: FactStore, view: View) -> None:
    tab, file = (Counter(texts_of(html)) for html in both(store, view))
    own = [text for text in (file - tab).elements() if text != "Café"]
    assert len(own) == 3  # the dates, the moment, and the logs
    left_out = {"Filter", "Show the visits", "All rows", "CSV", "Table and SQL", "Overview"}
    assert not left_out & {*file}
    cells = [
        re.findall(r"<t[dh]\b[^>]*>.*?</t[dh]>", html, re.DOTALL) for html in both(store, view)
    ]
    texts = [[text.replace("≠", "") for one in some for text in texts_of(one)] for some in cells]
    assert len(cells[0]) == len(cells[1]) > 50
    assert [one for one in texts[0] if one in texts[1]] == texts[1]


def test_the_top_states_site_dates_moment_and_logs(store: FactStore) -> None:
    html = both(store, View(range="7d"), "Asia/Tokyo")[1]
    text = " ".join(" ".join(texts_of(html)).split())
    assert text.startswith(
        "Café Made on 30 Nov 2026, 05:13 10 Nov – 16 Nov 2026 "
        "All figures are those of access.log and <b>other.log."
    )
    assert "<title>Café, 10 Nov – 16 Nov 2026</title>" in html


def test_dates_of_two_years_have_both_years() -> None:
    hours = hours_between(datetime(2025, 12, 30), datetime(2026, 1, 2))
    with page_of(FactStore(fact_tables([], hours)), now=datetime(2026, 1, 2)) as page:
        assert "<h1>30 Dec 2025 – 2 Jan 2026</h1>" in file_of(page)


@given(values, values)
def test_any_text_stays_the_same_text(text: str, title: str) -> None:
    markup = f'<a href="/{escape(text)}" title="{escape(title)}">x{escape(text)}x</a>'
    copy = strip_links(f"<nav>no</nav><main>{markup}</main><p>no</p>")
    assert texts_of(copy) == texts_of(markup)
    assert "href" not in _Page(copy).attributes


def test_what_is_inside_a_dropped_element_is_dropped_and_what_follows_is_not() -> None:
    html = '<main><form><p>a<br><input name="b"></p></form><p class="x rest">c</p><p>d</p></main>'
    assert strip_links(html) == "<p>d</p>"


@pytest.mark.parametrize(
    ("css", "kept"),
    [
        (".a { x: 1 }", True),
        ("#i .a:not(.b) > p { x: 1 }", True),
        (".b, .a { x: 1 }", True),
        (":is(.b, .a) { x: 1 }", True),
        (".a .b { x: 1 }", False),
        (".ab { x: 1 }", False),
        ("td:nth-child(2)::before { x: .5em }", True),
    ],
)
def test_only_rules_that_can_match_are_kept(css: str, kept: bool) -> None:
    for sheet in (css, f"@media print {{ {css} }}"):
        assert ("x: " in used_rules(sheet, {"a", "i"})) == kept


def test_a_file_has_less_than_100_kilobytes() -> None:
    rules = Weeks(weeks=14, visits=1000)
    now = datetime.combine(rules.first, datetime.min.time()) + timedelta(rules.days, hours=3)
    store = rules.store()
    for name in RANGES[:-1]:
        with page_of(store, View(range=name), now) as page:
            assert len(file_of(page).encode()) < 100_000, name
    store.copy.close()
