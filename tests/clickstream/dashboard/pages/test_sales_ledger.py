"""The sales ledger of the Trust page: sums, the verdict, and what it says without sales."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from babel.numbers import parse_decimal
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.dashboard.builders import SCHEMAS, FactStore, fact_tables, hours_between
from tests.clickstream.dashboard.rendered import html_of, page_of
from tests.support.cases import each_case
from tests.support.examples import examples
from tests.support.sales_files import with_sales

from clickstream.alerts.lake_state import UNSEEN, LakeState
from clickstream.core.hours import Hour
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.pages.trust.sales import SalesPanel, build_sales
from clickstream.lake.compared_dates import ComparedDates
from clickstream.pipeline.proof.freshness import (
    FreshnessLimits,
    LakeRecords,
    SalesFreshness,
    measure_freshness,
)
from clickstream.settings import Settings

FIRST = datetime(2026, 11, 9)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]
WEEK = View("trust").with_days(FIRST.date(), date(2026, 11, 12))
SHOPS = with_sales(Settings(), Path("/srv"), ("till", "web"))
CURRENCY = {"till": "EUR", "web": "USD"}
NUMBERS = [
    name
    for name in SCHEMAS["sales_facts"].names
    if SCHEMAS["sales_facts"].field(name).type == "int64"
]


FAULTS = [*(name for name in NUMBERS if name.startswith("missing_")), "rejected"]
"""What makes a date one that does not reconcile."""


def fact(day: datetime, source: str, **values: Any) -> dict[str, Any]:
    """A date of a source that reconciles, but for the given values."""
    row = {**dict.fromkeys(NUMBERS, 0), **values}
    return {
        **{"hour_at": day, "sales_source": source, "currency": CURRENCY[source]},
        **row,
        "net_cents": row["gross_cents"] - row["refunded_cents"],
        "is_reconciled": not any(row[name] for name in FAULTS),
        "published_at": datetime(2026, 11, 14, 9, 5),
    }


def ledger(
    rows: list[dict[str, Any]],
    language: str = "en-GB",
    view: View = WEEK,
    settings: Settings = SHOPS,
    lake_state: LakeState = UNSEEN,
) -> SalesPanel:
    hours = hours_between(FIRST, FIRST + timedelta(hours=1))
    store = FactStore(fact_tables([], hours, {"sales_facts": rows}))
    with page_of(store, view, settings=settings, language=language, lake_state=lake_state) as page:
        return build_sales(page)


def state_of_sales(**sources: tuple[ComparedDates, list[date]]) -> LakeState:
    """The state of a lake whose sources were compared, and have dates that changed since."""
    now = datetime(2026, 11, 16, 15, 20, tzinfo=UTC)
    sales = [
        SalesFreshness(name, 4, None, now, "", 0, 0, compared=compared, changed=tuple(changed))
        for name, (compared, changed) in sources.items()
    ]
    records = LakeRecords(Hour.of(FIRST.replace(tzinfo=UTC)), {}, {}, {}, (), (), sales=sales)
    return LakeState(measure_freshness(records, now, FreshnessLimits()))


def said(panel: SalesPanel) -> str:
    notes = [f"{note.name}: {note.text}" for note in (*panel.notes, *panel.missing)]
    return "\n".join([panel.verdict, *notes, panel.more, *panel.lines])


AMOUNTS = st.integers(-10_000_000, 10_000_000)
DATES = st.lists(
    st.tuples(
        *(st.sampled_from(DAYS), st.sampled_from(["till", "web"]), AMOUNTS, AMOUNTS),
        st.sampled_from(["", "", "differing_orders", *FAULTS]),
    ),
    unique_by=lambda row: row[:2],
)


@given(DATES)
@examples()
def test_sums_are_those_of_the_dates_and_the_verdict_is_good_if_all_reconcile(dates: Any) -> None:
    rows = [
        fact(day, source, gross_cents=gross, refunded_cents=back, **({fault: 1} if fault else {}))
        for day, source, gross, back, fault in dates
    ]
    net: dict[str, int] = defaultdict(int)
    for row in rows:
        net[row["sales_source"]] += row["net_cents"]
    panel = ledger(rows, "en-DE")
    shown = {row.name: row for row in panel.rows}
    assert {name: cents(row.cells[-1]) for name, row in shown.items()} == dict(net)
    bad = {row["sales_source"] for row in rows if not row["is_reconciled"]}
    assert {name for name, row in shown.items() if not row.is_reconciled} == bad
    totals = [net["till"], net["web"]] if len(net) == 2 else []  # a sum for each currency
    assert [cents(row.cells[-1]) for row in panel.totals] == totals
    assert ("to the cent" in panel.verdict) == bool(rows and not bad)
    assert all(len(note.text) > len("0.") for note in panel.notes)
    assert len(panel.notes) == min(6, sum(not row["is_reconciled"] for row in rows))


def cents(text: str) -> int:
    """The hundredths of an amount, such as 1.234,56 €."""
    number, _, sign = text.partition("\xa0")
    assert sign in ("€", "US$")
    return int(100 * Decimal(parse_decimal(number, locale="en_DE")))


def test_a_date_without_sales_or_with_a_fault_is_named_with_what_to_do() -> None:
    rows = [
        fact(DAYS[0], "till", gross_cents=1210),
        fact(DAYS[1], "till", rejected=2) | {"reject_reasons": "no number"},
        fact(DAYS[3], "till", missing_rows=-1, missing_gross_cents=10),
    ]
    text = said(ledger(rows))
    for part in (
        "2 of 3 dates do not reconcile.",
        "till, Tue 10 Nov: 2 rows rejected: no number.",
        "the tables have 1 row more than the source; sums differ by €0.10 from those",
        "till: No sales on 1 date (Wed 11 Nov)",
        "web: The lake has none of its dates. Run clickstream sales pull.",
        "published on 14 Nov, 09:05",
        "run clickstream verify 2026-11-10 2026-11-12.",
    ):
        assert part in text, text


def test_a_date_is_as_read_until_it_is_compared_and_a_changed_one_is_named() -> None:
    """Till was compared after the last read; of web, only the last two dates were."""
    rows = [fact(day, source, orders=9) for day in DAYS for source in ("till", "web")]
    text = said(ledger(rows))
    assert "8 dates are as read on 14 Nov; no later comparison with the source is known." in text
    assert "was compared" not in text
    later = datetime(2026, 11, 15, 10, 5, tzinfo=UTC)
    web = ComparedDates(later + timedelta(hours=1), DAYS[2].date())
    state = state_of_sales(till=(ComparedDates(later), [DAYS[1].date()]), web=(web, []))
    panel = ledger(rows, lake_state=state)
    text = said(panel)
    for part in (
        "1 of 8 dates have changed at their source since they were read.",
        "till: 1 date has changed at the source since the last read: 2026-11-10. To read again: "
        "clickstream sales pull till --from 2026-11-10 --to 2026-11-10, or trigger "
        "clickstream_sales in Airflow with From 2026-11-10 and To 2026-11-10.",
        "5 dates were compared with the source again, on 15 Nov, 10:05 or later.",
        "2 dates are as read on 14 Nov; no later comparison with the source is known.",
    ):
        assert part in text, text
    assert "to the cent" not in panel.verdict
    older = replace(web, older_at=later)
    text = said(ledger(rows, lake_state=state_of_sales(till=(older, []), web=(older, []))))
    assert "8 dates were compared with the source again, on 15 Nov, 10:05 or later." in text
    assert "as read on" not in text


def test_a_source_of_places_only_lacks_no_date_and_rounding_is_the_source_s_own() -> None:
    places = SHOPS.sales[0].model_copy(update={"name": "places", "columns": "us-city-demographics"})
    settings = SHOPS.model_copy(update={"sales": (*SHOPS.sales, places)})
    rows = [fact(day, "till", differing_orders=1, differing_cents=5) for day in DAYS]
    rows += [fact(day, "web") for day in DAYS]
    text = said(ledger(rows, settings=settings))
    assert "places" not in text
    assert "Not checked" not in text
    assert "All 8 dates of till and web equal what was read there, to the cent." in text
    assert "At the source, the parts of 4 orders do not give their totals, by €0.20 in all" in text


def test_orders_without_parts_are_no_difference_and_said_not_to_be_checked() -> None:
    bare = {"differing_orders": None, "differing_cents": None}
    rows = [fact(day, "till", orders=5, gross_cents=900, **bare) for day in DAYS]
    rows += [fact(day, "web", orders=2) for day in DAYS]
    panel = ledger(rows)
    text = said(panel)
    assert all(row.is_reconciled for row in panel.rows)
    assert "All 8 dates of till and web equal what was read there, to the cent." in text
    assert "Not checked whether parts give the totals of 20 orders: the source has none." in text
    assert "At the source" not in text


def test_refunds_that_do_not_fit_their_orders_are_named_and_reconcile() -> None:
    rows = [fact(day, "till") for day in DAYS]
    rows[1] |= {"differing_refunds": 1, "differing_refund_ids": "r1 (of no order)"}
    rows[2] |= {"differing_refunds": 2, "differing_refund_ids": "r3 (above its order), r4 (…)"}
    text = said(ledger(rows))
    assert "All 4 dates of till equal what was read there" in text
    named = "r3 (above its order), r4 (…), r1 (of no order)."
    assert f"3 refunds do not fit their orders in the lake: {named}" in text


@each_case("tab, panel", [("overview", "Sales ledger"), ("orders", 'id="menu_sales"')])
def test_a_shop_without_a_log_sees_its_sales(tab: str, panel: str) -> None:
    rows = [fact(day, "till", orders=3, gross_cents=1210) for day in DAYS]
    settings = with_sales(Settings(), Path("/srv"), ("till",))
    store = FactStore(fact_tables([], [], {"sales_facts": rows}))
    view = View(tab).with_days(FIRST.date(), date(2026, 11, 12))
    with page_of(store, view, settings=settings) as page:
        html = html_of(page)
    assert "No hour is published yet" in html
    assert panel in html
    assert "€48.40" in html
    with page_of(FactStore({}), view, settings=settings) as page:
        assert "Sales ledger" not in html_of(page)


def test_a_range_without_sales_says_so_and_never_reassures() -> None:
    early = View("trust").with_days(date(2026, 10, 1), date(2026, 10, 2))
    panel = ledger([fact(DAYS[0], "till"), fact(DAYS[0], "web")], view=early)
    assert panel.verdict == "The lake has no sales of these dates."
    assert [note.name for note in panel.missing] == ["till", "web"]
    assert "Newest date in the lake: Mon 9 Nov" in panel.missing[0].text
    assert [*panel.rows, *panel.lines] == []


def test_the_panel_is_only_on_the_page_of_a_site_with_sales() -> None:
    store = FactStore(fact_tables([], hours_between(FIRST, FIRST + timedelta(hours=1))))
    with page_of(store, WEEK, settings=SHOPS) as page:
        assert 'id="sales"' in html_of(page)
    with page_of(store, WEEK) as page:
        assert 'id="sales"' not in html_of(page)
