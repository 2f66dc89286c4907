"""Response times by page, the visits that slow answers cost, and the hosts of pages."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of

from clickstream.dashboard.ask.intervals import share_difference
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.visitors.response_times import build_response_times, lost_visits

START, NOW = datetime(2026, 11, 2), datetime(2026, 11, 16, 15)
WEEK = View("visitors", "7d")
AT = NOW - timedelta(days=2)
SLOW, QUICK = 400, 600


def visit(number: int, *pages: str, ms: int | None = None, host: str | None = None) -> Visit:
    return Visit(AT + timedelta(seconds=number), number, pages, response_ms=ms, host=host)


@pytest.fixture(scope="module")
def store() -> FactStore:
    """Of /menu, every second slow view is the last of its visit, and a fifth of the quick ones."""
    visits = [visit(n, "/menu", *["/a"] * (n % 2), ms=1000 + n) for n in range(SLOW)]
    visits += [visit(1000 + n, "/menu", *["/a"] * (n % 5 > 0), ms=n % 100) for n in range(QUICK)]
    visits += [visit(2000 + n, "/rare", ms=50) for n in range(299)]
    visits += [visit(3000 + n, "/without") for n in range(400)]
    return FactStore(fact_tables(visits, hours_between(START, NOW)))


def test_percentiles_are_those_of_the_sorted_times(store: FactStore) -> None:
    times = sorted([1000 + n for n in range(SLOW)] + [n % 100 for n in range(QUICK)])
    with page_of(store, WEEK, now=NOW) as page:
        found = build_response_times(page)
        assert found
        row = next(one for one in found.rows if one.name == "/menu")
        formats = page.formats
    assert row.visits == "1,000"
    assert row.median == formats.milliseconds(times[499])
    assert row.p95 == formats.milliseconds(times[949])
    assert row.slow == "40.0%"


def test_visits_lost_are_the_exits_beyond_those_after_quick_views(store: FactStore) -> None:
    with page_of(store, WEEK, now=NOW) as page:
        found = build_response_times(page)
        assert found
        low, high = (int(text) for text in found.rows[0].lost.split(" – "))
    assert low < SLOW * (0.5 - 0.2) < high


def test_a_page_of_few_visits_has_no_values_and_one_without_times_no_row(store: FactStore) -> None:
    with page_of(store, WEEK, now=NOW) as page:
        found = build_response_times(page)
        assert found
        rows = {row.name: row for row in found.rows}
    assert "/without" not in rows
    rare = rows["/rare"]
    assert (rare.visits, {rare.median, rare.p95, rare.slow, rare.lost}) == ("299", {"–"})


def test_without_times_the_page_does_not_speak_of_them() -> None:
    store = FactStore(fact_tables([visit(1, "/")], hours_between(START, NOW)))
    with page_of(store, WEEK, now=NOW) as page:
        text = " ".join(texts_of(html_of(page)))
    assert "How long people wait" not in text


@given(st.integers(1, 500), st.integers(1, 500), st.integers(0, 500), st.integers(0, 500))
def test_the_interval_of_a_difference_has_the_difference_and_is_antisymmetric(
    trials: int, other: int, hits: int, other_hits: int
) -> None:
    first, second = (min(hits, trials), trials), (min(other_hits, other), other)
    low, high = share_difference(first, second)
    difference = first[0] / trials - second[0] / other
    assert -1 - 1e-9 <= low <= difference + 1e-9
    assert difference - 1e-9 <= high <= 1 + 1e-9
    assert share_difference(second, first) == pytest.approx((-high, -low))


def test_pages_whose_slow_views_change_nothing_lose_visits_in_one_case_of_forty() -> None:
    """The interval is one of 95 %, and only its lower end counts."""
    random = Random(7)
    found = 0
    for _ in range(2000):
        slow, quick = random.randrange(20, 300), random.randrange(300, 2000)
        rate = random.uniform(0.1, 0.6)
        exits = [sum(random.random() < rate for _ in range(number)) for number in (slow, quick)]
        names = ("slow_views", "timed_views", "slow_exits", "quick_exits")
        figures = dict(zip(names, (slow, slow + quick, *exits), strict=True))
        found += lost_visits(figures) is not None
    assert found / 2000 < 0.04


def test_a_list_of_hosts_is_offered_if_there_are_several(store: FactStore) -> None:
    visits = [visit(n, "/", host=f"shop{n % 2}.example") for n in range(10)]
    several = FactStore(fact_tables(visits, hours_between(START, NOW)))
    with page_of(several, WEEK.with_choice("viewed_pages", "host"), now=NOW) as page:
        listed = " ".join(" ".join(texts_of(html_of(page))).split())
    assert listed.count("≠ 5 5 –") == 2
    with page_of(several, WEEK.with_filter("host", "shop1.example"), now=NOW) as page:
        assert page.answer(("visits",)).single()["visits"] == 5
    for facts, is_offered in ((several, True), (store, False)):
        with page_of(facts, WEEK, now=NOW) as page:
            assert ("viewed_pages=host" in html_of(page)) == is_offered
