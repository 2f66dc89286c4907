"""Publish hours: replace them in every table, commit after commit, the ledger last.

One commit replaces the rows of one or more consecutive hours in a table, because commits are the
main cost. `intents` describes the state that a killed publication leaves. The protocol is that of
`sales_publication` with two differences. An hour has an intent for each attempt, not one mark,
because a retry needs the session parts that the first attempt replaced. And its audit rows are
computed in the middle, from what the publication replaces. `pipeline.publish` calls this module.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour, hour_range
from clickstream.lake.client import Lake
from clickstream.lake.hour_ledger import LedgerRow, rows_of
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
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

_TABLES = (HOUR_LEDGER, HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES)
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


Audit = Callable[[Sequence[Replaced]], Mapping[str, pa.Table]]
"""Returns the rows of raw_objects, session_changes and hour_ledger by table name.

They are those of a publication that replaces these hours, given in order.
"""


def publish_hours(
    lake: Lake, hours: Sequence[Publication], run_id: str, audit: Audit
) -> tuple[Sequence[Replaced], list[LedgerRow]]:
    """Replace consecutive hours in every table, the ledger last.

    Returns what was replaced of each hour, and its new row of the ledger.

    All tables are loaded first, then the hours' versions are compared with those at the start of
    their builds. If another process published an hour before the loads, the version differs; if it
    does so after the loads, Iceberg refuses the overwrite. In both cases StaleHour is raised, and
    the caller builds the hours again.
    """
    intents = PublicationIntents(
        lake, {publication.hour: publication.version for publication in hours}, run_id
    )
    intents.write()
    new = {publication.hour: publication for publication in hours}
    parts = intents.save_replaced_parts(lambda hour: new[hour].rows(SESSION_PARTS))
    first, last = hours[0].hour, hours[-1].hour
    tables = {table: iceberg_tables.load(lake, table) for table in _TABLES}
    published = rows_of(tables[HOUR_LEDGER], first, last)
    before = {hour: published.get(hour, LedgerRow({})) for hour in hour_range(first, last)}
    if [*before] != [publication.hour for publication in hours]:
        raise ValueError("Only consecutive hours are published as one.")
    existing = intents.list_keys()
    moved = [
        publication.hour
        for publication in hours
        if before[publication.hour].version != publication.version
    ]
    if stale := moved or intents.overtaken_hours(existing):
        raise StaleHour(
            f"Hour {stale[0]} was published by another process meanwhile; build it again."
        )
    parts |= intents.saved_by_others(existing, parts.keys())
    for table in (HITS, SESSION_PARTS, REJECTS):
        tables[table].replace(first, last, *(publication.rows(table) for publication in hours))
    raw_objects: dict[Hour, dict[str, Mapping[str, object]]] = defaultdict(dict)
    for row in tables[RAW_OBJECTS].read(first, last).to_pylist():
        raw_objects[Hour.at(row["hour_at"])][row["raw_object"]] = row
    replaced = [Replaced(before[hour], parts.get(hour), raw_objects[hour]) for hour in before]
    rows = audit(replaced)
    tables[RAW_OBJECTS].replace(first, last, rows[RAW_OBJECTS.name])
    changes, stored = rows[SESSION_CHANGES.name], tables[SESSION_CHANGES]
    if only := _recorded_versions(stored, before, changes):
        stored.replace(first, last, changes, only=only)
    tables[HOUR_LEDGER].replace(first, last, rows[HOUR_LEDGER.name])
    intents.remove()
    return replaced, [*map(LedgerRow, rows[HOUR_LEDGER.name].to_pylist())]


def _recorded_versions(
    stored: LoadedTable, before: Mapping[Hour, LedgerRow], changes: pa.Table
) -> list[Mapping[str, str]]:
    """Return the replaced versions with session changes: new ones, or those of an earlier attempt.

    Most publications record nothing.
    """
    versions = {
        (row.values["hour_at"], row.values["published_at"]) for row in before.values() if row.values
    }
    if not versions:
        return []
    earlier = stored.read(min(before), max(before), _REPLACED)
    recorded = pa.concat_tables([earlier, changes.select(_REPLACED)]).group_by(_REPLACED)
    pairs = {(row["hour_at"], row["replaced_at"]) for row in recorded.aggregate([]).to_pylist()}
    return [
        {"hour_at": hour_at.isoformat(), "replaced_at": replaced_at.isoformat()}
        for hour_at, replaced_at in sorted(versions & pairs)
    ]
