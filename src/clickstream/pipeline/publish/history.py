"""The history that a publication adds: raw objects, changed sessions, the ledger's row.

Only this module reads the clock while an hour is built; no result depends on it. `publish` calls
it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from clickstream import __version__, sessions
from clickstream.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.intents import select_compared
from clickstream.lake.publication import Replaced
from clickstream.pipeline.hosts.missing import expected_hosts
from clickstream.pipeline.hour.states import BuiltHour, StitchedHour
from clickstream.tables import HOUR_LEDGER, RAW_OBJECTS, SESSION_CHANGES, SESSION_PARTS, Table

Cause = Literal[
    "first publication", "new visitor ids", "version", "settings", "late lines", "neighbour"
]
"""Why an hour is published. If several causes apply, the first one in this order is recorded.

"new visitor ids": its visitors have new ids. "version", "settings": the library or the settings
changed. "late lines": its set of raw lines changed. "neighbour": none of these, so its sessions can
only differ because those of a neighbouring hour do.
"""


@dataclass(frozen=True)
class Causes:
    """Why an hour is published, and the cause of the first publication of its chain."""

    own: Cause
    root: Cause


def causes_of(
    built: Sequence[BuiltHour], before: Sequence[LedgerRow], given: Cause | None
) -> list[Causes]:
    """Return why consecutive hours are published, from the ledger's rows that they replace.

    `given` is the root cause of the publication that made this one necessary, if any. An hour whose
    own cause is "neighbour" has the root cause of the hour before it.
    """
    causes: list[Causes] = []
    for one, row in zip(built, before, strict=True):
        own = cause_of(row, one.stitched)
        inherited = causes[-1].root if causes else given
        causes.append(Causes(own, (inherited or own) if own == "neighbour" else own))
    return causes


def cause_of(before: LedgerRow, staged: StitchedHour) -> Cause:
    """Return why an hour is published that replaces this row of the ledger."""
    if not before.values:
        return "first publication"
    former = before.values
    if former["visitor_key"] != staged.visitor_key:
        return "new visitor ids"
    if former["library_version"] != __version__:
        return "version"
    if former["settings_digest"] != staged.settings_digest:
        return "settings"
    return "late lines" if former["raw_digest"] != staged.raw_digest else "neighbour"


def audit_rows(
    lake: Lake,
    built: Sequence[BuiltHour],
    run_id: str,
    cause: Cause | None,
    replaced: Sequence[Replaced],
) -> dict[str, pa.Table]:
    """Return the rows of a publication in raw_objects, session_changes and hour_ledger.

    `cause` is the root cause of the publication that made this one necessary, if any.
    """
    published = {"published_at": datetime.now(UTC).replace(tzinfo=None), "published_by": run_id}
    rows: dict[Table, list[dict[str, Any]]] = {RAW_OBJECTS: [], HOUR_LEDGER: []}
    causes = causes_of(built, [what.ledger for what in replaced], cause)
    expected = expected_hosts(lake)
    arrived = _arrivals(lake, built, replaced)
    for one, what in zip(built, replaced, strict=True):
        hour = one.hour
        by = {"event_date": hour.event_date, "hour_at": hour.naive, **published}
        raw_objects = _raw_objects(hour, one.raw_lines, what, arrived)
        rows[RAW_OBJECTS] += raw_objects
        missing = {"missing_sources": expected.missing_names(hour)}
        row = _ledger_row(lake, one.stitched, hour, raw_objects)
        rows[HOUR_LEDGER].append({**row, **missing, **by})
    changed = _changes(built, replaced, causes, published)
    made = {table.name: _arrow(table, some) for table, some in rows.items()}
    return {**made, SESSION_CHANGES.name: changed}


def _arrow(table: Table, rows: list[dict[str, Any]]) -> pa.Table:
    return pa.Table.from_pylist(rows, schema=table.arrow_schema())


def _arrivals(
    lake: Lake, built: Sequence[BuiltHour], replaced: Sequence[Replaced]
) -> Mapping[str, datetime]:
    """Return when the raw objects arrived, by key; empty if no hour has a new one."""
    pairs = zip(built, replaced, strict=True)
    if all(one.raw_lines.keys() <= what.raw_objects.keys() for one, what in pairs):
        return {}
    return raw.arrivals(lake, built[0].hour, built[-1].hour)


def _raw_objects(
    hour: Hour, lines: Mapping[str, int], replaced: Replaced, arrived: Mapping[str, datetime]
) -> list[dict[str, Any]]:
    """Return a row for each raw object. Objects that were recorded before keep their values."""
    known, is_late = replaced.raw_objects, bool(replaced.ledger.values)
    return [
        {
            "event_date": hour.event_date,
            "hour_at": hour.naive,
            "raw_object": key,
            "lines": number,
            "arrived_at": known[key]["arrived_at"] if key in known else arrived[key],
            "is_late": known[key]["is_late"] if key in known else is_late,
        }
        for key, number in lines.items()
    ]


_OF_HOURS = ["hour_at", "event_date", "replaced_at", "cause", "root_cause"]


def _changes(
    built: Sequence[BuiltHour],
    replaced: Sequence[Replaced],
    causes: Sequence[Causes],
    published: Mapping[str, Any],
) -> pa.Table:
    """Return a row for each session that changed; none for hours that were unpublished."""
    old, new, of_hours = [], [], []
    for one, what, why in zip(built, replaced, causes, strict=True):
        if what.parts is None:
            continue
        hour_at = one.hour.naive
        old.append(what.parts.append_column("hour_at", pa.repeat(hour_at, len(what.parts))))
        new.append(select_compared(one.rows(SESSION_PARTS)))
        then = what.ledger.values["published_at"]
        of_hours.append((hour_at, one.hour.event_date, then, why.own, why.root))
    if not of_hours:
        return SESSION_CHANGES.arrow_schema().empty_table()
    changed = sessions.changes(*(pa.concat_tables(some).to_pandas() for some in (old, new)))
    hours = pd.DataFrame(of_hours, columns=_OF_HOURS)
    rows = changed.merge(hours, "left", on="hour_at").assign(**published)
    return pa.Table.from_pandas(rows, SESSION_CHANGES.arrow_schema(), preserve_index=False)


def _ledger_row(
    lake: Lake, staged: StitchedHour, hour: Hour, raw_objects: list[dict[str, Any]]
) -> dict[str, Any]:
    late = [row for row in raw_objects if row["is_late"]]
    end = hour.next.naive
    by_seconds = [int((row["arrived_at"] - end).total_seconds()) for row in late]
    dated = staged.networks_dated
    counted = ("lines", "rejected", "other_hosts", "hits", "session_parts")
    of_lines = ("raw_objects", "raw_digest", "carry_in", "carry_out")
    return {
        **staged.balance,
        **{name: getattr(staged, name) for name in (*counted, *of_lines)},
        "timeout_seconds": lake.settings.sessions.timeout_seconds,
        "cap_hours": lake.settings.sessions.cap_hours,
        "visitor_key": staged.visitor_key,
        "earlier_visitor_key": staged.earlier_visitor_key,
        "waiting_lines": None,
        "waiting_objects": None,
        "library_version": __version__,
        "settings_digest": staged.settings_digest,
        "networks_dated": dated and date.fromisoformat(dated),
        "has_order_numbers": staged.has_order_numbers,
        "late_lines": sum(row["lines"] for row in late),
        "late_by_seconds": max(by_seconds, default=None),
    }
