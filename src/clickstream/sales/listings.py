"""The tables without dates of a source: their rows now, and the versions that differ from earlier.

`pipeline.sales.listings` calls this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from clickstream.sales.fields import FIELDS
from clickstream.sales.row_reader import Record, SalesRules, SourceRows, usable_rows, usual_value
from clickstream.tables.sales_listings import LISTING_REJECTS, VERSIONED_TABLES
from clickstream.tables.table_type import Table

_NOT_OF_A_VERSION = ("event_date", "hour_at", "is_removed")


@dataclass
class Listings:
    """The rows of a source's tables without dates, by column of their table, and the rejects.

    A table that the source does not have is missing, unlike one without rows.
    """

    rows: dict[Table, list[Record]] = field(default_factory=dict)
    rejects: list[Record] = field(default_factory=list)

    @property
    def digest(self) -> str:
        """A digest of all rows and rejects; the order of rows has no effect."""
        by_table = {**self.rows, LISTING_REJECTS: self.rejects}
        texts = [f"{table.name} {row}" for table, rows in by_table.items() for row in rows]
        names = ",".join(table.name for table in self.rows)
        return hashlib.blake2b("\n".join([names, *sorted(texts)]).encode()).hexdigest()[:32]


def build_listings(rows: SourceRows, rules: SalesRules) -> Listings:
    """Return the tables of the rows of a source; the order of rows has no effect."""
    listings = Listings()
    for table in VERSIONED_TABLES:
        if table.name in rows:
            usable = usable_rows(table.name, rows, rules, listings.rejects)
            listings.rows[table] = [_listed(table, record, rules) for record in usable]
    return listings


def _listed(table: Table, record: Record, rules: SalesRules) -> Record:
    """Return a row of a table; fields with amounts are columns of hundredths."""
    row: Record = {"sales_source": rules.source}
    for column in FIELDS[table.name]:
        value = record[column.name]
        if column.kind == "money":
            row[f"{column.name}_cents"] = value
        else:
            is_choice = value is None and column.kind == "choice"
            row[column.name] = usual_value(table.name, column.name) if is_choice else value
    return {**row, "currency": rules.currency} if "currency" in row else row


def new_versions(
    table: Table, versions: Sequence[Record], current: Iterable[Record], day: date
) -> list[Record]:
    """Return the versions of a date: what differs between `current` and the versions before it.

    `versions` are those of the source's rows of any dates; those of the date itself and later have
    no effect. A row that is gone has a version with its last values, which `is_removed`.
    """
    before = latest_versions(table, [row for row in versions if row["event_date"] < day])
    now = {_key(table, row): row for row in current}
    changed = [row for key, row in now.items() if row != before.get(key)]
    removed = [row for key, row in before.items() if key not in now]
    return [
        *({**row, "is_removed": False} for row in changed),
        *({**row, "is_removed": True} for row in removed),
    ]


def latest_versions(table: Table, versions: Iterable[Record]) -> dict[tuple[object, ...], Record]:
    """Return the latest version of each row by its key, without those that are removed."""
    latest: dict[tuple[object, ...], Record] = {}
    for version in sorted(versions, key=lambda row: row["event_date"]):
        row = {name: value for name, value in version.items() if name not in _NOT_OF_A_VERSION}
        latest.pop(_key(table, row), None)
        if not version["is_removed"]:
            latest[_key(table, row)] = row
    return latest


def _key(table: Table, row: Record) -> tuple[object, ...]:
    return tuple(row[name] for name in table.sort_by)
