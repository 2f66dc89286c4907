"""Publish hours, dates of sales, dates of matches, and a source's listings: one protocol.

A publication replaces rows of several tables, in one commit for each table. Commits are the main
cost, so it has many hours of a date, or many dates of a month. It may be killed between two
commits, and possibly no process completes it. So it

1. records a unique mark in place of the version of each entry that it replaces, over the mark of
   any other publication;
2. loads all tables. If one of its marks is gone by then, or the ledger has another version than the
   rows were built from, it raises StaleHour, and the caller builds or reads the rows again;
3. replaces the rows in each table, the ledger last. Iceberg refuses each commit whose rows another
   process has changed since the load, which raises StaleHour, too;
4. records the new version of each entry that still has its mark.

Of two publications at once, the one that began first either finds its mark gone, or it has loaded
the tables before, and Iceberg refuses each of its commits that comes after a commit of the other.
So an entry without a mark is complete. A mark that remains shows an interrupted publication. The
next publication of the entry repeats it: the next run, a retry or `clickstream repair`.

`sales/SOURCE/2026-11.json` has the versions of a month's dates, and `sales_listings/SOURCE.json`
that of the tables without dates, so a run that finds nothing new reads only these. The version of
an hour is in its row of the ledger: `publishing/hours/2026-11-20.json` has only marks, and exists
only while hours of that date have one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import PurePath

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from more_itertools import constrained_batches, split_when

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.hour_ledger import UNPUBLISHED, LedgerRow, ledger_row, rows_of
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.records import RecordStore, Stored
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_CHANGES,
    SESSION_PARTS,
    Table,
)
from clickstream.tables.sales import OF_SALES_DAYS, SALES_LEDGER
from clickstream.tables.sales_listings import LISTING_TABLES
from clickstream.tables.sales_matches import MATCH_TABLES
from clickstream.tables.sessions import COMPARED

MATCHES = "order_matches"
"""The name of the records of matches; the name of no source has an underscore."""

PUBLISHING = "publishing/"
"""Prefix of the marks of hours, and of the session parts that their publications replace."""

_HOURS = f"{PUBLISHING}hours/"
_UNFINISHED = "unfinished"
_REPLACED = ["hour_at", "replaced_at"]


@dataclass(frozen=True)
class Mark:
    """A publication that has not ended: its run, its begin (aware), and the version it replaces."""

    token: str
    run: str
    begun_at: datetime
    replaces: str


Versions = dict[str, Mark | str]
"""A record: the version of each entry, or the mark of its publication."""

_VERSIONS = RecordStore("", Versions)


@dataclass(frozen=True)
class Subject:
    """What a publication replaces: the rows of some tables that have the values of `only`.

    The last table is the ledger. The record `record` has the versions, by entry.
    """

    record: str
    entries: Sequence[str]
    tables: Sequence[Table]
    only: Mapping[str, str] = field(default_factory=dict)


def hours_of(hours: Sequence[Hour]) -> Subject:
    """Return hours of one date."""
    tables = (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER)
    return Subject(f"{_HOURS}{hours[0].event_date}", [*map(str, hours)], tables)


def sales_of(source: str, *days: date) -> Subject:
    """Return the sales of a source on dates of one month."""
    tables, only = (*OF_SALES_DAYS, SALES_LEDGER), {"sales_source": source}
    return Subject(_month_record(source, days[0]), [*map(str, days)], tables, only)


def matches_of(*days: date) -> Subject:
    """Return the matches of all sources on dates of one month."""
    return Subject(_month_record(MATCHES, days[0]), [*map(str, days)], MATCH_TABLES)


def listings_of(source: str) -> Subject:
    """Return the tables without dates of a source; a publication replaces its rows of a date."""
    record = f"sales_listings/{source}"
    return Subject(record, ["listings"], LISTING_TABLES, {"sales_source": source})


def _month_record(source: str, day: date) -> str:
    return f"sales/{source}/{str(day)[:7]}"


def batches_of(
    days: Iterable[date], largest: int, rows_of: Callable[[date], int]
) -> Iterator[list[date]]:
    """Split dates into those that are published at once: of one month, with at most so many rows.

    A date with more rows is alone.
    """
    for month in split_when(
        days, lambda day, after: (day.year, day.month) != (after.year, after.month)
    ):
        yield from map(list, constrained_batches(month, largest, get_len=rows_of, strict=False))


def begin(
    lake: Lake, subject: Subject, run_id: str, replaces: Sequence[str] = ()
) -> tuple[Mapping[str, Mark], Mapping[str, Mark]]:
    """Record the marks of a publication; return them and those they overwrite, by entry.

    `replaces` are the versions that its rows replace, if they are known.
    """
    begun_at, token = datetime.now(UTC), secrets.token_hex(8)
    versions = replaces or [UNPUBLISHED] * len(subject.entries)
    marks = {
        entry: Mark(token, run_id, begun_at, version)
        for entry, version in zip(subject.entries, versions, strict=True)
    }
    former: dict[str, Mark] = {}

    def mark_entries(before: Versions) -> Versions:
        former.clear()
        former.update({e: mark for e in marks if isinstance(mark := before.get(e), Mark)})
        return {**before, **marks}

    _VERSIONS.update(lake, subject.record, {}, mark_entries)
    return marks, former


def _load(
    lake: Lake, subject: Subject, marks: Mapping[str, Mark]
) -> tuple[Mapping[Table, LoadedTable], Stored[Versions] | None]:
    """Load the tables, and after them the record. Raises StaleHour if it lacks one of the marks."""
    tables = {table: iceberg_tables.load(lake, table) for table in subject.tables}
    stored = _VERSIONS.read(lake, subject.record)
    for entry, mark in marks.items():
        if not stored or stored.value.get(entry) != mark:
            raise _overtaken(subject, entry)
    return tables, stored


def _overtaken(subject: Subject, entry: str) -> StaleHour:
    return StaleHour(
        f"{entry} ({subject.tables[-1].name}) was published by another process meanwhile; build or "
        "read it again."
    )


def end(
    lake: Lake,
    subject: Subject,
    versions: Mapping[str, str],
    recorded: Mapping[str, Mark | str],
    stored: Stored[Versions] | None = None,
) -> None:
    """Record versions of the entries that still have what was recorded: their marks of `begin`.

    Or their versions, if their rows need no publication. UNPUBLISHED removes an entry. `stored`
    is the record as the caller has read it.
    """

    def replace(before: Versions) -> Versions:
        own = [e for e, value in recorded.items() if before.get(e, UNPUBLISHED) == value]
        after = {**before, **{entry: versions[entry] for entry in own}}
        return {entry: value for entry, value in after.items() if value}

    _VERSIONS.update(lake, subject.record, {}, replace, stored)


def version_of(lake: Lake, subject: Subject) -> str:
    """Return the recorded version of a subject with one entry; UNPUBLISHED if it has none."""
    [entry] = subject.entries
    stored = _VERSIONS.read(lake, subject.record)
    return _version_text(stored.value.get(entry, UNPUBLISHED)) if stored else UNPUBLISHED


def versions(
    lake: Lake, source: str, first: date | None = None, last: date | None = None
) -> dict[date, str]:
    """Return the version of each date that the lake has of a source, from `first` to `last`."""
    first, last = first or date.min, last or date.max
    begin_record, end_record = _month_record(source, first), _month_record(source, last)
    names = _VERSIONS.names(lake, f"sales/{source}/")
    months = [name for name in names if begin_record <= name <= end_record]
    return {
        day: _version_text(version)
        for month in _VERSIONS.read_all(lake, months)
        for entry, version in (month or {}).items()
        if first <= (day := date.fromisoformat(entry)) <= last
    }


def written_by_month(lake: Lake, source: str) -> dict[str, datetime]:
    """Return when the record of each month, such as `2026-11`, was last written; aware times."""
    listed = objects.listed(lake, f"sales/{source}/")
    return {PurePath(item.key).stem: item.modified_at for item in listed}


def _version_text(version: Mark | str) -> str:
    return _UNFINISHED if isinstance(version, Mark) else version


def is_unfinished(version: str) -> bool:
    """Whether the publication of this version has not ended."""
    return version == _UNFINISHED


def interrupted_hours(lake: Lake, first: Hour | None = None, last: Hour | None = None) -> set[Hour]:
    """Return the hours of a range whose publication has begun and is not complete."""
    return set(interrupted_since(lake, first, last))


def interrupted_since(
    lake: Lake, first: Hour | None = None, last: Hour | None = None
) -> dict[Hour, datetime]:
    """Return the begin of each incomplete publication by hour; the times are aware."""
    records = _VERSIONS.read_all(lake, [*_VERSIONS.names(lake, _HOURS)])
    marks = {
        Hour.parse(entry): mark
        for record in records
        for entry, mark in (record or {}).items()
        if isinstance(mark, Mark)
    }
    return {
        hour: mark.begun_at
        for hour, mark in marks.items()
        if (first or hour) <= hour <= (last or hour) and not _is_complete(lake, hour, mark)
    }


def _is_complete(lake: Lake, hour: Hour, mark: Mark) -> bool:
    """Whether a publication was killed between its last commit and the removal of its mark."""
    row = ledger_row(lake, hour)
    return row.version != mark.replaces and row.values.get("published_by") == mark.run


@dataclass(frozen=True)
class NewRows:
    """The rows of a date that a publication writes, and the version that it records.

    A table that `rows` lacks keeps its rows.
    """

    day: date
    rows: Mapping[Table, pa.Table]
    version: str


def publish(
    lake: Lake,
    subject: Subject,
    run_id: str,
    read: Callable[[Mapping[Table, LoadedTable]], Sequence[NewRows]],
    replaces: Sequence[str] = (),
) -> Sequence[NewRows]:
    """Replace the rows of dates in the tables of a subject, the ledger last; return the new rows.

    `read` gets the loaded tables, and returns the rows of each entry. `replaces` are the
    publications that the dates had when their rows were read; without them, `read` reads the rows
    itself, after the tables were loaded. If another process has published one of the entries since
    the rows were read, or does so meanwhile, StaleHour is raised: read the rows again.
    """
    marks, _ = begin(lake, subject, run_id, replaces)
    tables, stored = _load(lake, subject, marks)
    new = read(tables)
    if replaces:
        days = [of_date.day for of_date in new]
        ledger = tables[subject.tables[-1]].read(Hour.midnight(min(days)), Hour.midnight(max(days)))
        published = publications_in(ledger, subject)
        for day, version in zip(days, replaces, strict=True):
            if published.get(day, UNPUBLISHED) != version:
                raise _overtaken(subject, str(day))
    for table, loaded in tables.items():
        if rows := {of_date.day: of_date.rows[table] for of_date in new if table in of_date.rows}:
            loaded.replace_dates(rows, subject.only)
    versions = dict(zip(subject.entries, (of_date.version for of_date in new), strict=True))
    end(lake, subject, versions, marks, stored)
    return new


def publications_in(ledger: pa.Table, subject: Subject) -> dict[date, str]:
    """Return what identifies a subject's publication of each date in rows of its ledger.

    A date without one is left out.
    """
    rows = [row for row in ledger.to_pylist() if subject.only.items() <= row.items()]
    return {row["event_date"]: LedgerRow(row).version for row in rows}


def ledger_rows(lake: Lake, first: date, last: date) -> pa.Table:
    """Return the rows of the ledger of sales of all sources, from `first` to `last`."""
    ledger = iceberg_tables.load(lake, SALES_LEDGER)
    return ledger.read(Hour.midnight(first), Hour.midnight(last))


@dataclass(frozen=True)
class Replaced:
    """What a publication replaces of an hour: ledger row, session parts, raw objects by key.

    `parts` is None if the hour was not published before, or its parts do not change.
    """

    ledger: LedgerRow
    parts: pa.Table | None
    raw_objects: Mapping[str, Mapping[str, object]]


@dataclass(frozen=True)
class Publication:
    """An hour to publish: the version that its build replaces, and a function that reads its rows.

    `rows` returns those of hits, session_parts or rejects.
    """

    hour: Hour
    version: str
    rows: Callable[[Table], pa.Table]


Audit = Callable[[Sequence[Replaced]], Mapping[str, pa.Table]]
"""Returns the rows of raw_objects, session_changes and hour_ledger by table name.

They are those of a publication that replaces these hours, given in order.
"""


def publish_hours(
    lake: Lake, hours: Sequence[Publication], run_id: str, audit: Audit
) -> tuple[Sequence[Replaced], list[LedgerRow]]:
    """Replace consecutive hours of a date in every table, the ledger last.

    Returns what was replaced of each hour, and its new row of the ledger. Raises StaleHour if
    another process has published one of the hours since its build began, or does so meanwhile.
    """
    first, last = hours[0].hour, hours[-1].hour
    if [publication.hour for publication in hours] != [*hour_range(first, last)]:
        raise ValueError("Only consecutive hours are published as one.")
    subject = hours_of([publication.hour for publication in hours])
    built_from = [publication.version for publication in hours]
    marks, former = begin(lake, subject, run_id, built_from)
    tables, stored = _load(lake, subject, marks)
    published = rows_of(tables[HOUR_LEDGER], first, last)
    before = [published.get(publication.hour, LedgerRow({})) for publication in hours]
    for publication, row in zip(hours, before, strict=True):
        if row.version != publication.version:
            raise _overtaken(subject, str(publication.hour))
    parts = _save_replaced_parts(lake, tables[SESSION_PARTS], hours, former)
    for table in (HITS, SESSION_PARTS, REJECTS):
        tables[table].replace(first, last, *(publication.rows(table) for publication in hours))
    raw_objects: dict[Hour, dict[str, Mapping[str, object]]] = defaultdict(dict)
    for row in tables[RAW_OBJECTS].read(first, last).to_pylist():
        raw_objects[Hour.at(row["hour_at"])][row["raw_object"]] = row
    replaced = [
        Replaced(row, parts.get(publication.hour), raw_objects[publication.hour])
        for publication, row in zip(hours, before, strict=True)
    ]
    rows = audit(replaced)
    tables[RAW_OBJECTS].replace(first, last, rows[RAW_OBJECTS.name])
    changes, recorded = rows[SESSION_CHANGES.name], tables[SESSION_CHANGES]
    if only := _recorded_versions(recorded, published, changes):
        recorded.replace(first, last, changes, only=only)
    tables[HOUR_LEDGER].replace(first, last, rows[HOUR_LEDGER.name])
    needless = {_parts_key(str(hour), published[hour].version) for hour in parts}
    needless |= {_parts_key(entry, mark.replaces) for entry, mark in former.items()}
    objects.delete(lake, sorted(needless))
    end(lake, subject, dict.fromkeys(marks, UNPUBLISHED), marks, stored)
    return replaced, [*map(LedgerRow, rows[HOUR_LEDGER.name].to_pylist())]


def _save_replaced_parts(
    lake: Lake, stored: LoadedTable, hours: Sequence[Publication], former: Mapping[str, Mark]
) -> dict[Hour, pa.Table]:
    """Save the session parts that a publication replaces, and return them by hour.

    They have the columns COMPARED. Hours that were unpublished, or whose parts do not change, are
    left out. An interrupted publication may have replaced the parts of an hour with the same new
    ones; then those that it has saved are returned.
    """
    rebuilt = [publication for publication in hours if publication.version != UNPUBLISHED]
    if not rebuilt:
        return {}
    rows = stored.read(rebuilt[0].hour, rebuilt[-1].hour, ["hour_at", *COMPARED])
    hour_at = rows["hour_at"].to_numpy()
    replaced = {}
    for publication in rebuilt:
        hour = publication.hour
        key = _parts_key(str(hour), publication.version)
        old = select_compared(rows.filter(pa.array(hour_at == np.datetime64(hour.naive))))
        is_changed = old != select_compared(publication.rows(SESSION_PARTS))
        if is_changed and objects.swap(lake, key, _to_parquet(old), None):
            replaced[hour] = old
        elif (is_changed or str(hour) in former) and (saved := objects.get(lake, key)):
            replaced[hour] = pq.read_table(BytesIO(saved.body), page_checksum_verification=True)
    return replaced


def _to_parquet(parts: pa.Table) -> bytes:
    file = BytesIO()
    pq.write_table(
        parts,
        file,
        compression="zstd",
        use_dictionary=False,
        write_statistics=False,
        write_page_checksum=True,
    )
    return file.getvalue()


def select_compared(parts: pa.Table) -> pa.Table:
    """Select the columns of session parts that show whether a session has changed."""
    schema = SESSION_PARTS.arrow_schema()
    return parts.select(COMPARED).cast(pa.schema(map(schema.field, COMPARED)))


def _parts_key(hour: str, version: str) -> str:
    digest = hashlib.blake2b(version.encode(), digest_size=8).hexdigest()
    return f"{PUBLISHING}parts/{hour}-{digest}.parquet"


def _recorded_versions(
    stored: LoadedTable, before: Mapping[Hour, LedgerRow], changes: pa.Table
) -> list[Mapping[str, str]]:
    """Return the replaced versions with session changes: new ones, or those of an earlier attempt.

    Most publications record nothing. `before` has the rows of the hours that were published.
    """
    if not before:
        return []
    versions = {(row.values["hour_at"], row.values["published_at"]) for row in before.values()}
    earlier = stored.read(min(before), max(before), _REPLACED)
    recorded = pa.concat_tables([earlier, changes.select(_REPLACED)]).group_by(_REPLACED)
    pairs = {(row["hour_at"], row["replaced_at"]) for row in recorded.aggregate([]).to_pylist()}
    return [
        {"hour_at": hour_at.isoformat(), "replaced_at": replaced_at.isoformat()}
        for hour_at, replaced_at in sorted(versions & pairs)
    ]
