"""Backfills: build a range of hours again, or report in a dry run what that would publish.

The command line, the DAG `clickstream_reprocess` and Spark all plan a range by `plan_backfill`. One
process builds it, a day at a time in order. It may run beside the hourly runs and beside other
backfills: `publish_built` detects hours that another process has published.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby

from clickstream.core.hours import Hour
from clickstream.core.wording import quantity
from clickstream.lake import Lake, hour_ledger, views
from clickstream.pipeline.hour.batch import build_hours, split_into_batches
from clickstream.pipeline.hour.build import is_staged
from clickstream.pipeline.hour.hour_states import (
    HourState,
    check_range_to_build,
    describe,
    describe_build,
    describe_other_settings,
    describe_refused,
    hour_states,
    hours_to_rebuild,
)
from clickstream.pipeline.hour.replay_window import close_renewed_periods
from clickstream.pipeline.hour.step_results import Published
from clickstream.pipeline.publish.publish import IsComing, publish_built


class Steps(StrEnum):
    """The steps that hours go through again."""

    ALL = "all"
    SESSIONS = "sessions"
    VIEWS = "views"


def left_to_the_run(lake: Lake, run_id: str, done: Hour, last: Hour) -> IsComing:
    """Return a test for hours after `done`, up to `last`, that other tasks of the run will build.

    A publication of such an hour checks the chain before it, and so uses the new carry-out.
    """

    def is_left(hour: Hour) -> bool:
        if not done < hour <= last:
            return False
        return hour_ledger.ledger_row(lake, hour).values.get("published_by") != run_id

    return is_left


def rebuild(
    lake: Lake,
    hours: Sequence[Hour],
    run_id: str,
    steps: Steps = Steps.ALL,
    is_left: IsComing = lambda _: False,
) -> Iterator[Published]:
    """Build and publish hours, given in order; yield each publication.

    The hours of a day are published together, or in as few batches as memory allows. With
    `Steps.SESSIONS` the requests of an hour are not read again if its rows are still in staging.

    A publication also builds later hours whose carry-in it has changed, but not those that this run
    builds later, or that are left to other tasks of the run (`is_left`). So a change of rules does
    not cause builds of hour after hour. No hour of `hours` is built twice.
    """
    remaining = dict.fromkeys(hours)
    for number, batch in enumerate(_batches(lake, hours, remaining.keys())):
        if number:
            gc.collect()  # memory would grow with each publication otherwise
        is_coming = _any_of(remaining.keys() - {*batch}, is_left)
        built = build_hours(lake, batch, afresh=steps is not Steps.SESSIONS)
        for published in publish_built(lake, built, run_id, is_coming):
            remaining.pop(Hour.parse(published.hour), None)
            yield published
        del built  # free the rows of this batch before the next one is built
    close_renewed_periods(lake)


def _batches(lake: Lake, hours: Sequence[Hour], remaining: Set[Hour]) -> Iterator[Sequence[Hour]]:
    """Yield batches of each day's hours that are not built yet when the day is reached."""
    for _, of_day in groupby(hours, key=lambda hour: hour.event_date):
        yield from split_into_batches(lake, [hour for hour in of_day if hour in remaining])


def _any_of(hours: Set[Hour], is_left: IsComing) -> IsComing:
    return lambda hour: hour in hours or is_left(hour)


def outdated_views(lake: Lake) -> list[str]:
    """Return the names of the Athena views that `refresh_views` would replace."""
    directory = lake.settings.sql_directory
    return [view.name for view in views.outdated(lake, directory)]


@dataclass(frozen=True)
class Progress:
    """A publication of a backfill, and the progress of the backfill after it.

    Of `hours` in total, `done` are published, with `lines` lines in `seconds`.
    """

    published: Published
    hours: int
    done: int
    lines: int
    seconds: float

    @property
    def sentence(self) -> str:
        """Hours done, lines per second, time left, and the publication, for the log."""
        seconds = max(self.seconds, 1e-3)
        remaining = timedelta(seconds=round(seconds / max(self.done, 1) * (self.hours - self.done)))
        return (
            f"{self.done:,} of {quantity(self.hours, 'hour')} done, "
            f"{self.lines / seconds:,.0f} lines/s, {remaining} left. {self.published.sentence}"
        )


def track_progress(
    hours: Collection[Hour], publications: Iterable[Published]
) -> Iterator[Progress]:
    """Yield the progress of building `hours` with each publication.

    Hours outside `hours` that are published along with them, because their carry-in changed, do not
    count as done.
    """
    remaining, lines, started = set(map(str, hours)), 0, time.monotonic()
    for published in publications:
        remaining.discard(published.hour)
        lines += published.lines
        seconds = time.monotonic() - started
        yield Progress(published, len(hours), len(hours) - len(remaining), lines, seconds)


@dataclass(frozen=True)
class Backfill:
    """A planned backfill: the states of the range's hours before it starts.

    `states` has each hour of the range, and `todo` the hours that still have to be built, in order.
    """

    lake: Lake
    run_id: str
    states: Sequence[HourState]
    todo: Sequence[Hour]
    only_outdated: bool = False

    @property
    def summary(self) -> str:
        """The state of the range in one sentence."""
        return describe(self.states)

    @property
    def refused(self) -> str:
        """The hours that can't be built again, in one sentence; empty if there are none."""
        return describe_refused(self.states)

    def describe_other_settings(self) -> str:
        """Name published hours beside the range that other settings built; empty if none."""
        return describe_other_settings(self.lake, self.states[0].hour, self.states[-1].hour)

    def dry_run(self) -> list[str]:
        """Describe what building would publish, one sentence for each reason."""
        return describe_build(self.lake, self.states, self.todo)

    def describe_staged(self) -> str:
        """Describe how many of the hours are cleaned in staging already, as Spark leaves them."""
        staged = sum(is_staged(self.lake, hour) for hour in self.todo)
        of_all = quantity(len(self.todo), "hour")
        return f"{staged} of {of_all} already cleaned in staging; the others are cleaned here."

    def run(self, steps: Steps = Steps.ALL, run_ends: Hour | None = None) -> Iterator[Progress]:
        """Build and publish the hours of `todo`, and yield the progress with each publication.

        `run_ends` is the last hour that the run builds in other processes: hours up to it are left
        to them, unless only outdated hours are built. See `rebuild`.
        """
        last = self.states[-1].hour
        ends = last if self.only_outdated or run_ends is None else run_ends
        is_left = left_to_the_run(self.lake, self.run_id, last, ends)
        publications = rebuild(self.lake, self.todo, self.run_id, steps, is_left)
        yield from track_progress(self.todo, publications)


def plan_backfill(
    lake: Lake,
    first: Hour,
    last: Hour,
    run_id: str,
    only_outdated: bool = False,
    only_known: bool = False,
) -> Backfill:
    """Plan which hours from `first` to `last` a run still has to build; nothing is changed.

    With `only_known`, hours that have neither raw lines nor a publication are left out. Raises
    InputError for a range that ends before it begins or is not over, and PastWindow for hours past
    their replay window, which `only_outdated` leaves out.
    """
    check_range_to_build(first, last)
    states = hour_states(lake, first, last)
    if only_known:
        states = [state for state in states if state.raw_bytes or state.row.values]
    todo = hours_to_rebuild(states, run_id, only_outdated)
    return Backfill(lake, run_id, states, todo, only_outdated)
