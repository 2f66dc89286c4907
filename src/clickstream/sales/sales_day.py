"""The rows of a source and a date as rows of the tables of sales, with the rejects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

import pyarrow as pa

from clickstream.sales.campaign_tags import tags_of
from clickstream.sales.row_reader import (
    Record,
    SalesRules,
    SourceRows,
    reject_of,
    usable_rows,
    usual_value,
)
from clickstream.sales.value_checks import UtcTime
from clickstream.tables.sales import (
    CAMPAIGN_SPEND,
    CONSENTS,
    OF_SALES_DAYS,
    ORDER_ITEMS,
    ORDERS,
    REFUNDS,
    SALES_REJECTS,
)
from clickstream.tables.table_type import Table

_ZERO_WITHOUT_VALUE = ("discount", "tax", "shipping", "tip", "rounding")


@dataclass
class SalesDay:
    """The rows of a date: those of each table and the rejects, by column of their table."""

    day: date
    rows: dict[Table, list[Record]] = field(
        default_factory=lambda: {table: [] for table in OF_SALES_DAYS}
    )

    def table(self, table: Table) -> pa.Table:
        """Return the rows of a table, sorted as the table is."""
        at = datetime(self.day.year, self.day.month, self.day.day)
        given = {"event_date": self.day, "hour_at": at}
        rows = sorted(self.rows[table], key=lambda row: [row[name] for name in table.sort_by])
        return pa.Table.from_pylist([{**row, **given} for row in rows], table.arrow_schema())


def build_day(day: date, rows: SourceRows, rules: SalesRules) -> SalesDay:
    """Return the tables of a date from the rows of a source; the order of rows has no effect.

    A row that can't be used is a reject with the reason and the column.
    """
    sales_day = SalesDay(day)
    rejects = sales_day.rows[SALES_REJECTS]
    orders = {record["order_id"]: record for record in usable_rows("orders", rows, rules, rejects)}
    sales_day.rows[ORDERS] = [_order(record, rules) for record in orders.values()]
    items = usable_rows("order_items", rows, rules, rejects)
    sales_day.rows[ORDER_ITEMS] = [*_items(items, orders, rules, sales_day)]
    for table, build in ((REFUNDS, _refund), (CAMPAIGN_SPEND, _spend), (CONSENTS, _consent)):
        usable = usable_rows(table.name, rows, rules, rejects)
        sales_day.rows[table] = [build(record, rules) for record in usable]
    return sales_day


def _order(record: Record, rules: SalesRules) -> Record:
    moment: UtcTime = record["ordered_at"]
    local = moment.at.replace(tzinfo=UTC).astimezone(rules.store_zone)
    return {
        **_common(record, rules),
        **{f"{name}_cents": record[name] or 0 for name in _ZERO_WITHOUT_VALUE},
        "order_id": record["order_id"],
        "order_number": record["order_number"] or record["order_id"],
        "ordered_at": moment.at,
        "is_ambiguous_time": moment.is_ambiguous,
        "business_date": local.date(),
        "store_id": record["store_id"],
        "sold_by": record["sold_by"] or usual_value("orders", "sold_by"),
        "status": record["status"] or usual_value("orders", "status"),
        "items_cents": record["items"],
        "is_tax_included": bool(record["is_tax_included"]),
        "total_cents": record["total"],
        "customer_key": rules.customer_key(record["customer"]),
        "coupon": record["coupon"],
        "source_object": record["source_object"],
    }


def _common(record: Record, rules: SalesRules) -> Record:
    return {
        "sales_source": rules.source,
        "currency": rules.currency,
        "row_number": record["row_number"],
    }


def _items(
    records: Iterable[Record], orders: Mapping[str, Record], rules: SalesRules, sales_day: SalesDay
) -> Iterator[Record]:
    """Yield the lines of orders; lines without a number are numbered in their order of rows."""
    numbers: Counter[str] = Counter()
    for record in records:
        order = record["order_id"]
        if order not in orders:
            reason = "line of an order that is missing or can't be used"
            sales_day.rows[SALES_REJECTS].append(reject_of(rules, "order_items", record, reason))
            continue
        numbers[order] += 1
        if (amount := _amount_of_line(record)) is None:
            reason = "line without an amount or a price"
            sales_day.rows[SALES_REJECTS].append(reject_of(rules, "order_items", record, reason))
            continue
        yield {
            **_common(record, rules),
            **{name: record[name] for name in ("order_id", "item_id", "name_as_sold", "quantity")},
            "line": record["line"] if record["line"] is not None else numbers[order],
            "price_cents": record["price"],
            "discount_cents": record["discount"] or 0,
            "tax_cents": record["tax"] or 0,
            "amount_cents": amount,
        }


def _amount_of_line(record: Record) -> int | None:
    """Return the amount of a line, or its price times its quantity; None without both."""
    amount, price = record["amount"], record["price"]
    if amount is not None or price is None:
        return None if amount is None else int(amount)
    return round(int(price) * float(record["quantity"]))


def _refund(record: Record, rules: SalesRules) -> Record:
    moment: UtcTime = record["refunded_at"]
    sign = -1 if rules.columns.has_negative_refunds else 1
    return {
        **_common(record, rules),
        **{name: record[name] for name in ("refund_id", "order_id", "line", "source_object")},
        "refunded_at": moment.at,
        "is_ambiguous_time": moment.is_ambiguous,
        "kind": record["kind"] or usual_value("refunds", "kind"),
        "amount_cents": sign * record["amount"],
        "tax_cents": sign * (record["tax"] or 0),
    }


def _spend(record: Record, rules: SalesRules) -> Record:
    names = ("platform", "account", "campaign_id", "impressions", "clicks", "source_object")
    return {
        **_common(record, rules),
        **{name: record[name] for name in names},
        **tags_of(record, rules.campaign_tags),
        "spend_cents": record["spend"],
    }


def _consent(record: Record, rules: SalesRules) -> Record:
    moment: UtcTime = record["recorded_at"]
    return {
        **{name: record[name] for name in ("purpose", "state", "text_version", "source_object")},
        "sales_source": rules.source,
        "row_number": record["row_number"],
        "customer_key": rules.customer_key(record["customer"]),
        "recorded_at": moment.at,
        "is_ambiguous_time": moment.is_ambiguous,
    }
