"""The order of steps: publish an hour, look left and right, and go on until the chain holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial

from clickstream.errors import StaleHour
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, raw, staging, trouble, views
from clickstream.lake import hour as lake_hour
from clickstream.lake.publication import publish
from clickstream.pipeline.build import (
    build_sessions,
    check_hour,
    clean_hits,
    clean_unless_staged,
)
from clickstream.pipeline.chain import first_astray
from clickstream.pipeline.history import Cause, built_from, cause_of, history
from clickstream.pipeline.records import Published, Staged
from clickstream.tables import HITS, REJECTS, SESSION_PARTS

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

    If someone published the hour meanwhile, it is built afresh. Then the chain is looked at, to the
    left and to the right: if the hours before hand on something else by now, this hour is built
    again; if one of the next took over something else, so is that one, and so on while carries
    change (usually one hour).
    """
    return list(_publish_chain(lake, staged, run_id))


@dataclass(frozen=True)
class _Todo:
    """An hour to publish, why, and what caused the sessions to change that will."""

    hour: Hour
    staged: Staged | None
    reason: str = "built"
    cause: Cause | None = None


def _publish_chain(lake: Lake, staged: Staged, run_id: str) -> Iterator[Published]:
    todo = [_Todo(Hour.parse(staged.hour), staged)]
    attempts: Counter[Hour] = Counter()
    while todo:
        one = todo.pop()
        attempts[one.hour] += 1
        try:
            published, cause = _publish(lake, one, run_id)
        except StaleHour:
            if attempts[one.hour] == MOST_ATTEMPTS:
                raise
            todo.append(replace(one, staged=None, reason="built again after a conflict"))
            continue
        yield published
        astray = first_astray(lake, one.hour)
        if astray is not None and attempts[astray] < MOST_ATTEMPTS:
            todo.append(_Todo(astray, None, "built again after an hour before changed", cause))


def _checked(lake: Lake, cleaned: Staged) -> Staged:
    return check_hour(lake, build_sessions(lake, cleaned))


def _publish(lake: Lake, one: _Todo, run_id: str) -> tuple[Published, Cause]:
    """Publish an hour, built afresh if it is not staged, and say why its sessions change."""
    staged = one.staged or _checked(lake, clean_unless_staged(lake, one.hour))
    rows = {
        HITS.name: staging.read(lake, staged.hits_key),
        SESSION_PARTS.name: staging.read(lake, staged.session_parts_key),
        REJECTS.name: staging.read(lake, staged.rejects_key),
    }
    make_history = partial(history, lake, staged, run_id, one.cause)
    before, after = publish(lake, one.hour, staged.version, run_id, rows, make_history)
    raw.clear_pending(lake, built_from(lake, staged))
    late = after.values["late_lines"]
    published = Published(
        staged.hour, staged.lines, staged.hits, staged.session_parts, late, one.reason
    )
    return published, one.cause or cause_of(lake, before)


def build_hour(lake: Lake, hour: Hour, run_id: str, afresh: bool = True) -> list[Published]:
    """Build and publish one hour; unless `afresh`, from the cleaned rows that wait, if any do."""
    cleaned = (clean_hits if afresh else clean_unless_staged)(lake, hour)
    return register_tables(lake, _checked(lake, cleaned), run_id)


def build_range(lake: Lake, first: Hour, last: Hour, run_id: str) -> list[Published]:
    """Build and publish every hour from `first` to `last`."""
    return [done for hour in hour_range(first, last) for done in build_hour(lake, hour, run_id)]


@trouble.told()
def refresh_views(lake: Lake) -> views.Refreshed:
    """Create or replace the Athena views whose SQL has changed."""
    return views.refresh(lake, lake.settings.resolve(lake.settings.build.sql_directory))
