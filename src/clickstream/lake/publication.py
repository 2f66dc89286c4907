"""Publications: replace or remove hours in every table, commit after commit, the ledger last.

One commit replaces the rows of one or more consecutive hours in a table, because commits are the
main cost. `intents` describes the state that a killed publication leaves. `pipeline.publish` calls
this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from clickstream.errors import StaleHour
from clickstream.hours import Hour, hour_range
from clickstream.lake.client import Lake
from clickstream.lake.hour_ledger import LedgerRow, rows_of
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.intents import PublicationIntents
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_CHANGES,
    SESSION_PARTS,
    Table,
)

_REPLACED = ["hour_at", "replaced_at"]


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


def start_publication(lake: Lake, hours: Sequence[Publication], run_id: str) -> StartedPublication:
    """Replace consecutive hours in the tables of rows, and return what they replace.

    All tables are loaded first, then the hours' versions are compared with those at the start of
    their builds. If another process published an hour before the loads, the version differs; if it
    does so after the loads, Iceberg refuses the overwrite. In both cases StaleHour is raised, and
    the caller builds the hours again.
    """
    intents = PublicationIntents(lake, {one.hour: one.version for one in hours}, run_id)
    intents.write()
    new = {one.hour: one for one in hours}
    parts = intents.save_replaced_parts(lambda hour: new[hour].rows(SESSION_PARTS))
    tables = _Tables(lake, hours[0].hour, hours[-1].hour)
    before = tables.ledger_rows()
    if [*before] != [one.hour for one in hours]:
        raise ValueError("Only consecutive hours are published as one.")
    existing = intents.list_keys()
    moved = [one.hour for one in hours if before[one.hour].version != one.version]
    if stale := moved or intents.overtaken_hours(existing):
        raise StaleHour(
            f"Hour {stale[0]} was published by another process meanwhile; build it again."
        )
    parts |= intents.saved_by_others(existing, parts.keys())
    for table in (HITS, SESSION_PARTS, REJECTS):
        tables.replace(table, *(one.rows(table) for one in hours))
    known = tables.raw_objects()
    replaced = [Replaced(before[hour], parts.get(hour), known[hour]) for hour in before]
    return StartedPublication(replaced, intents, tables)


@dataclass(frozen=True)
class StartedPublication:
    """A publication whose rows are committed, but not its audit rows and the ledger.

    `replaced` is what it replaces of each hour, in order.
    """

    replaced: Sequence[Replaced]
    _intents: PublicationIntents
    _tables: _Tables

    def complete(self, audit: Mapping[str, pa.Table]) -> list[LedgerRow]:
        """Commit the audit rows, the ledger last; return the new rows of the ledger, in order.

        `audit` has the rows of raw_objects, session_changes and hour_ledger, by table name.
        """
        self._tables.replace(RAW_OBJECTS, audit[RAW_OBJECTS.name])
        self._tables.record_changes(self.replaced, audit[SESSION_CHANGES.name])
        self._tables.replace(HOUR_LEDGER, audit[HOUR_LEDGER.name])
        self._intents.remove()
        return [*map(LedgerRow, audit[HOUR_LEDGER.name].to_pylist())]


class _Tables:
    """The rows of a range of hours in all tables, loaded at one moment."""

    def __init__(self, lake: Lake, first: Hour, last: Hour) -> None:
        self._first, self._last = first, last
        self._loaded = {
            table.name: iceberg_tables.load(lake, table)
            for table in (HOUR_LEDGER, HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES)
        }

    def ledger_rows(self) -> dict[Hour, LedgerRow]:
        """Return each hour's row in the ledger, in order; an empty one for an unpublished hour."""
        there = rows_of(self._loaded[HOUR_LEDGER.name], self._first, self._last)
        hours = hour_range(self._first, self._last)
        return {hour: there.get(hour, LedgerRow({})) for hour in hours}

    def raw_objects(self) -> Mapping[Hour, Mapping[str, Mapping[str, object]]]:
        """Return the recorded raw objects of each hour, by key."""
        known: dict[Hour, dict[str, Mapping[str, object]]] = defaultdict(dict)
        for row in self._loaded[RAW_OBJECTS.name].read(self._first, self._last).to_pylist():
            known[Hour.at(row["hour_at"])][row["raw_object"]] = row
        return known

    def replace(self, table: Table, *rows: pa.Table) -> None:
        """Replace the rows of all hours in a table, in one commit."""
        self._loaded[table.name].replace(self._first, self._last, *rows)

    def record_changes(self, before: Sequence[Replaced], rows: pa.Table) -> None:
        """Replace the changes that an earlier attempt of the same publication recorded.

        Most publications record nothing.
        """
        ledger = [one.ledger.values for one in before if one.ledger.values]
        if not ledger:
            return
        stored = self._loaded[SESSION_CHANGES.name].read(self._first, self._last, _REPLACED)
        recorded = pa.concat_tables([stored, rows.select(_REPLACED)]).group_by(_REPLACED)
        versions = {(row["hour_at"], row["published_at"]) for row in ledger}
        known = recorded.aggregate([]).to_pylist()
        again = versions & {(row["hour_at"], row["replaced_at"]) for row in known}
        only = [
            {"hour_at": hour_at.isoformat(), "replaced_at": replaced_at.isoformat()}
            for hour_at, replaced_at in sorted(again)
        ]
        if only:
            self._loaded[SESSION_CHANGES.name].replace(self._first, self._last, rows, only=only)
