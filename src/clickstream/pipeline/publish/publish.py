"""Publish hours, check the session chain around them, and rebuild hours until it is intact.

The task `register_tables`, backfills, `clickstream build` and `clickstream repair` call this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import takewhile
from typing import Any, Literal

import pandas as pd
import pyarrow as pa

from clickstream import __version__, sessions
from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour, hour_range
from clickstream.lake import Lake, aws_errors, hour_ledger, raw, views
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.publication import Publication, Replaced, publish_hours, select_compared
from clickstream.pipeline.hosts.missing import Completed, complete_hours, expected_hosts
from clickstream.pipeline.hour.batch import build_hours, split_into_batches
from clickstream.pipeline.hour.build import build_sessions, check_hour, read_from_staging
from clickstream.pipeline.hour.chain import carry_into, first_broken_hour
from clickstream.pipeline.hour.hour_states import check_range_to_build
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.pipeline.hour.step_results import BuiltHour, Published, StitchedHour
from clickstream.pipeline.publish.late_lines import LateHour, late_hours, record_waiting_lines
from clickstream.tables import HOUR_LEDGER, RAW_OBJECTS, SESSION_CHANGES, SESSION_PARTS, Table

# The history that a publication adds: raw objects, changed sessions, the ledger's row.
#
# Only this module reads the clock while an hour is built; no result depends on it. `publish` calls
# it.

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
    built: Sequence[BuiltHour], before: Sequence[LedgerRow], root_cause: Cause | None
) -> list[Causes]:
    """Return why consecutive hours are published, from the ledger's rows that they replace.

    `root_cause` is that of the publication that made this one necessary, if any. An hour whose own
    cause is "neighbour" has the root cause of the hour before it.
    """
    causes: list[Causes] = []
    for built_hour, row in zip(built, before, strict=True):
        own = cause_of(row, built_hour.stitched)
        inherited = causes[-1].root if causes else root_cause
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
    causes = causes_of(built, [former.ledger for former in replaced], cause)
    expected = expected_hosts(lake)
    arrived: Mapping[str, datetime] = {}
    if any(
        built_hour.raw_lines.keys() - former.raw_objects.keys()
        for built_hour, former in zip(built, replaced, strict=True)
    ):
        arrived = raw.arrivals(lake, built[0].hour, built[-1].hour)
    for built_hour, former in zip(built, replaced, strict=True):
        hour = built_hour.hour
        by = {"event_date": hour.event_date, "hour_at": hour.naive, **published}
        raw_objects = _raw_objects(hour, built_hour.raw_lines, former, arrived)
        rows[RAW_OBJECTS] += raw_objects
        missing = {"missing_sources": expected.missing_names(hour)}
        row = _ledger_row(lake, built_hour.stitched, hour, raw_objects)
        rows[HOUR_LEDGER].append({**row, **missing, **by})
    changed = _changes(built, replaced, causes, published)
    recorded = {
        table.name: pa.Table.from_pylist(records, table.arrow_schema())
        for table, records in rows.items()
    }
    return {**recorded, SESSION_CHANGES.name: changed}


def _raw_objects(
    hour: Hour, lines: Mapping[str, int], replaced: Replaced, arrived: Mapping[str, datetime]
) -> list[dict[str, Any]]:
    """Return a row for each raw object. Objects that were recorded before keep their values."""
    recorded, is_late = replaced.raw_objects, bool(replaced.ledger.values)
    return [
        {
            "event_date": hour.event_date,
            "hour_at": hour.naive,
            "raw_object": key,
            "lines": number,
            "arrived_at": recorded[key]["arrived_at"] if key in recorded else arrived[key],
            "is_late": recorded[key]["is_late"] if key in recorded else is_late,
        }
        for key, number in lines.items()
    ]


def _changes(
    built: Sequence[BuiltHour],
    replaced: Sequence[Replaced],
    causes: Sequence[Causes],
    published: Mapping[str, Any],
) -> pa.Table:
    """Return a row for each session that changed; none for hours that were unpublished."""
    old, new, of_hours = [], [], []
    for built_hour, former, cause in zip(built, replaced, causes, strict=True):
        if former.parts is None:
            continue
        hour_at = built_hour.hour.naive
        old.append(former.parts.append_column("hour_at", pa.repeat(hour_at, len(former.parts))))
        new.append(select_compared(built_hour.rows(SESSION_PARTS)))
        then = former.ledger.values["published_at"]
        of_hours.append((hour_at, built_hour.hour.event_date, then, cause.own, cause.root))
    if not of_hours:
        return SESSION_CHANGES.arrow_schema().empty_table()
    changed = sessions.changes(*(pa.concat_tables(parts).to_pandas() for parts in (old, new)))
    columns = ["hour_at", "event_date", "replaced_at", "cause", "root_cause"]
    hours = pd.DataFrame(of_hours, columns=columns)
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


MAX_ATTEMPTS = 20

HOURS_OF_A_DAY = 24
"""Limit of the hours of the session chain that are built at once; a range has one date."""

IsComing = Callable[[Hour], bool]
"""Returns whether the run builds an hour later anyway.

Then a change of the hour's carry-in causes no additional build.
"""


@dataclass(frozen=True)
class Due:
    """The hours that a run builds, and those whose lines wait for a person.

    `left_waiting` are unpublished hours before those that are built. `past_window` are published
    hours with late lines that are past their replay window. `completed` are published hours that
    lack fewer hosts than before; they are not built again, because their rows do not change.
    """

    hours: list[Hour]
    left_waiting: list[Hour]
    past_window: list[LateHour] = field(default_factory=list)
    completed: list[Completed] = field(default_factory=list)


@aws_errors.translate_errors()
def hours_to_build(lake: Lake, hour: Hour, catch_up: bool = True) -> Due:
    """Return the hours that a run of `hour` builds, in order: its own, missed and reopened ones.

    Reopened hours are published hours with late lines, of any age. With `catch_up`, unpublished
    hours up to `catch_up_hours` before the run's own are added. So a run after an outage builds the
    hours of the runs that were missed, but a first run over a year of old logs does not build the
    year. Those older hours wait for a backfill, in which each run builds only its own hour. Hours
    after the run's own hour wait, too. Late lines of hours past their replay window wait;
    their number is written to the ledger. Every run also removes the names of hosts that are pulled
    by now from the ledger (`complete_hours`). Raises InputError if the hour is not over.
    """
    check_range_to_build(hour, hour)
    earliest = hour.minus(lake.settings.build.catch_up_hours) if catch_up else hour
    waiting = [h for h in raw.pending_hours(lake) if h != hour]
    missed = [h for h in waiting if earliest <= h < hour]
    late = late_hours(lake, waiting)
    past_window = record_waiting_lines(
        lake, [late_hour for late_hour in late if late_hour.is_past_window]
    )
    reopened = {late_hour.hour for late_hour in late if not late_hour.is_past_window}
    hours = sorted({hour, *missed, *reopened} - {late_hour.hour for late_hour in past_window})
    published_late = {late_hour.hour for late_hour in late}
    left_waiting = [h for h in waiting if h < hours[0] and h not in published_late]
    return Due(hours, left_waiting, past_window, complete_hours(lake, hour, hours))


@aws_errors.translate_errors()
def register_tables(
    lake: Lake,
    staged: StitchedHour,
    run_id: str,
    progress: Callable[[Published], None] = lambda _: None,
) -> list[Published]:
    """Commit a checked hour to the tables, then rebuild the hours whose carry-in it changes.

    If another process published the hour meanwhile, it is built again from its raw lines. Then the
    session chain is checked in both directions. If the carry-out of the hours before has changed,
    this hour is built again. If the carry-in of a later hour has changed, that hour is built again.
    This is repeated while carry-ins change: usually for one hour, never beyond the second midnight.
    `progress` is called with each hour when it is published.
    """
    hour = Hour.parse(staged.hour)
    ReplayWindow(lake).check(hour, hour_ledger.ledger_row(lake, hour))
    carry = carry_into(lake, hour, staged.keys, ReplayWindow(lake))
    if sessions.carry_digest(carry) != staged.carry_in:
        # Published with the former carry-in, the hour would have to be built and published again.
        staged = check_hour(lake, build_sessions(lake, staged))
    all_published = []
    for published in publish_built(lake, [read_from_staging(lake, staged)], run_id):
        progress(published)
        all_published.append(published)
    return all_published


def publish_built(
    lake: Lake, built: Sequence[BuiltHour], run_id: str, is_coming: IsComing = lambda _: False
) -> Iterator[Published]:
    """Publish checked consecutive hours together, and rebuild the hours whose carry-in changes."""
    todo = [_Task(built)]
    attempts: Counter[Hour] = Counter()
    with aws_errors.translate_errors():
        while todo:
            task = todo.pop()
            first, last = task.hours[0], task.hours[-1]
            attempts[first] += 1
            try:
                published, cause = _publish(lake, task, run_id)
            except StaleHour:
                if attempts[first] == MAX_ATTEMPTS:
                    raise
                # Cleaning several hours in memory is faster than reading them from staging.
                again = build_hours(lake, task.hours, afresh=len(task.hours) > 1)
                todo.append(replace(task, built=again, reason="built again after a conflict"))
                continue
            yield from published
            broken = first_broken_hour(lake, first, last)
            if broken and attempts[broken] < MAX_ATTEMPTS and not is_coming(broken):
                reason = "built again because its carry-in changed"
                reach = min(max(2 * task.reach, 1), HOURS_OF_A_DAY)
                rebuilt = _rebuild_along(lake, broken, reach, is_coming)
                todo.append(_Task(rebuilt, reason, cause, reach))


@dataclass(frozen=True)
class _Task:
    """Hours to publish together, the reason, and the root cause of the publication before them.

    `reach` limits the hours of this step along the session chain; it is 0 for the first step.
    """

    built: Sequence[BuiltHour]
    reason: str = "built"
    cause: Cause | None = None
    reach: int = 0

    @property
    def hours(self) -> list[Hour]:
        """The hours, which are consecutive."""
        return [built_hour.hour for built_hour in self.built]


def _rebuild_along(
    lake: Lake, broken: Hour, reach: int, is_coming: IsComing
) -> Sequence[BuiltHour]:
    """Build `broken` and up to `reach` - 1 published hours after it, while carry-ins change.

    The caller doubles `reach` with each step along the chain. So a change that affects one hour
    costs one build, and a change up to the second midnight is built in a few ranges.
    """
    hours = _published_hours_from(lake, broken, reach, is_coming)
    built = build_hours(lake, hours, afresh=len(hours) > 1)
    rows = hour_ledger.ledger_rows(lake, hours[0], hours[-1])

    def has_changed(built_hour: BuiltHour) -> bool:
        return bool(built_hour.stitched.carry_in != rows[built_hour.hour].values["carry_in"])

    return [built[0], *takewhile(has_changed, built[1:])]


def _published_hours_from(
    lake: Lake, first: Hour, most: int, is_coming: IsComing
) -> Sequence[Hour]:
    """Return consecutive published hours of one day from `first` on, as many as memory allows.

    They end before the first hour that is past its replay window, which must not be built again.
    """
    last = min(first.plus(most - 1), Hour.last_of(str(first.event_date)))
    rows = hour_ledger.ledger_rows(lake, first, last)
    buildable = rows.keys() - {hour for hour, _ in ReplayWindow(lake).refused(rows)}
    later = takewhile(lambda h: h in buildable and not is_coming(h), hour_range(first.next, last))
    return next(split_into_batches(lake, [first, *later]))


def _publish(lake: Lake, task: _Task, run_id: str) -> tuple[list[Published], Cause]:
    """Publish hours, and return them with the root cause for hours rebuilt after them."""
    hours = [
        Publication(built_hour.hour, built_hour.stitched.version, built_hour.rows)
        for built_hour in task.built
    ]
    audit = partial(audit_rows, lake, task.built, run_id, task.cause)
    replaced, after = publish_hours(lake, hours, run_id, audit)
    raw.clear_pending(lake, [key for built_hour in task.built for key in built_hour.raw_lines])
    published = [
        Published.of(built_hour.stitched, row.values["late_lines"], task.reason)
        for built_hour, row in zip(task.built, after, strict=True)
    ]
    before = [former.ledger for former in replaced]
    return published, causes_of(task.built, before, task.cause)[-1].root


def build_hour(lake: Lake, hour: Hour, run_id: str) -> list[Published]:
    """Build and publish one hour, with all steps."""
    return list(publish_built(lake, build_hours(lake, [hour]), run_id))


@aws_errors.translate_errors()
def refresh_views(lake: Lake) -> views.Refreshed:
    """Create or replace the Athena views whose SQL has changed, and update their comments."""
    return views.refresh(lake, lake.settings.sql_directory)
