"""The Visitors tab as readers see it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

import pytest
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.visitors.values import build_next_pages
from clickstream.dashboard.web.details import csv_lines

START, NOW = datetime(2026, 11, 2), datetime(2026, 11, 16, 15)
MINUTE = timedelta(minutes=1)
WEEK = View("visitors", "7d")
AT = NOW - timedelta(days=2)


@pytest.fixture(scope="module")
def store() -> FactStore:
    visits = [Visit(AT + n * MINUTE, n, ("/", "/menu", "/order")) for n in range(40)]
    visits += [Visit(AT + n * MINUTE, n, ("/", "/menu")) for n in range(100, 120)]
    visits += [Visit(AT + n * MINUTE, n, ("/menu",)) for n in range(200, 220)]
    return FactStore(fact_tables(visits, hours_between(START, NOW)))


def shown(store: FactStore, view: View = WEEK) -> str:
    with page_of(store, view, now=NOW) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


def test_what_follows_the_page_that_is_viewed_most_is_shown_first(store) -> None:
    text = shown(store)
    assert "after /menu" in text
    assert "/order /order 40 50.0% (left the site) 40 50.0%" in text


def test_a_filter_by_page_chooses_what_is_followed(store) -> None:
    text = shown(store, WEEK.with_filter("page", "/"))
    assert "after /" in text
    assert "/menu /menu 60 100.0%" in text


def test_a_following_page_leads_to_what_follows_it(store) -> None:
    with page_of(store, WEEK.with_filter("page", "/"), now=NOW) as page:
        found = build_next_pages(page)
    assert found
    assert [row.query for row in found.rows] == ["?range=7d&page=%2Fmenu"]


def test_nothing_follows_after_the_site_was_left(store) -> None:
    with page_of(store, WEEK.with_filter("page", "/order"), now=NOW) as page:
        found = build_next_pages(page)
    assert found
    assert [(row.name, row.views, row.query) for row in found.rows] == [("(left the site)", 40, "")]


def test_the_views_that_follow_a_page_add_up_to_its_views(store) -> None:
    with page_of(store, WEEK, now=NOW) as page:
        found = build_next_pages(page)
        rows = "".join(csv_lines(page, "next_pages")).split("\r\n")[1:-1]
    assert found
    assert sum(row.views for row in found.rows) == found.views == 80
    assert sum(int(row.split(",")[2]) for row in rows if row.startswith("/menu,")) == 80


def test_other_filters_choose_the_visits_whose_pages_are_followed(store) -> None:
    view = WEEK.with_filter("page", "/menu").with_filter("exit_page", "/order")
    assert "/order /order 40 100.0%" in shown(store, view)


def test_the_estimated_share_of_the_times_is_told(store) -> None:
    assert "Time: 44% estimated" in shown(store)
    assert "estimated" not in shown(store, WEEK.with_choice("viewed_pages", "landing_page"))


def test_few_times_have_no_estimated_share() -> None:
    few = FactStore(fact_tables([Visit(AT, 1, ("/", "/menu"))], hours_between(START, NOW)))
    assert "% estimated" not in shown(few)


def test_new_and_returning_are_filters(store) -> None:
    text = shown(store, WEEK.with_filter("visitor_kind", "returning"))
    assert "New or returning is Returning" in text
    assert "No visits in this range" in text


def test_visitors_who_come_on_another_day_are_returning() -> None:
    visits = [Visit(AT + n * MINUTE, n) for n in range(60)]
    visits += [Visit(AT + timedelta(hours=5) + n * MINUTE, n) for n in range(30)]
    visits += [Visit(AT + timedelta(days=1) + n * MINUTE, n) for n in range(10)]
    text = shown(FactStore(fact_tables(visits, hours_between(START, NOW))))
    assert "At least 10 of 60 visitors also came on an earlier day." in text
    assert re.search(r"New 90 90\.0%", text)
    assert re.search(r"Returning 10 10\.0%", text)


def test_too_few_visits_have_no_conversion_rate() -> None:
    again = [Visit(AT + timedelta(days=1), 1, goals=("order",))] * 4
    few = FactStore(fact_tables([Visit(AT, 1), *again], hours_between(START, NOW)))
    assert re.search(r"Returning 4 – – –", shown(few))


def test_a_range_without_visits_says_so(store) -> None:
    empty = shown(FactStore(fact_tables([], hours_between(START, NOW))))
    assert empty.count("No visits in this range") == 5
