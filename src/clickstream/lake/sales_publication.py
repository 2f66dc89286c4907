"""Publish sales of a date, matches of a date, or a source's listings, all by one protocol.

A publication records a unique mark in place of the version of what it replaces, loads all tables,
replaces the rows in each, the ledger last, and records the new version if its mark is still
recorded. So a publication that is killed, or that another one overtakes, leaves a mark, and the
next run repeats it, also if the source has no rows of the date any more. A run that finds nothing
new reads only these records: `sales/SOURCE/2026-11.json` has the versions of a month's dates, and
`sales_listings/SOURCE.json` that of the tables without dates.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath

import pyarrow as pa

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.records import RecordStore
from clickstream.tables import Table
from clickstream.tables.sales import OF_SALES_DAYS, SALES_LEDGER
from clickstream.tables.sales_listings import LISTING_TABLES
from clickstream.tables.sales_matches import MATCH_TABLES

UNPUBLISHED = ""

MATCHES = "order_matches"
"""The name of the records of matches; the name of no source has an underscore."""

_VERSIONS = RecordStore("", dict[str, str])
_MARK = "unfinished "
"""How the mark of a publication begins, instead of a version."""


@dataclass(frozen=True)
class Subject:
    """What a publication replaces: the rows of some tables that have the values of `only`.

    The last table is the ledger. The version is the entry `entry` of the record `record`.
    """

    record: str
    entry: str
    tables: Sequence[Table]
    only: Mapping[str, str]


def sales_of(source: str, day: date) -> Subject:
    """Return the sales of a source on a date."""
    tables = (*OF_SALES_DAYS, SALES_LEDGER)
    return Subject(_month_record(source, day), str(day), tables, {"sales_source": source})


def matches_of(day: date) -> Subject:
    """Return the matches of all sources on a date."""
    return Subject(_month_record(MATCHES, day), str(day), MATCH_TABLES, {})


def listings_of(source: str) -> Subject:
    """Return the tables without dates of a source; a publication replaces its rows of a date."""
    record = f"sales_listings/{source}"
    return Subject(record, "listings", LISTING_TABLES, {"sales_source": source})


def _month_record(source: str, day: date) -> str:
    return f"sales/{source}/{str(day)[:7]}"


@dataclass(frozen=True)
class NewRows:
    """The rows that a publication writes, all of one date, and the version that it records.

    A table that `rows` lacks keeps its rows.
    """

    day: date
    rows: Mapping[Table, pa.Table]
    version: str


def publish(
    lake: Lake,
    subject: Subject,
    read: Callable[[Mapping[Table, LoadedTable]], NewRows],
    replaces: str | None = None,
) -> NewRows:
    """Replace the rows of a date in the tables of a subject, the ledger last; return the new rows.

    `read` gets the loaded tables. `replaces` is the publication that the date had when its rows
    were read; without it, `read` reads them itself, after the tables were loaded. If another
    process has published the subject since the rows were read, or does so meanwhile, StaleHour is
    raised: read the rows again.
    """
    mark = begin(lake, subject)
    tables = {table: iceberg_tables.load(lake, table) for table in subject.tables}
    new = read(tables)
    first, last = Hour.midnight(new.day), Hour.midnight(new.day).plus(23)
    if replaces is not None:
        ledger = tables[subject.tables[-1]].read(first, last)
        if publication_in(ledger, subject) != replaces:
            raise StaleHour(
                f"{new.day} of {subject.record} was published by another process; read it again."
            )
    for table, loaded in tables.items():
        if table in new.rows:
            only = [subject.only] if subject.only else ()
            loaded.replace(first, last, new.rows[table], only=only)
    end(lake, subject, new.version, mark)
    return new


def publication_in(ledger: pa.Table, subject: Subject) -> str:
    """Return what identifies a subject's publication in its ledger's rows of a date.

    UNPUBLISHED if it has none.
    """
    rows = [row for row in ledger.to_pylist() if subject.only.items() <= row.items()]
    return f"{rows[0]['published_at']} {rows[0]['published_by']}" if rows else UNPUBLISHED


def ledger_rows(lake: Lake, first: date, last: date) -> pa.Table:
    """Return the rows of the ledger of sales of all sources, from `first` to `last`."""
    ledger = iceberg_tables.load(lake, SALES_LEDGER)
    return ledger.read(Hour.midnight(first), Hour.midnight(last))


def begin(lake: Lake, subject: Subject) -> str:
    """Record that a publication begins, and return its mark for `end`."""
    mark = f"{_MARK}{secrets.token_hex(8)}"
    _record(lake, subject, mark)
    return mark


def end(lake: Lake, subject: Subject, version: str, mark: str) -> None:
    """Record the published version, unless another publication has begun since.

    `mark` is that of `begin`, or the recorded version of a date whose rows need no publication.
    """
    _record(lake, subject, version, only_after=mark)


def _record(lake: Lake, subject: Subject, version: str, only_after: str = "") -> None:
    def change(before: dict[str, str]) -> dict[str, str]:
        if only_after and before.get(subject.entry) != only_after:
            return before
        return {**before, subject.entry: version}

    _VERSIONS.update(lake, subject.record, {}, change)


def version_of(lake: Lake, subject: Subject) -> str:
    """Return the recorded version or mark of a subject; UNPUBLISHED if it has none."""
    stored = _VERSIONS.read(lake, subject.record)
    return stored.value.get(subject.entry, UNPUBLISHED) if stored else UNPUBLISHED


def versions(
    lake: Lake, source: str, first: date | None = None, last: date | None = None
) -> dict[date, str]:
    """Return the version of each date that the lake has of a source, from `first` to `last`."""
    first, last = first or date.min, last or date.max
    begin_record, end_record = _month_record(source, first), _month_record(source, last)
    names = _VERSIONS.names(lake, f"sales/{source}/")
    months = [name for name in names if begin_record <= name <= end_record]
    return {
        day: version
        for month in _VERSIONS.read_all(lake, months)
        for entry, version in (month or {}).items()
        if first <= (day := date.fromisoformat(entry)) <= last
    }


def written_by_month(lake: Lake, source: str) -> dict[str, datetime]:
    """Return when the record of each month, such as `2026-11`, was last written; aware times."""
    listed = objects.listed(lake, f"sales/{source}/")
    return {PurePath(item.key).stem: item.modified_at for item in listed}


def is_unfinished(version: str) -> bool:
    """Whether a recorded version is the mark of a publication that has not ended."""
    return version.startswith(_MARK)
