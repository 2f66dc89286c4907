"""The tables of a date from rows of a shop: every row is used once, or rejected with a reason."""

from __future__ import annotations

import random
from contextlib import nullcontext
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.collect.sales.reader import ReadRow
from clickstream.core.errors import UnusableRule
from clickstream.pipeline.sales.opening import rules_of
from clickstream.sales.fields import FIELDS
from clickstream.sales.identities import (
    OrderDifference,
    order_differences,
    refund_faults,
    totals_of,
)
from clickstream.sales.row_reader import SalesRules
from clickstream.sales.sales_day import SalesDay, build_day
from clickstream.settings import Settings
from clickstream.settings.sales import WITHOUT_HUNDREDTHS, SalesSettings
from clickstream.step_config import load_map, names_of_maps
from clickstream.tables.sales import (
    DATED_TABLES,
    OF_SALES_DAYS,
    ORDER_ITEMS,
    ORDERS,
    REFUNDS,
    SALES_REJECTS,
)

DAY = date(2026, 11, 20)
RULES = SalesRules("shop", load_map("generic", Path()), "EUR", customer_secret=b"key")
ORDER = {
    **dict.fromkeys(RULES.columns.orders.columns.values(), ""),  # type: ignore[union-attr]
    "order_id": "1",
    "ordered_at": "2026-11-20T10:00:00Z",
    "total": "3.50",
}
LINE = {
    **dict.fromkeys(RULES.columns.order_items.columns.values(), ""),  # type: ignore[union-attr]
    **{"order_id": "1", "line": "1", "quantity": "1", "amount": "3.50"},
}
REFUND = {
    **dict.fromkeys(RULES.columns.refunds.columns.values(), ""),  # type: ignore[union-attr]
    **{"refund_id": "R1", "order_id": "1", "refunded_at": "2026-11-20T11:00:00Z"},
    "amount": "3.50",
}


def built(**rows: list[dict[str, Any]]) -> SalesDay:
    numbered = {
        name: [ReadRow(row, f"{name}.csv", number) for number, row in enumerate(some, 1)]
        for name, some in rows.items()
    }
    return build_day(DAY, numbered, RULES)


def reasons(found: SalesDay) -> list[str]:
    return [one["reason"] for one in found.rows[SALES_REJECTS]]


amounts = st.integers(-(10**9), 10**9)
texts = st.sampled_from(
    ["", "1", "2", "x", "3.999", "-7", "0.001", "1e3", "EUR", "USD", "nan", "2026-11-20"]
)
USABLE = {
    "orders": ORDER,
    "order_items": LINE,
    "refunds": REFUND,
    "campaign_spend": {
        **dict.fromkeys(RULES.columns.tables["campaign_spend"].all_columns, ""),
        **{"event_date": "2026-11-20", "platform": "ads", "campaign_id": "1", "spend": "2"},
    },
    "consents": {
        **{"customer": "Ana@Cafe.example", "purpose": "mail", "text_version": ""},
        **{"recorded_at": "2026-11-20T10:00:00Z", "state": "denied"},
    },
}
any_rows = st.fixed_dictionaries(
    {
        name: st.lists(st.fixed_dictionaries({}, optional=dict.fromkeys(row, texts)), max_size=4)
        for name, row in USABLE.items()
    }
)


@given(any_rows, st.randoms(use_true_random=False))
def test_each_row_is_in_a_table_or_a_reject_in_any_order(
    changes: dict[str, list[dict[str, str]]], chance: random.Random
) -> None:
    """Also of rows with any text in any column."""
    rows = {
        name: [ReadRow({**row, **one}, name, n) for n, one in enumerate([{}, *changes[name]])]
        for name, row in USABLE.items()
    }
    found = build_day(DAY, rows, RULES)
    rejected = [one["of_table"] for one in found.rows[SALES_REJECTS]]
    for table in DATED_TABLES:
        number = len(rows[table.name]) - rejected.count(table.name)
        assert len(found.rows[table]) == number > 0
    assert "ana@" not in str(found.rows).lower()
    tables = [found.table(table) for table in OF_SALES_DAYS]
    shuffled = {name: chance.sample(some, len(some)) for name, some in rows.items()}
    again = build_day(DAY, shuffled, RULES)
    assert [again.table(table) for table in OF_SALES_DAYS] == tables


@given(
    items=st.lists(st.tuples(amounts, st.integers(0, 500)), max_size=4),
    parts=st.tuples(*[st.integers(0, 10**6)] * 4),
    extra=st.integers(-300, 300),
)
def test_an_order_reconciles_unless_its_parts_miss_the_total(
    items: list[tuple[int, int]], parts: tuple[int, ...], extra: int
) -> None:
    discount, tax, shipping, tip = parts
    total = sum(a - d for a, d in items) - discount + tax + shipping + tip + extra
    money = {"discount": discount, "tax": tax, "shipping": shipping, "tip": tip, "total": total}
    order = {**ORDER, **{name: f"{cents / 100:.2f}" for name, cents in money.items()}}
    lines = [
        {**LINE, "line": str(n), "amount": f"{amount / 100:.2f}", "discount": f"{less / 100:.2f}"}
        for n, (amount, less) in enumerate(items)
    ]
    found = built(orders=[order], order_items=lines)
    differences = order_differences(found)
    if lines:
        assert differences == ([OrderDifference("1", extra)] if extra else [])
    else:
        assert differences is None, "the source has no parts"
    assert totals_of(found).gross_cents == total


@given(st.lists(st.tuples(st.booleans(), st.booleans()), max_size=3))
def test_parts_are_compared_if_any_order_of_the_date_has_some(
    known: list[tuple[bool, bool]],
) -> None:
    """Orders with a sum of their items, or with lines. An export of orders alone has neither."""
    items = RULES.columns.orders.model_copy(  # type: ignore[union-attr]
        update={"columns": {**RULES.columns.orders.columns, "items": "items"}}  # type: ignore[union-attr]
    )
    rules = replace(RULES, columns=RULES.columns.model_copy(update={"orders": items}))
    orders = [
        ReadRow({**ORDER, "order_id": str(n), "items": "3.50" if has_items else ""}, "o", n)
        for n, (has_items, _) in enumerate(known)
    ]
    lines = [
        ReadRow({**LINE, "order_id": str(n)}, "i", n)
        for n, (_, has_lines) in enumerate(known)
        if has_lines
    ]
    found = order_differences(build_day(DAY, {"orders": orders, "order_items": lines}, rules))
    bare = [str(n) for n, parts in enumerate(known) if not any(parts)]
    if known and len(bare) == len(known):
        assert found is None
    else:
        assert found == [OrderDifference(order_id, 350) for order_id in bare]


@each_case(
    "table, change, reason, column",
    [
        ("orders", {"total": "free"}, "value that is no number", "total"),
        ("orders", {"total": ""}, "no value", "total"),
        ("orders", {"total": "9" * 20}, "amount that is too large", "total"),
        ("orders", {"total": "1e3"}, "value that is no number", "total"),
        ("orders", {"total": "1.999"}, "number with unknown separators: set numbers", "total"),
        ("orders", {"total": "0.999"}, "amount with more decimals than its currency", "total"),
        ("orders", {"ordered_at": "20 Nov"}, "value that is no time in ISO 8601", "ordered_at"),
        ("orders", {"ordered_at": "2026-11-20 10:00"}, "time without a zone: set", "ordered_at"),
        ("orders", {"order_id": " "}, "no value", "order_id"),
        ("orders", {"currency": "USD"}, "amount in USD, and the currency is EUR", "currency"),
        ("orders", {"status": "lost"}, "status lost that the column map does not know", "status"),
        ("order_items", {"quantity": "two"}, "value that is no number", "quantity"),
        ("order_items", {"line": "1.5"}, "value that is no whole number", "line"),
        ("order_items", {"amount": ""}, "line without an amount or a price", None),
        ("order_items", {"order_id": "9"}, "line of an order that is missing", None),
        ("refunds", {"amount": "?"}, "value that is no number", "amount"),
        ("campaign_spend", {"event_date": "20 Nov"}, "value that is no date", "event_date"),
        ("campaign_spend", {"clicks": "9" * 30}, "number that is too large", "clicks"),
        ("consents", {"state": ""}, "no value", "state"),
        ("consents", {"customer": ""}, "no value", "customer"),
    ],
)
def test_a_row_that_cannot_be_used_says_why_and_where(
    table: str, change: dict[str, str], reason: str, column: str | None
) -> None:
    rows = {**USABLE, table: {**USABLE[table], **change}}
    found = built(**{name: [row] for name, row in rows.items()})
    reject = found.rows[SALES_REJECTS][0]
    assert reject["reason"].startswith(reason)
    assert (reject["of_table"], reject["column"]) == (table, column)
    wrong = next(iter(change.values())).strip()
    assert reject["value"] == (wrong or None if column not in (None, "currency") else None)


def test_the_second_row_of_an_id_is_a_reject_and_equal_lines_are_kept() -> None:
    """Two of the same cake are two lines; the same order twice is a mistake of the source."""
    cake = {**LINE, "line": "", "amount": "1.75"}
    found = built(orders=[ORDER, ORDER], order_items=[cake, cake], refunds=[REFUND, REFUND])
    assert reasons(found) == ["row whose id another row has"] * 2
    assert [one["line"] for one in found.rows[ORDER_ITEMS]] == [1, 2]
    assert len(found.rows[ORDERS]) == len(found.rows[REFUNDS]) == 1
    assert order_differences(found) == []
    found = built(orders=[{**ORDER, "total": "free"}, ORDER], order_items=[], refunds=[])
    assert [one["total_cents"] for one in found.rows[ORDERS]] == [350]


@given(st.sampled_from(("orders", "order_items", "refunds", "campaign_spend")), st.data())
def test_an_amount_keeps_its_sign(table: str, data: st.DataObject) -> None:
    """A negative refund is a reversal. For a shop that writes refunds as negative, it is turned."""
    money = {one.name for one in FIELDS[table] if one.kind == "money"}
    name = data.draw(st.sampled_from(sorted(money & {*RULES.columns.tables[table].columns})))
    amount = data.draw(amounts)
    rows = {**USABLE, table: {**USABLE[table], name: f"{amount / 100:.2f}"}}
    numbered = {name: [ReadRow(row, name, 1)] for name, row in rows.items()}
    is_turned = data.draw(st.booleans())
    columns = RULES.columns.model_copy(update={"has_negative_refunds": is_turned})
    found = build_day(DAY, numbered, replace(RULES, columns=columns))
    [stored] = [one for of in DATED_TABLES if of.name == table for one in found.rows[of]]
    expected = -amount if is_turned and table == "refunds" else amount
    assert stored[f"{name}_cents"] == expected


@each_case(
    "refunds, expected",
    [
        ([("a", 10, 350)], {}),
        ([("a", 10, 200), ("b", 11, 200), ("c", 12, -50)], {"b": "above its order"}),
        ([("a", 10, 350), ("b", 11, -350), ("c", 12, 350)], {}),
        ([("a", 10, -1)], {"a": "reversed beyond what was refunded"}),
        ([("a", 8, 100)], {"a": "before its order"}),
        ([("a", 10, 100, "9"), ("b", 10, 100, None)], {"a": "of no order", "b": "of no order"}),
        ([("a", 10, 1, "open")], {"a": "above its order"}),
    ],
)
def test_refunds_that_do_not_fit_their_orders_are_named(refunds: Any, expected: Any) -> None:
    orders = [
        {
            "order_id": name,
            "status": status,
            "total_cents": 350,
            "ordered_at": datetime(2026, 1, 1, 9),
        }
        for name, status in (("1", "paid"), ("open", "open"))
    ]
    rows = [
        {"refund_id": name, "refunded_at": datetime(2026, 1, 1, hour), "amount_cents": cents}
        | {"order_id": order[0] if order else "1"}
        for name, hour, cents, *order in refunds
    ]
    assert dict(refund_faults(rows, orders)) == expected


def test_customers_have_a_key_and_no_address() -> None:
    found = built(orders=[{**ORDER, "customer": "Ana@Cafe.example"}])
    [order] = found.rows[ORDERS]
    assert (
        order["customer_key"]
        == built(orders=[{**ORDER, "customer": " ana@cafe.example"}]).rows[ORDERS][0][
            "customer_key"
        ]
    )
    assert "ana" not in str(found.table(ORDERS).to_pylist()).lower()


def test_a_business_date_is_that_of_the_shop() -> None:
    late = {**ORDER, "ordered_at": "2026-11-20T23:30:00Z"}
    rules = SalesRules("shop", RULES.columns, "EUR", store_zone=_zone("Asia/Tokyo"))
    rows = {"orders": [ReadRow(late, "orders.csv", 1)]}
    [order] = build_day(DAY, rows, rules).rows[ORDERS]
    assert order["business_date"] == date(2026, 11, 21)
    assert order["ordered_at"] == datetime(2026, 11, 20, 23, 30)


def _zone(name: str) -> Any:
    from zoneinfo import ZoneInfo

    return ZoneInfo(name)


def test_all_maps_that_come_with_the_library_load() -> None:
    advertising = ["google-ads", "meta-ads"]
    names = ["cafe-lab", "generic", *advertising, "shopify", "us-city-demographics"]
    assert names_of_maps() == names
    assert all(load_map(name, Path()).title for name in names_of_maps())


@pytest.mark.parametrize("currency", ["EUR", *WITHOUT_HUNDREDTHS])
def test_amounts_in_hundredths_are_refused_for_a_currency_without_them(
    tmp_path: Path, currency: str
) -> None:
    text = "\n".join(
        [
            "title = 'x'\namounts = 'hundredths'\n[orders]\nfiles = 'o*.csv'\n[orders.columns]",
            "order_id = 'id'\nordered_at = 'at'\ntotal = 'total'",
        ]
    )
    refused = pytest.raises(UnusableRule, match=f"whole {currency}")
    for amounts in ("hundredths", "units"):
        (tmp_path / "own.toml").write_text(text.replace("hundredths", amounts), encoding="utf-8")
        source = SalesSettings(
            name="till", kind="csv", columns="own.toml", currency=currency, path="exports"
        )
        with nullcontext() if currency == "EUR" or amounts == "units" else refused:
            assert rules_of(Settings(directory=tmp_path), source).currency == currency


@each_case(
    "text, complaint",
    [
        ("title = ", "not valid TOML"),
        ("title = 'x'", "has no table"),
        (
            "title='x'\n[order_items]\ntable='i'\n[order_items.columns]\norder_id='o'\n"
            "quantity='q'",
            "needs .orders.",
        ),
        ("title = 'x'\n[orders]\ntable='o'\n[orders.columns]\ntotal='t'", "lacks order_id"),
        ("title = 'x'\n[orders]\n[orders.columns]\ntotal='t'", "needs table"),
        ("title = 'x'\n[orders]\ntable='o'\n[orders.columns]\ncolour='t'", "no field colour"),
        (
            "title='x'\n[orders]\ntable='o'\n[orders.columns]\norder_id='i'\nordered_at='a'\n"
            "total='t'\nstatus='s'\n[orders.values.status]\ndone='finished'",
            "status can't be finished",
        ),
    ],
)
def test_a_wrong_map_is_refused_with_the_place(tmp_path: Path, text: str, complaint: str) -> None:
    (tmp_path / "own.toml").write_text(text, encoding="utf-8")
    with pytest.raises(UnusableRule, match=complaint):
        load_map("own.toml", tmp_path)
    with pytest.raises(UnusableRule, match="us-city-demographics, or a TOML file"):
        load_map("absent", tmp_path)
