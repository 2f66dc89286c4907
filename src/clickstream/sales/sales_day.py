"""The rows of a source and a date as rows of the tables of sales, with the rejects."""

from __future__ import annotations

import hashlib
import hmac
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa

from clickstream.collect.sales.reader import ReadRow
from clickstream.sales.column_maps import ColumnMap, TableMap
from clickstream.sales.fields import FIELDS
from clickstream.sales.values import BadValue, UtcTime, ValueRules
from clickstream.tables.sales import ORDER_ITEMS, ORDERS, REFUNDS, SALES_REJECTS
from clickstream.tables.table_type import Table

Record = dict[str, Any]
"""A row by field, and then by column of a table."""

_TABLES = {"orders": ORDERS, "order_items": ORDER_ITEMS, "refunds": REFUNDS}
_ZERO_WITHOUT_VALUE = ("discount", "tax", "shipping", "tip", "rounding")


SourceRows = Mapping[str, Sequence[ReadRow]]
"""The rows of a date, by table."""


@dataclass(frozen=True)
class SalesRules:
    """What the rows of a source depend on besides the rows.

    `source` is the name of the source, `columns` its column map, and `currency` that of all its
    amounts. `zone` is the time zone of times without one, `store_zone` that of business days.
    Customers get a key by a keyed hash with `customer_secret`; without it they get none.
    """

    source: str
    columns: ColumnMap
    currency: str
    zone: ZoneInfo | None = None
    store_zone: tzinfo = UTC
    customer_secret: bytes = b""

    @property
    def digest(self) -> str:
        """A digest of what affects rows."""
        texts = (self.columns.model_dump_json(), self.currency, self.zone, self.store_zone)
        secret = hashlib.blake2b(self.customer_secret, digest_size=8).hexdigest()
        return hashlib.blake2b("\0".join(map(str, (*texts, secret))).encode()).hexdigest()[:16]

    @property
    def values(self) -> ValueRules:
        """How single values are read."""
        is_in_units = self.columns.amounts == "units"
        return ValueRules(self.zone, is_in_units, self.columns.time_format)


@dataclass
class SalesDay:
    """The rows of a date: orders, their items, refunds, and rejects, by column of their table."""

    day: date
    rows: dict[Table, list[Record]] = field(
        default_factory=lambda: {t: [] for t in (*_TABLES.values(), SALES_REJECTS)}
    )

    def table(self, table: Table) -> pa.Table:
        """Return the rows of a table, sorted as the table is."""
        at = datetime(self.day.year, self.day.month, self.day.day)
        given = {"event_date": self.day, "hour_at": at}
        rows = sorted(self.rows[table], key=lambda row: tuple(map(_comparable(row), table.sort_by)))
        return pa.Table.from_pylist([{**row, **given} for row in rows], table.arrow_schema())


def _comparable(row: Record) -> Any:
    return lambda name: row[name]


def build_day(day: date, rows: SourceRows, rules: SalesRules) -> SalesDay:
    """Return the tables of a date from the rows of a source; the order of rows has no effect.

    A row that can't be used is a reject with the reason and the column.
    """
    found = SalesDay(day)
    orders = {one["order_id"]: one for one in _records("orders", rows, rules, found)}
    found.rows[ORDERS] = [_order(one, rules) for one in orders.values()]
    items = _records("order_items", rows, rules, found)
    found.rows[ORDER_ITEMS] = [*_items(items, orders, rules, found)]
    refunds = _records("refunds", rows, rules, found)
    found.rows[REFUNDS] = [_refund(one, rules) for one in refunds]
    return found


def _records(name: str, rows: SourceRows, rules: SalesRules, found: SalesDay) -> Iterator[Record]:
    """Yield the usable rows of a table by field; add the others to the rejects."""
    if not (one := rules.columns.tables.get(name)):
        return
    seen: set[tuple[Any, ...]] = set()
    for row in sorted(rows.get(name, ()), key=_place):
        reader = _RowReader(name, one, rules)
        record = reader.read(row)
        identity = reader.identity(record)
        if not reader.problem and identity in seen:
            reader.problem = ("row whose id another row has", None)
        if reader.problem:
            found.rows[SALES_REJECTS].append(reader.reject(record))
            continue
        seen |= {identity} if identity else set()
        yield record


def _place(row: ReadRow) -> tuple[str, int]:
    return row.source_object, row.number


class _RowReader:
    """Reads one row of a source; `problem` is why it can't be used, and in which column."""

    def __init__(self, name: str, one: TableMap, rules: SalesRules) -> None:
        self._name, self._map, self._rules = name, one, rules
        self.problem: tuple[str, str | None] | None = None

    def read(self, row: ReadRow) -> Record:
        """Return the row by field."""
        record: Record = {"source_object": row.source_object, "row_number": row.number}
        values = self._rules.values
        for part in FIELDS[self._name]:
            column = self._map.columns.get(part.name)
            value = row.values[column] if column else self._map.constants.get(part.name)
            if column is None and value is None:
                record[part.name] = None
                continue
            try:
                record[part.name] = values.read(
                    value, part, self._map.values.get(part.name, {}) if column else {}
                )
            except BadValue as error:
                record[part.name] = None
                self.problem = self.problem or (str(error), column)
        self._check_currency(record)
        return record

    def _check_currency(self, record: Record) -> None:
        currency = record.get("currency")
        if currency and currency != self._rules.currency and not self.problem:
            reason = f"amount in {currency[:3]}, and the currency is {self._rules.currency}"
            self.problem = (reason, self._map.columns.get("currency"))

    def identity(self, record: Record) -> tuple[Any, ...]:
        """Return the id of a row; empty for a line without a number."""
        if self._name == "orders":
            return (record["order_id"],)
        if self._name == "refunds":
            return (record["refund_id"],)
        return (record["order_id"], record["line"]) if record["line"] is not None else ()

    def reject(self, record: Record) -> Record:
        """Return the reject of the row."""
        reason, column = self.problem or ("", None)
        return _reject(self._rules, self._name, record, reason, column)


def _reject(
    rules: SalesRules, name: str, record: Record, reason: str, column: str | None = None
) -> Record:
    return {
        "sales_source": rules.source,
        "of_table": name,
        "row_id": record.get("refund_id") or record.get("order_id"),
        "reason": reason,
        "column": column,
        "source_object": record["source_object"],
        "row_number": record["row_number"],
    }


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
        "sold_by": record["sold_by"] or _usual("orders", "sold_by"),
        "status": record["status"] or _usual("orders", "status"),
        "items_cents": record["items"],
        "is_tax_included": bool(record["is_tax_included"]),
        "total_cents": record["total"],
        "customer_key": _customer_key(record["customer"], rules.customer_secret),
        "coupon": record["coupon"],
        "source_object": record["source_object"],
    }


def _common(record: Record, rules: SalesRules) -> Record:
    return {
        "sales_source": rules.source,
        "currency": rules.currency,
        "row_number": record["row_number"],
    }


def _usual(table: str, name: str) -> str:
    """Return the value of a choice of rows without one."""
    return next(one for one in FIELDS[table] if one.name == name).choices[0]


def _customer_key(customer: str | None, secret: bytes) -> str | None:
    if not (customer and secret):
        return None
    return hmac.new(secret, customer.strip().lower().encode(), hashlib.sha256).hexdigest()[:32]


def _items(
    records: Iterable[Record], orders: Mapping[str, Record], rules: SalesRules, found: SalesDay
) -> Iterator[Record]:
    """Yield the lines of orders; lines without a number are numbered in their order of rows."""
    numbers: Counter[str] = Counter()
    for record in records:
        order = record["order_id"]
        if order not in orders:
            reason = "line of an order that is missing or can't be used"
            found.rows[SALES_REJECTS].append(_reject(rules, "order_items", record, reason))
            continue
        numbers[order] += 1
        if (amount := _amount_of_line(record)) is None:
            reason = "line without an amount or a price"
            found.rows[SALES_REJECTS].append(_reject(rules, "order_items", record, reason))
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
    return {
        **_common(record, rules),
        **{name: record[name] for name in ("refund_id", "order_id", "line", "source_object")},
        "refunded_at": moment.at,
        "is_ambiguous_time": moment.is_ambiguous,
        "kind": record["kind"] or _usual("refunds", "kind"),
        "amount_cents": abs(record["amount"]),
        "tax_cents": abs(record["tax"] or 0),
    }
