"""The Marketing tab as readers see it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.clickstream.dashboard.strategies import HOSTILE
from tests.support.cases import each_case

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.pages.marketing.acquisition import build_acquisition

START, NOW = datetime(2026, 10, 19), datetime(2026, 11, 16, 15)
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
WEEK = View("marketing", "7d")
CAMPAIGNS = WEEK.with_choice("acquisition", "campaign")
AT = NOW - 4 * DAY
FROM_CHATGPT = {"channel": "AI Assistants", "source": "chatgpt"}


def some(number: int, at: datetime = AT, first: int = 0, orders: int = 0, **values) -> list[Visit]:
    """Visits of as many people, the first of whom order."""
    return [
        Visit(at + n * MINUTE, first + n, goals=("order",) if n < orders else (), **values)
        for n in range(number)
    ]


@pytest.fixture(scope="module")
def store() -> FactStore:
    visits = [
        *some(200, first=0, orders=16),
        *some(100, first=1000, orders=30, channel="Email", source="news", campaign="cakes"),
        *some(150, first=2000, orders=1, channel="Paid Search", source="google", campaign="ads"),
        *some(20, first=3000, orders=9, channel="Email", source="news", campaign="tiny"),
        *some(40, first=4000, orders=4, channel="AI Assistants", source="chatgpt"),
    ]
    for week in (1, 2, 3):
        at, first = AT - 7 * week * DAY, 10_000 * week
        visits += some(60, at, first, 4, channel="Email", source="news", campaign="cakes")
        visits += some(200, at, first + 1000, 16)
    return FactStore(fact_tables(visits, hours_between(START, NOW)))


def shown(store: FactStore, view: View = WEEK) -> str:
    with page_of(store, view, now=NOW) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


def verdicts(store: FactStore, view: View) -> dict[str, str]:
    with page_of(store, view, now=NOW) as page:
        found = build_acquisition(page)
    assert found
    return {row.name: row.verdict for row in found.rows}


def test_it_is_seen_which_campaign_pays_and_which_does_not(store) -> None:
    assert verdicts(store, CAMPAIGNS) == {
        "(none)": "like",
        "ads": "below",
        "cakes": "above",
        "tiny": "few",
    }


def test_a_rate_is_compared_with_that_of_all_visits(store) -> None:
    text = shown(store, CAMPAIGNS)
    assert "against 11.8% of all visits" in text
    assert "21.9% – 39.6%, above 11.8% of all visits" in text
    assert "too little data" in text


def test_a_chosen_row_is_still_compared_with_all_visits(store) -> None:
    view = CAMPAIGNS.with_filter("campaign", "cakes")
    assert verdicts(store, view) == {"cakes": "above"}
    assert "against 11.8% of all visits" in shown(store, view)


def test_changes_that_chance_explains_are_not_shown(store) -> None:
    with page_of(store, WEEK, now=NOW) as page:
        found = build_acquisition(page)
    assert found
    rows = {row.name: row for row in found.rows}
    direct, email = rows["Direct"].visits_change, rows["Email"].visits_change
    assert direct
    assert (direct.text, direct.words) == ("0.0%", "no clear change (usually 200)")
    assert email
    assert (email.direction, email.is_good) == ("up", True)
    assert email.words.startswith("more than usual (")
    assert rows["Email"].rate_change
    assert rows["Paid Search"].rate_change is None


def test_a_source_has_its_medium_and_filters_by_both() -> None:
    visits = some(40, source="google") + some(10, first=100)
    store = FactStore(fact_tables(visits, hours_between(START, NOW)))
    with page_of(store, WEEK.with_choice("acquisition", "source"), now=NOW) as page:
        found = build_acquisition(page)
    assert found
    assert found.rows[0].name == "google"
    assert found.rows[0].query == "?range=7d&acquisition=source&source=google&medium=~"


def test_the_other_tags_of_a_campaign_are_rows_too() -> None:
    visits = some(40, content="blue button", term="red cake")
    store = FactStore(fact_tables(visits, hours_between(START, NOW)))
    for choice, value in (("content", "blue button"), ("term", "red cake")):
        assert value in shown(store, WEEK.with_choice("acquisition", choice))


def test_an_interval_lies_on_the_scale(store) -> None:
    with page_of(store, CAMPAIGNS, now=NOW) as page:
        found = build_acquisition(page)
    assert found
    assert 0 <= found.site_at <= 100
    for row in found.rows:
        if row.interval:
            assert 0 <= row.interval.low <= row.interval.at <= row.interval.high <= 100


def test_a_range_without_visits_says_so_in_every_panel() -> None:
    text = shown(FactStore(fact_tables([], hours_between(START, NOW))))
    assert "No visits in this range" in text


def test_one_visit_makes_a_page() -> None:
    one = [Visit(AT, 1, channel="AI Assistants", campaign="cakes", goals=("order",))]
    text = shown(FactStore(fact_tables(one, hours_between(START, NOW))))
    assert "too little data" in text


@pytest.fixture(scope="module")
def hostile() -> FactStore:
    visits = [
        Visit(
            AT + n * MINUTE,
            n,
            (text or "/", "/menu", text or "/"),
            channel="AI Assistants",
            goals=("order",),
            **dict.fromkeys(("campaign", "source", "content", "term"), text),
        )
        for n, text in enumerate(HOSTILE * 3)
    ]
    return FactStore(fact_tables(visits, hours_between(START, NOW)))


@each_case(
    "tab, choice", [("visitors", "source"), ("marketing", "campaign"), ("marketing", "term")]
)
def test_hostile_values_are_text(hostile, tab, choice) -> None:
    view = View(tab, "7d").with_choice("acquisition", choice).with_filter("page", "/menu")
    with page_of(hostile, view, now=NOW) as page:
        html = html_of(page)
    assert "<script>alert" not in html
    assert 'style="' not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    for link in re.findall(r'href="([^"#]*\?[^"#]*)', html):
        query = urlsplit(link.replace("&amp;", "&")).query
        if "static/" not in link:
            parse_view(tab, parse_qsl(query, keep_blank_values=True))
