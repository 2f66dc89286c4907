"""Rows of a source by field: each row of a table is usable, or a reject with its reason.

`sales_day` and `listings` build the rows of the lake's tables from them.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any
from zoneinfo import ZoneInfo

from clickstream.collect.sales.reader import ReadRow
from clickstream.sales.campaign_tags import CampaignTags
from clickstream.sales.column_maps import ColumnMap, TableMap
from clickstream.sales.fields import (
    FIELDS,
    KEYS,
    LISTINGS,
    ROW_IDS,
    TIMES,
    SalesField,
    field_of,
)
from clickstream.sales.value_checks import BadValue, ValueRules
from clickstream.settings.sales import WITHOUT_HUNDREDTHS

Record = dict[str, Any]
"""A row by field, and then by column of a table."""

SourceRows = Mapping[str, Sequence[ReadRow]]
"""Rows of a source, by table."""


@dataclass(frozen=True)
class SalesRules:
    """What the rows of a source depend on besides the rows.

    `source` is the name of the source, `columns` its column map, and `currency` that of all its
    amounts. `zone` is the time zone of times without one, `store_zone` that of business days.
    Customers get a key by a keyed hash with `customer_secret`; without it they get none.
    `campaign_tags` has the tags of campaigns by their id or name.
    """

    source: str
    columns: ColumnMap
    currency: str
    zone: ZoneInfo | None = None
    store_zone: tzinfo = UTC
    customer_secret: bytes = b""
    campaign_tags: CampaignTags = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """A digest of what affects rows."""
        texts = (self.columns.model_dump_json(), self.currency, self.zone, self.store_zone)
        tags = sorted((name, *campaign.items()) for name, campaign in self.campaign_tags.items())
        secret = hashlib.blake2b(self.customer_secret, digest_size=8).hexdigest()
        content = "\0".join(map(str, (*texts, secret, *tags)))
        return hashlib.blake2b(content.encode()).hexdigest()[:16]

    @property
    def values(self) -> ValueRules:
        """How single values are read."""
        columns = self.columns
        return ValueRules(
            self.zone,
            columns.amounts == "units",
            columns.time_format,
            columns.date_format,
            columns.numbers,
            columns.no_value,
            0 if self.currency in WITHOUT_HUNDREDTHS else 2,
        )

    def customer_key(self, customer: str | None) -> str | None:
        """Return the key of a customer's id or mail address; None without one."""
        if not (customer and self.customer_secret):
            return None
        text = _normal(customer).encode()
        return hmac.new(self.customer_secret, text, hashlib.sha256).hexdigest()[:32]


def _normal(customer: str) -> str:
    """Return the form of a customer's id or mail address that is compared and hashed."""
    return customer.strip().lower()


def usable_rows(
    name: str, rows: SourceRows, rules: SalesRules, rejects: list[Record]
) -> Iterator[Record]:
    """Yield the usable rows of a table by field, and add the others to the rejects.

    The order of the rows has no effect. Of rows with one id the first is usable, and none if an
    earlier date has the id; in a table without dates, equal rows count once. A row with several
    measures is a row for each that has a value.
    """
    if not (table := rules.columns.tables.get(name)):
        return
    seen: dict[tuple[Any, ...], Record] = {}
    for row, map_of_row in _rows_with_maps(table, rows.get(name, ())):
        reader = _RowReader(name, map_of_row, rules)
        record = reader.read(row)
        if record.get("measure") and record["value"] is None and not reader.problem:
            continue
        identity = _identity(name, record)
        if not reader.problem and (first := seen.get(identity)):
            if name in LISTINGS and _values(name, first) == _values(name, record):
                continue
            reader.problem = ("row whose id another row has", None, None)
        if reader.problem:
            rejects.append(reject_of(rules, name, record, *reader.problem))
            continue
        if identity:
            seen[identity] = record
        yield record


def _rows_with_maps(table: TableMap, rows: Sequence[ReadRow]) -> Iterator[tuple[ReadRow, TableMap]]:
    maps = table.of_measures
    for row in sorted(rows, key=lambda row: (row.source_object, row.number)):
        yield from ((row, map_of_row) for map_of_row in maps)


def _identity(name: str, record: Record) -> tuple[Any, ...]:
    """Return the id of a row; empty for a line without a number."""
    identity = tuple(record[key] for key in KEYS[name])
    return () if name == "order_items" and record["line"] is None else identity


def _values(name: str, record: Record) -> list[Any]:
    return [record[field.name] for field in FIELDS[name]]


class _RowReader:
    """Reads one row of a source; `problem` is why it can't be used, the column and its value."""

    def __init__(self, name: str, table: TableMap, rules: SalesRules) -> None:
        self._name, self._map, self._rules = name, table, rules
        self.problem: tuple[str, str | None, Any] | None = None

    def read(self, row: ReadRow) -> Record:
        """Return the row by field."""
        record: Record = {"source_object": row.source_object, "row_number": row.number}
        for part in FIELDS[self._name]:
            record[part.name] = self._value(row, part)
        self._check_currency(record)
        if record.get("customer"):
            record["customer"] = _normal(record["customer"])
        if self._name == "demographics":
            record["place_id"] = record["place_id"] or self._place(record)
        if row.earlier and not self.problem:
            day, (first, other) = record[TIMES[self._name]].at.date(), row.earlier
            here = "" if row.source_object == other else f" in {row.source_object}"
            there = f" in {other}" if here else ""
            reason = f"row of {day}{here} with the id of a row of {first}{there}"
            self.problem = (reason, None, None)
        return record

    def _value(self, row: ReadRow, field: SalesField) -> Any:
        column = self._map.columns.get(field.name)
        value = row.values[column] if column else self._map.constants.get(field.name)
        if column is None and value is None:
            return None
        names = self._map.values.get(field.name, {}) if column else {}
        try:
            return self._rules.values.read(value, field, names)
        except BadValue as error:
            shown = None if field.name == "customer" else value
            self.problem = self.problem or (str(error), column, shown)
            return None

    def _check_currency(self, record: Record) -> None:
        currency = record.get("currency")
        if currency and currency != self._rules.currency and not self.problem:
            reason = f"amount in {currency[:3]}, and the currency is {self._rules.currency}"
            self.problem = (reason, self._map.columns.get("currency"), None)

    def _place(self, record: Record) -> str | None:
        """Return the id of a place without one: its country, region and name."""
        if not record["name"]:
            self.problem = self.problem or ("place without an id or a name", None, None)
        return "/".join(filter(None, (record["country"], record["region"], record["name"]))) or None


_LONGEST_VALUE = 40
"""Characters of a wrong value that a reject has."""


def reject_of(
    rules: SalesRules,
    name: str,
    record: Record,
    reason: str,
    column: str | None = None,
    value: Any = None,
) -> Record:
    """Return the reject of a row; `column` is that of the source with the wrong `value`."""
    row_id = record.get(ROW_IDS.get(name, "")) or record.get("order_id")  # of a refund without id
    return {
        "sales_source": rules.source,
        "of_table": name,
        "row_id": None if row_id is None else str(row_id),
        "reason": reason,
        "column": column,
        "value": None if value is None else str(value).strip()[:_LONGEST_VALUE] or None,
        "source_object": record["source_object"],
        "row_number": record["row_number"],
    }


def usual_value(table: str, name: str) -> str:
    """Return the value of a choice of rows without one."""
    return field_of(table, name).choices[0]
