"""Orders and amounts on the pages: sums to the cent, when they are shown, and what is said."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import Row, money, order, refund
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, texts_of
from tests.support.examples import examples
from tests.support.sales_files import with_sales

from clickstream.dashboard.ask.view import ACQUISITION_BY, TABS, Filter, View
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.mail.content import build_content
from clickstream.dashboard.mail.week import Week
from clickstream.dashboard.mail.wording import subject_of
from clickstream.dashboard.pages.marketing.acquisition import build_sold
from clickstream.dashboard.pages.overview.tiles import build_tiles
from clickstream.dashboard.pages.overview.values import describe_today
from clickstream.dashboard.web.details import csv_lines
from clickstream.dashboard.widgets.course import ask_course
from clickstream.dashboard.widgets.goals import sales_pace
from clickstream.dashboard.widgets.page import PageContext
from clickstream.settings import GoalSettings, Settings

START = datetime(2026, 11, 2)
DAYS = 4
HOURS = hours_between(START, START + timedelta(days=DAYS))
PLAIN = Settings(goals={"order": GoalSettings(page="/thanks")})
SHOP = with_sales(PLAIN, Path("/srv"), ("shop",))

COLUMNS = {
    **{"channel": "channel", "source": "source", "medium": "medium", "device": "device"},
    **{"campaign": "utm_campaign", "referrer": "referrer_domain", "landing_page": "landing_page"},
}
"""The column of each dimension that a property filters by."""

arrivals = st.none() | st.fixed_dictionaries(
    {
        "channel": st.sampled_from(["Direct", "Email", "Paid Search"]),
        **{
            name: st.none() | st.sampled_from(["a", "b"])
            for name in ("source", "medium", "utm_campaign", "referrer_domain", "landing_page")
        },
        "device": st.sampled_from(["mobile", "desktop"]),
    }
)
sold = st.tuples(
    st.integers(0, 24 * DAYS - 1),
    st.integers(1, 10**6),
    arrivals,
    st.none() | st.tuples(st.integers(0, 40), st.integers(1, 10**6)),
)
"""The hour of an order, its cents, its arrival if matched, and hours to a refund of some cents."""

chosen = st.lists(
    st.builds(
        Filter,
        dimension=st.sampled_from([*COLUMNS]),
        values=st.lists(
            st.sampled_from([None, "a", "Email", "mobile"]), min_size=1, unique=True
        ).map(tuple),
        is_excluded=st.booleans(),
    ),
    max_size=2,
)


def rows_of(some: Sequence[Any]) -> tuple[list[Row], list[Row]]:
    """Orders with their refunds; every third refund is of an order that the lake lacks."""
    orders, refunds = [], []
    for number, (hour, cents, arrival, back) in enumerate(some):
        at = START + timedelta(hours=hour)
        orders.append(order(at, str(number), cents, **(arrival or {})))
        if back:
            whose = None if number % 3 == 2 else str(number)
            later = at + timedelta(hours=back[0])
            refunds.append(refund(later, f"r{number}", whose, back[1]))
    return orders, refunds


def net_of(orders: Sequence[Row], refunds: Sequence[Row], view: View) -> int:
    """Net sales of the range in plain Python; a refund has the arrival of its order."""
    by_id = {one["order_id"]: one for one in orders}
    nothing = dict.fromkeys(COLUMNS.values())
    amounts = [(one, one["hour_at"], one["total_cents"]) for one in orders]
    amounts += [
        (by_id.get(one["order_id"], nothing), one["hour_at"], -one["amount_cents"])
        for one in refunds
    ]
    period = view.period(date(2026, 12, 1))
    return sum(
        cents
        for one, at, cents in amounts
        if period.first <= at.date() <= period.last
        and all((one[COLUMNS[f.dimension]] in f.values) != f.is_excluded for f in view.filters)
    )


def cents_in(text: str) -> int:
    return int(re.sub(r"[^\d-]", "", text))


@examples(times=3)
@given(
    st.lists(sold, max_size=12),
    st.tuples(st.integers(0, DAYS - 1), st.integers(0, DAYS - 1)),
    chosen,
    st.sampled_from([*ACQUISITION_BY]),
)
def test_every_breakdown_sums_to_net_sales_to_the_cent(some, days, filters, choice: str) -> None:
    """On pages, in CSV files and in the mail of the week, for any days and filters."""
    orders, refunds = rows_of(some)
    first, last = (START.date() + timedelta(days=number) for number in sorted(days))
    view = View().with_days(first, last).with_choice("acquisition", choice)
    view = view.with_filters(*filters)
    store = FactStore(fact_tables([], HOURS, money(orders, refunds)))
    whole = net_of(orders, refunds, view)
    with page_of(store, view, datetime(2026, 12, 1), SHOP) as page:
        assert page.answer(("net_sales",)).single()["net_sales"] == whole
        assert sum(value or 0 for value in ask_course(page, "day").values("net_sales")) == whole
    with page_of(store, view.on_tab("orders"), datetime(2026, 12, 1), SHOP) as page:
        for panel in ("customers", "sold_by"):
            rows = csv.DictReader(csv_lines(page, panel))
            assert sum(int(row["net_sales"] or 0) for row in rows) == whole
    with page_of(store, view.on_tab("marketing"), datetime(2026, 12, 1), SHOP) as page:
        assert_the_list_sums_to(page, whole)
    week = Week.of(START.date())
    view = View().with_days(week.first, week.last)
    known = view.with_days(week.first, START.date() + timedelta(days=DAYS - 1))
    with page_of(store, view, datetime(2026, 12, 1), SHOP) as page:
        [mailed] = [row for row in build_content(page, week).figures if row.name == "net_sales"]
        expected = page.formats.brief(page.metric("net_sales"), net_of(orders, refunds, known))
    assert mailed.value == expected


def assert_the_list_sums_to(page: PageContext, whole: int) -> None:
    """Of any rows that the list may have; orders lack the dimensions of links' contents."""
    by = page.view.acquisition_by
    keys = [("Email",) * len(by), (None,) * len(by), ("a", "b")[: len(by)]]
    columns = build_sold(page, by, keys)
    if {"content", "term"} & {*by}:
        assert columns is None
        return
    assert columns
    cells = [*columns.by_key.values(), *(one for _, one in columns.below)]
    assert sum(cents_in(one.net_sales) for one in cells) == whole
    assert cents_in(columns.whole.net_sales) == whole


def shops_day(day: date, times: int = 1) -> list[Row]:
    """Orders of 10.00 at each hour from 08:00 to 17:00, five by mail and one by phone.

    With `times`, there are more of them, all by mail.
    """
    at = datetime(day.year, day.month, day.day)
    return [
        order(
            at + timedelta(hours=hour),
            f"{day}-{hour}-{number}",
            1000,
            **({"channel": "Email", "landing_page": "/"} if number else {"sold_by": "phone"}),
        )
        for hour in range(8, 18)
        for number in range(6 * times)
    ]


WEEKS_AGO = NOW.replace(hour=0, minute=0) - timedelta(days=35)


def published(hours_ago: int) -> dict[str, Any]:
    """The ledger of today's sales, which were read some hours ago."""
    at = NOW.replace(minute=10) - timedelta(hours=hours_ago)
    return {"sales_source": "shop", "published_at": at, "hour_at": NOW.replace(minute=0)}


def store_of_weeks(
    hours_ago: int = 0, times: int = 1, usual: int = 1, unpublished: int = 0
) -> FactStore:
    """Five weeks up to 15:00 on a Monday; `times` as many orders since then.

    The last `unpublished` hours have orders, and their log is not published.
    """
    days = [(WEEKS_AGO + timedelta(days=number)).date() for number in range(36)]
    orders = [row for day in days[:29] for row in shops_day(day, usual)]
    orders += [row for day in days[29:] for row in shops_day(day, usual * times)]
    until = NOW.replace(minute=0)
    sold_until = [one for one in orders if one["hour_at"] < until]
    visits = [Visit(WEEKS_AGO + timedelta(hours=12 * n), n, ("/",), "Email") for n in range(70)]
    others = {**money(sold_until), "sales_facts": [published(hours_ago)]}
    built = hours_between(WEEKS_AGO, until - timedelta(hours=unpublished))
    return FactStore(fact_tables(visits, built, others))


TARGETED = SHOP.model_copy(
    update={
        "dashboard": SHOP.dashboard.model_copy(
            update={"monthly_sales_target": 20000, "monthly_targets": {"order": 50}}
        )
    }
)


@examples(times=0.5)
@given(st.integers(0, 4), st.integers(1, 2), st.sampled_from([None, "Email"]))
def test_today_has_one_value_and_one_usual_value_wherever_it_is_shown(
    unpublished: int, times: int, channel: str | None
) -> None:
    """The shop may be read some hours after the newest published hour."""
    store = store_of_weeks(times=times, usual=4, unpublished=unpublished)
    view = View(range="today")
    view = view.with_filter("channel", channel) if channel else view
    with page_of(store, view, settings=TARGETED) as page:
        tiles = {one.metric.name: one for one in build_tiles(page, ask_course(page, "hour"))}
        line, net = describe_today(page), tiles["net_sales"]
        drawn = sum(value or 0 for value in ask_course(page, "hour").values("net_sales"))
        compared = page.once(find_changes).find("net_sales")
    assert compared
    assert net.change
    assert compared.compared.value == drawn
    assert net.value == f"€{drawn / 100:,.0f}"
    assert line.startswith(f"So far today {net.value}; usually {net.change.usual} by this hour (")
    change = round(100 * compared.compared.change)
    assert (
        net.change.signed_text.lstrip("+−").rstrip("%").removesuffix(".0") == str(abs(change))
        or abs(change) < 10
    )
    with page_of(store, view.on_tab("marketing"), settings=TARGETED) as page:
        found = build_sold(page, ("channel",), [("Email",)])
        assert found
        assert cents_in(found.whole.net_sales) == drawn
    month = replace(view, range="month")
    with page_of(store, month, settings=TARGETED) as page:
        pace, whole = sales_pace(page), page.answer(("net_sales",)).single()["net_sales"]
        assert (pace and pace.reached) == (None if channel else whole)


def test_targets_of_all_orders_are_not_beside_the_numbers_of_a_filter() -> None:
    """A goal shows a number of the filter, or its pace of all visits, and never both."""
    for view in (View(range="28d"), View(range="28d").with_filter("channel", "Email")):
        with page_of(store_of_weeks(), view, settings=TARGETED) as page:
            text = " ".join(texts_of(html_of(page)))
        assert ("this month" in text) == (not view.filters)
        with page_of(store_of_weeks(), view, settings=TARGETED) as page:
            digest = build_content(page, Week.of(NOW.date()))
        assert bool(digest.goals) == (not view.filters)


OF_ORDERS = {"orders", "net_sales", "conversions", "conversion_rate", "goal_visits", "step_rate"}
few_orders = st.lists(
    st.tuples(st.integers(0, 6), st.integers(1, 10**7), arrivals), min_size=1, max_size=9
)
"""Day, cents and arrival of fewer than ten orders."""


@given(few_orders, few_orders | st.just([]))
def test_fewer_than_ten_orders_of_any_amounts_are_no_event(
    now: list[Any], before: list[Any]
) -> None:
    """Neither their number nor their amount nor a rate, whatever the weeks before had."""
    begin, orders, visits = datetime(2026, 9, 7), [], []
    for week in range(9):
        start, some = begin + timedelta(weeks=week), now if week == 8 else before
        for number, (day, cents, arrival) in enumerate(some):
            at = start + timedelta(days=day, hours=12)
            orders.append(order(at, f"{week}-{number}", cents, **(arrival or {})))
        for number in range(120):
            at = start + timedelta(hours=number)
            goals = ("order",) if number < len(some) else ()
            visits.append(Visit(at, 1000 * week + number, ("/",), "Email", goals=goals))
    end = begin + timedelta(weeks=9)
    store = FactStore(fact_tables(visits, hours_between(begin, end), money(orders)))
    view = View().with_days((end - timedelta(days=7)).date(), (end - timedelta(days=1)).date())
    for tab in ("overview", "marketing", "orders"):
        with page_of(store, view.on_tab(tab), end + timedelta(hours=3), SHOP) as page:
            changes = page.once(find_changes)
        assert changes.find("visits")
        assert [one for one in changes.clear if one.metric in OF_ORDERS] == []


def test_the_overview_leads_with_money_and_says_how_today_goes() -> None:
    store = store_of_weeks()
    with page_of(store, View(range="28d", metric="net_sales"), settings=TARGETED) as page:
        text = " | ".join(texts_of(html_of(page)))
        tiles = [tile.metric.name for tile in build_tiles(page, ask_course(page, "day"))]
        pace = sales_pace(page)
    assert "So far today €420.00; usually €420.00 by this hour (15:00) on a Monday." in text
    assert tiles == ["net_sales", "orders", "visits", "conversion_rate"]
    assert pace
    assert (pace.reached, pace.state) == (942_000, "behind")
    assert pace.projected == 942_000 + 18_000 + 14 * 60_000
    assert "this month €9,420 of €20,000, behind: on course for €18,000" in text
    assert "Visits with an order" in text


def test_amounts_are_not_compared_if_the_shop_was_not_read() -> None:
    """Five hours without a pull lack 30 usual orders; one hour without sales lacks none."""
    for hours_ago, is_known in ((0, True), (5, False)):
        with page_of(store_of_weeks(hours_ago), View(range="7d"), settings=SHOP) as page:
            assert bool(page.once(find_changes).find("net_sales")) == is_known
            assert bool(describe_today(page)) == is_known


def test_more_net_sales_are_said_with_the_channel_on_the_page_and_in_the_mail() -> None:
    store = store_of_weeks(times=2)
    with page_of(store, View(range="7d"), settings=SHOP) as page:
        text = " ".join(texts_of(html_of(page)))
    said = "Net sales were €8,040 , 2.0 times as much as usual (€4,020; between"
    assert said in text.replace(" ; ", "; ").replace("rise  came", "rise came")
    week = Week.of((NOW - timedelta(days=7)).date())
    with page_of(store, View().with_days(week.first, week.last), settings=SHOP) as page:
        digest = build_content(page, week)
    figures = {row.label: row.value for row in digest.figures}
    assert (figures["Orders"], figures["Net sales"]) == ("780", "€7,800")
    assert any("Net sales were" in one.text for one in digest.findings.sentences)
    assert (digest.hero.label, digest.hero.before) == ("Net sales", "€4,200")
    assert subject_of(digest) == f"site, {week.name}: net sales €7,800, {digest.hero.step}"


def test_a_filter_that_orders_lack_is_named_in_place_of_amounts() -> None:
    store = store_of_weeks()
    note = "Orders and amounts can't be filtered by Page, so they are not shown."
    view = View(range="7d", metric="net_sales").with_filter("channel", "Email")
    for tab in ("overview", "marketing"):
        with page_of(store, view.on_tab(tab), settings=SHOP) as page:
            assert "€" in html_of(page)
        with page_of(store, view.on_tab(tab).with_filter("page", "/"), settings=SHOP) as page:
            text = " ".join(texts_of(html_of(page)))
            assert [*csv_lines(page, "sales_matches")] == []
        assert note in text
        assert "€" not in text


def test_pages_without_one_currency_are_those_of_a_site_without_sales() -> None:
    store = store_of_weeks()
    till = SHOP.sales[0].model_copy(update={"name": "till", "currency": "USD"})
    two = SHOP.model_copy(update={"sales": (*SHOP.sales, till)})
    for tab in TABS:
        if tab != "trust":
            pages = []
            for settings in (PLAIN, two):
                with page_of(store, View(tab, range="7d"), settings=settings) as page:
                    pages.append(html_of(page))
            assert pages[0] == pages[1], tab
            assert "€" not in pages[0]
