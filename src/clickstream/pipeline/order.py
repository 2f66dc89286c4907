"""The order of steps: publish an hour, look left and right, and go on until the chain holds."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from clickstream import __version__, sessions
from clickstream.errors import StaleHour
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, objects, raw, staging, trouble, views
from clickstream.lake import hour as lake_hour
from clickstream.lake.hour import LedgerRow
from clickstream.pipeline.build import (
    build_sessions,
    check_hour,
    clean_hits,
    handed_on,
)
from clickstream.pipeline.records import Published, Staged
from clickstream.rules import result_digest
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS

MOST_ATTEMPTS = 20


@trouble.told()
def hours_to_build(lake: Lake, hour: Hour, catch_up: bool = True) -> list[Hour]:
    """The hours a run of `hour` builds, in order: its own, and those whose lines came late.

    Late are published hours that got more lines, whichever they are, and with `catch_up` unbuilt
    hours before the run's own, at most `catch_up_hours` back: a run after an outage makes good for
    the runs that were missed, and a first run over a year of old logs does not; those hours wait
    for a backfill, whose runs have an hour each and catch up nothing. So do hours after the run's.
    """
    earliest = hour.minus(lake.settings.build.catch_up_hours) if catch_up else hour
    waiting = [h for h in raw.pending_hours(lake) if h != hour]
    missed = [h for h in waiting if earliest <= h < hour]
    published = lake_hour.published_hours(lake, waiting[0], waiting[-1]) if waiting else set()
    return sorted({hour, *missed, *published.intersection(waiting)})


@trouble.told()
def hours_left_waiting(lake: Lake, building: list[Hour]) -> list[Hour]:
    """Hours with lines, before the ones being built, that no run will come to by itself."""
    return [h for h in raw.pending_hours(lake) if h < min(building)]


@trouble.told()
def register_tables(lake: Lake, staged: Staged, run_id: str) -> list[Published]:
    """Commit a checked hour to the tables, then rebuild whatever it makes untrue.

    If someone published the hour meanwhile, it is built afresh. If the hour before hands on
    something else by now, so is this hour; if the next one took over something else, so is that
    one, and so on while carries change (usually one hour).
    """
    return list(_publish_chain(lake, staged, run_id))


def _publish_chain(lake: Lake, staged: Staged, run_id: str) -> Iterator[Published]:
    todo: list[tuple[Hour, Staged | None, str]] = [(Hour.parse(staged.hour), staged, "built")]
    attempts = 0
    while todo:
        hour, ready, reason = todo.pop()
        ready = ready or _stage(lake, hour)
        try:
            yield _publish(lake, ready, run_id, reason)
        except StaleHour:
            attempts += 1
            if attempts == MOST_ATTEMPTS:
                raise
            todo.append((hour, None, "built again after a conflict"))
            continue
        todo.extend(_neighbours_to_mend(lake, hour, ready))


def _stage(lake: Lake, hour: Hour) -> Staged:
    return check_hour(lake, build_sessions(lake, clean_hits(lake, hour)))


def _neighbours_to_mend(
    lake: Lake, hour: Hour, published: Staged
) -> Iterator[tuple[Hour, None, str]]:
    """Look left and right: the hours that the publication leaves standing on something else."""
    left = sessions.carry_digest(handed_on(lake, hour.previous))
    if left != published.carry_in:
        yield hour, None, "built again after the hour before changed"
        return
    right = lake_hour.ledger_row(lake, hour.next).values
    if right and right["carry_in"] != published.carry_out:
        yield hour.next, None, "built again after the hour before changed"


def _publish(lake: Lake, staged: Staged, run_id: str, reason: str) -> Published:
    hour = Hour.parse(staged.hour)
    rows = {
        HITS.name: staging.read(lake, staged.hits_key),
        SESSION_PARTS.name: staging.read(lake, staged.session_parts_key),
        REJECTS.name: staging.read(lake, staged.rejects_key),
    }

    def ledger_row(before: LedgerRow) -> pa.Table:
        return _ledger_row(lake, staged, before, run_id)

    row = lake_hour.replace(lake, hour, staged.version, rows, ledger_row).values
    _clear_pending(lake, staged)
    return Published(
        staged.hour, staged.lines, staged.hits, staged.session_parts, row["late_lines"], reason
    )


def _ledger_row(lake: Lake, staged: Staged, before: LedgerRow, run_id: str) -> pa.Table:
    hour = Hour.parse(staged.hour)
    late = 0
    if before.values:
        late = before.values["late_lines"] + max(0, staged.lines - before.values["lines"])
    row: dict[str, Any] = {
        "event_date": hour.event_date,
        "hour_at": hour.naive,
        **staged.balance,
        "library_version": __version__,
        "settings_digest": result_digest(lake.settings),
        "published_at": datetime.now(UTC).replace(tzinfo=None),
        "published_by": run_id,
        "late_lines": late,
    }
    counted = ("lines", "rejected", "hits", "session_parts", "raw_objects", "raw_digest")
    row |= {name: getattr(staged, name) for name in (*counted, "carry_in", "carry_out")}
    return pa.Table.from_pylist([row], schema=HOUR_LEDGER.arrow_schema())


def _clear_pending(lake: Lake, staged: Staged) -> None:
    stored = objects.get(lake, staged.raw_list_key)
    raw.clear_pending(lake, json.loads(stored.body) if stored else [])


def build_hour(lake: Lake, hour: Hour, run_id: str) -> list[Published]:
    """Build and publish one hour, all steps."""
    return register_tables(lake, _stage(lake, hour), run_id)


def build_range(
    lake: Lake,
    first: Hour,
    last: Hour,
    run_id: str,
    progress: Callable[[Published], None] = lambda _: None,
) -> list[Published]:
    """Build and publish every hour from `first` to `last`; `progress` is told of each."""
    done = []
    for hour in hour_range(first, last):
        for published in build_hour(lake, hour, run_id):
            progress(published)
            done.append(published)
    return done


@trouble.told()
def refresh_views(lake: Lake) -> views.Refreshed:
    """Create or replace the Athena views whose SQL has changed."""
    return views.refresh(lake, lake.settings.resolve(lake.settings.build.sql_directory))
