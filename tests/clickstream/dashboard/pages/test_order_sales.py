"""What the Orders page shows of the shop's orders, beside counts in plain Python."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.clickstream.dashboard.money_builders import item, money, order, refund
from tests.clickstream.dashboard.pages.test_sales_ledger import fact, state_of_sales
from tests.clickstream.dashboard.rendered import html_of, page_of, texts_of
from tests.clickstream.dashboard.sold_orders import pairs_beyond_chance
from tests.support.examples import examples
from tests.support.sales_files import with_sales

from clickstream.alerts.lake_state import UNSEEN, LakeState
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.orders import panels
from clickstream.dashboard.pages.orders.sales import menu_rows, reconciliation_of
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake.compared_dates import ComparedDates
from clickstream.settings import GoalSettings, Settings
from clickstream.settings.dashboard import DashboardSettings
from clickstream.settings.sections import FunnelStepSettings

FIRST = datetime(2026, 11, 2)
DAYS = [FIRST + timedelta(days=number) for number in range(6)]
SHOWN = DAYS[2:5]
"""The dates of the page; orders of the two before them are earlier ones."""

VIEW = View("orders").with_days(SHOWN[0].date(), SHOWN[-1].date())
SETTINGS = with_sales(
    Settings(
        goals={"order": GoalSettings(page="/thanks")},
        funnel=(
            FunnelStepSettings(name="menu", page="/menu"),
            FunnelStepSettings(name="form", page="/form"),
            FunnelStepSettings(name="sent", page="/thanks"),
        ),
        dashboard=DashboardSettings(item_pages="/menu/.+", page_names={"/menu/7": "Tea"}),
    ),
    Path("/srv"),
    ("shop",),
)
NAMES = ("Cake", "Tea", "Carrot Cake")


@dataclass(frozen=True)
class Sold:
    """A generated order, which may be refunded on a later date."""

    day: datetime
    customer: str | None
    names: tuple[str, ...]
    channel: str | None
    refunded_on: datetime | None
    cents: int


ORDERS = st.lists(
    st.builds(
        Sold,
        st.sampled_from(DAYS),
        st.sampled_from([None, "ana", "ben", "cem"]),
        st.lists(st.sampled_from(NAMES), max_size=4).map(tuple),
        st.sampled_from([None, "Email", "Direct"]),
        st.sampled_from([None, None, *DAYS]),
        st.integers(100, 5000),
    ),
    max_size=60,
)


def rows_of(sold: Sequence[Sold]) -> dict[str, Any]:
    orders, refunds, items = [], [], []
    for number, one in enumerate(sold):
        at, name = one.day + timedelta(hours=number % 24), f"o{number}"
        matched = {"channel": one.channel} if one.channel else {}
        orders.append(order(at, name, one.cents, customer_key=one.customer, **matched))
        items += [item(at, name, line, sold, 100) for line, sold in enumerate(one.names)]
        if one.refunded_on:
            refunds.append(refund(one.refunded_on, f"r{number}", name, 50))
    return money(orders, refunds, items)


@contextmanager
def page_with(
    others: dict[str, Any],
    visits: Sequence[Visit] = (),
    view: View = VIEW,
    lake_state: LakeState = UNSEEN,
) -> Iterator[PageContext]:
    hours = hours_between(FIRST, DAYS[-1])
    store = FactStore(fact_tables(visits, hours, others))
    with page_of(store, view, settings=SETTINGS, lake_state=lake_state) as page:
        yield page


def answer(page: PageContext, panel: Any) -> list[tuple[Any, ...]]:
    (question,) = page.questions(panel)
    return [*page.ask(question).rows]


@given(ORDERS, st.sampled_from(["", "Email"]))
@examples()
def test_items_pairs_and_customers_are_those_of_the_orders(sold: list[Sold], channel: str) -> None:
    chosen = [one for one in sold if one.day in SHOWN and (not channel or one.channel == channel)]
    view = VIEW.with_filter("channel", channel) if channel else VIEW
    with page_with(rows_of(sold), view=view) as page:
        items = {name: (n, pieces) for name, n, pieces, _ in answer(page, panels.MENU_SALES)}
        pairs = {frozenset(row[:2]): row[2:] for row in answer(page, panels.PAIRS)}
        kinds = {kind: row for kind, *row in answer(page, panels.CUSTOMERS)}
    with_item = Counter(name for one in chosen for name in {*one.names})
    pieces = Counter(name for one in chosen for name in one.names)
    assert items == {name: (n, pieces[name]) for name, n in with_item.items()}
    expected = pairs_beyond_chance([one.names for one in chosen])
    assert {pair: lift for pair, (_, lift) in pairs.items()} == pytest.approx(expected)
    for pair, (number, _) in pairs.items():
        assert number == sum(pair <= {*one.names} for one in chosen)
    assert kinds == customers_of(sold, channel)


@given(st.integers(0, 999), st.integers(4, 9), st.booleans())
def test_pairs_are_those_that_chance_does_not_explain(
    seed: int, kinds: int, is_planted: bool
) -> None:
    """Of items that are chosen by how popular they are, no pair is listed, and one that is planted.

    Orders of one item, or of items that nearly all orders have, do not make a pair.
    """
    chance, names = np.random.default_rng(seed), [f"Item {n}" for n in range(kinds)]
    popular = chance.dirichlet(np.full(kinds, 3.0)) * 0.9 + 0.1 / kinds
    sizes = chance.choice(3, 400, p=chance.dirichlet((3, 3, 1))) + 1
    sold = [
        Sold(SHOWN[0], None, tuple(chance.choice(names, size, False, popular)), None, None, 100)
        for size in sizes
    ]
    rare = {names[place] for place in np.argsort(popular)[:2]}
    sold += [replace(sold[0], names=tuple(rare))] * (80 * is_planted)
    with page_with(rows_of(sold)) as page:
        found = [{first, second} for first, second, *_ in answer(page, panels.PAIRS)]
        text = " ".join(texts_of(html_of(page)))
    assert found == ([rare] if is_planted else [])
    assert ("clearly more often in one order than by chance" in text) == (not is_planted)


def customers_of(sold: Sequence[Sold], channel: str) -> dict[str, list[int]]:
    """Orders and net sales of the shown dates by kind; a refund is of the kind of its order."""
    known = [one for one in sold if one.day <= SHOWN[-1]]
    first: dict[str, datetime] = {}
    for one in sorted(known, key=lambda one: one.day):
        first.setdefault(one.customer or "", one.day)
    found: dict[str, list[int]] = defaultdict(lambda: [0, 0])
    for one in sold:
        if channel and one.channel != channel:
            continue
        key = one.customer or ""
        ordered = one.day if one.day <= SHOWN[-1] else one.refunded_on
        is_later = ordered is not None and key in first and ordered > first[key]
        kind = "unknown" if not key else "returning" if is_later else "new"
        if one.day in SHOWN:
            found[kind][0] += 1
            found[kind][1] += one.cents
        if one.refunded_on in SHOWN:
            found[kind][1] -= 50
    return dict(found)


def test_an_item_that_is_seen_and_not_bought_is_named() -> None:
    """Pages have the name of the item in the settings, or at their end."""
    visits = [
        Visit(SHOWN[0], visitor=number, pages=(page,))
        for number in range(60)
        for page in ("/menu/cake", "/menu/7", "/menu/carrot-cake", "/menu/scone")
    ]
    sold = [Sold(SHOWN[0], None, ("Cake", "Tea"), None, None, 300) for _ in range(40)]
    sold.append(Sold(SHOWN[0], None, ("Carrot Cake", "Water"), None, None, 300))
    with page_with(rows_of(sold), visits) as page:
        rows = {row.name: row for row in menu_rows(page)}
    assert {name for name, row in rows.items() if row.is_rarely_bought} == {"Carrot Cake", "scone"}
    assert rows["Tea"].visits == 60
    assert rows["Tea"].per_order == 1.5
    assert rows["Water"].visits is None
    assert (rows["scone"].orders, rows["scone"].per_order) == (0, None)


DATES = st.dictionaries(
    st.sampled_from(SHOWN),
    st.tuples(st.integers(0, 50), st.sampled_from([0, 0, 70]), st.sampled_from([0, 0, 30])),
)
COMPARED = datetime(2026, 11, 15, 10, 5, tzinfo=UTC)


@given(DATES, st.sampled_from(SHOWN), st.booleans(), st.sets(st.sampled_from(SHOWN)))
@examples()
def test_the_page_never_reassures_about_dates_that_the_lake_lacks_or_that_were_not_compared(
    dates: Any, since: datetime, older_too: bool, changed: set[datetime]
) -> None:
    """What the shop has rounded is no difference from the shop, and has its own sentence."""
    rows = [
        fact(day, "till", orders=n, missing_gross_cents=lacks, differing_cents=cents)
        | {"differing_orders": int(bool(cents)), "sales_source": "shop", "currency": "EUR"}
        for day, (n, lacks, cents) in dates.items()
    ]
    compared = ComparedDates(COMPARED, since.date(), COMPARED if older_too else None)
    state = state_of_sales(shop=(compared, [day.date() for day in changed]))
    with page_with({"sales_facts": rows}) as page:
        unseen = " ".join(reconciliation_of(page))
    assert "to the cent" not in unseen
    assert ("as read on 14 Nov" in unseen) == bool(dates)
    equal = [day for day in dates if (day >= since or older_too) and day not in changed]
    old = [day for day in dates if day < since and not older_too and day not in changed]
    with page_with({"sales_facts": rows}, lake_state=state) as page:
        text = " ".join(reconciliation_of(page))
    wrong = [lacks for _, lacks, _ in dates.values() if lacks]
    rounded = [cents for *_, cents in dates.values() if cents]
    missing = len(SHOWN) - len(dates)
    assert ("to the cent, as compared on 15 Nov." in text) == (bool(equal) and not wrong)
    assert ("to the cent" in text) == ("as compared on" in text)
    assert (f"{sum(dates[day][0] for day in equal)} order" in text) or not equal or wrong
    assert ("changed at the shop since" in text) == bool({*dates} & changed)
    assert ("as read on 14 Nov; no later comparison" in text) == bool(old)
    assert (f" from the shop by €{sum(wrong) / 100:.2f}" in text) == bool(wrong)
    assert (f"by €{sum(rounded) / 100:.2f}" in text.partition("At the source")[2]) == bool(rounded)
    if dates:
        assert (f"No orders on {missing} date" in text) == bool(missing)
    else:
        assert text == "The lake has no sales of these dates."


def test_amounts_that_a_filter_can_t_choose_are_not_shown() -> None:
    sold = [Sold(SHOWN[0], "ana", NAMES, "Email", SHOWN[1], 300) for _ in range(12)]
    for view, is_shown in ((VIEW, True), (VIEW.with_filter("page", "/menu"), False)):
        with page_with(rows_of(sold), [Visit(SHOWN[0], pages=("/menu",))], view) as page:
            html = html_of(page)
        assert ('id="menu_sales"' in html) == is_shown
        assert ("can't be filtered by Page" in " ".join(texts_of(html))) == (not is_shown)
