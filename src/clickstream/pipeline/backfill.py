"""Backfills: build a range of hours again, or say in a dry run what that would publish.

The command line, the DAG `clickstream_reprocess` and Spark all plan a range by `plan_backfill`. One
process builds it, a day at a time in order. Beside the hourly runs, and beside another range, it is
as safe as any build: `publish_built` notices the others.
"""

from __future__ import annotations

import gc
import time
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from itertools import groupby

from clickstream import __version__
from clickstream.errors import InputError, KeyDestroyed
from clickstream.hours import Hour, describe_hours, hour_range
from clickstream.lake import Lake, hour_ledger, raw, views
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.pipeline.build import is_staged
from clickstream.pipeline.build_range import build_hours, split_into_batches
from clickstream.pipeline.chain import broken_hours, last_reached
from clickstream.pipeline.publish import IsComing, publish_built
from clickstream.pipeline.replay_window import (
    ReplayWindow,
    close_renewed_periods,
    raise_first,
)
from clickstream.pipeline.results import Published
from clickstream.pipeline.site import settings_digest
from clickstream.wording import quantity

UNBUILT = LedgerRow({})

HOURS_BESIDE = 24
"""Hours before and after a range in which published hours are compared with it."""


class Steps(StrEnum):
    """Which steps an hour goes through once more."""

    ALL = "all"
    SESSIONS = "sessions"
    VIEWS = "views"


@dataclass(frozen=True)
class HourState:
    """The state of an hour: its raw lines, its publication, and why that is out of date.

    `refusal` says why it may not be built again; None if it may.
    """

    hour: Hour
    raw_bytes: int
    row: LedgerRow
    outdated: str
    refusal: KeyDestroyed | None = None

    def is_built_by(self, run_id: str) -> bool:
        """Whether readers see what this run has built, and need not see anything else."""
        return not self.outdated and self.row.values["published_by"] == run_id


def hour_states(lake: Lake, first: Hour, last: Hour) -> list[HourState]:
    """Read the state of each hour from `first` to `last`; nothing is changed."""
    ledger = hour_ledger.ledger_in_order(lake, first, last_reached(last))
    rows = hour_ledger.by_hour(ledger)
    raws = raw.raw_by_hour(lake, first, last)
    astray = broken_hours(lake, ledger, last)
    waiting = raw.pending_by_hour(lake, first, last)
    digest = settings_digest(lake, store=False)
    window = ReplayWindow(lake)
    in_range = {hour: row for hour, row in rows.items() if hour <= last}
    refusals = dict(window.refused(in_range.values()))
    over = {hour for hour, row in in_range.items() if window.is_over(row.values)}

    def why_outdated(hour: Hour) -> str:
        row = rows.get(hour, UNBUILT).values
        if not row:
            return "not built yet"
        if hour in over and hour not in refusals:
            return "waiting for new visitor ids"
        if hour in waiting or row["raw_digest"] != raw.raw_digest(raws[hour]):
            return "built from other lines"
        if (row["settings_digest"], row["library_version"]) != (digest, __version__):
            return "built by other settings or another version"
        return "not following on" if hour in astray else ""

    return [
        HourState(
            hour,
            sum(item.size for item in raws[hour]),
            rows.get(hour, UNBUILT),
            why_outdated(hour),
            refusals.get(hour),
        )
        for hour in hour_range(first, last)
    ]


def describe(found: Sequence[HourState]) -> str:
    """Describe the state of the hours of a range in one sentence."""
    reasons = Counter(one.outdated or "up to date" for one in found)
    lines = sum(one.row.values.get("lines", 0) for one in found)
    size = sum(one.raw_bytes for one in found)
    counts = ", ".join(f"{number:,} {reason}" for reason, number in sorted(reasons.items()))
    return (
        f"{found[0].hour} to {found[-1].hour}: {quantity(len(found), 'hour')}, {counts}; "
        f"{quantity(lines, 'line')} published, {size / 1e6:,.1f} MB of raw lines."
    )


def describe_other_settings(lake: Lake, first: Hour, last: Hour) -> str:
    """Published hours beside a range that other settings than today's built, in one sentence.

    Empty if there is none. A range that is built by other settings than the hours around it shows
    readers a change that no visitor made.
    """
    beside = hour_ledger.ledger_in_order(
        lake, first.minus(HOURS_BESIDE), last.plus(HOURS_BESIDE), ["hour_at", "settings_digest"]
    )
    digest = settings_digest(lake, store=False)
    hours = [
        Hour.at(row["hour_at"]) for row in beside.to_pylist() if row["settings_digest"] != digest
    ]
    others = [hour for hour in hours if not first <= hour <= last]
    if not others:
        return ""
    return (
        f"{len(others):,} published hours beside {first} to {last} were built by other settings, "
        f"the nearest of them {min(others, key=lambda hour: _hours_between(hour, first, last))}. "
        "Build them by the same settings, too, or take theirs; `clickstream settings` shows yours."
    )


def _hours_between(hour: Hour, first: Hour, last: Hour) -> int:
    """How many hours lie between an hour and a range that it is not in."""
    return max(first.number - hour.number, hour.number - last.number)


def hours_to_rebuild(
    found: Sequence[HourState], run_id: str, only_outdated: bool = False
) -> list[Hour]:
    """Which of some hours a run still has to build, in order.

    Those that the same run has built already are left out, so a task that is tried again goes on
    where it stopped. An hour whose publication was cut short hangs off the chain, and is built.
    Hours past their replay window are left out with `only_outdated`; otherwise they raise
    KeyDestroyed.
    """
    if not only_outdated:
        raise_first([(one.hour, one.refusal) for one in found if one.refusal])
    return [
        one.hour
        for one in found
        if not one.refusal and (one.outdated or not (only_outdated or one.is_built_by(run_id)))
    ]


def describe_refused(found: Sequence[HourState]) -> str:
    """The hours of a range that are left as they are, in one sentence; empty if there are none."""
    refused = [one.hour for one in found if one.refusal]
    if not refused:
        return ""
    return (
        f"{quantity(len(refused), 'hour')} past their replay window stay as they are, because "
        f"their visitor keys are destroyed: {describe_hours(refused)}."
    )


def left_to_the_run(lake: Lake, run_id: str, done: Hour, last: Hour) -> IsComing:
    """Whether an hour after `done` is one that a run to `last` has yet to build, in other tasks.

    Whoever publishes that one looks left, and then follows on whatever stands there.
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
    """Build and publish hours, given in order, yielding each publication when it is there.

    The hours of a day are published as one, or as few as memory allows. With `Steps.SESSIONS` the
    requests are not read again where an hour's rows still lie in staging. An hour that had to be
    built along with one before it is not built a second time, and none is built along that comes
    later anyway, or that `is_left` to others. So a change of rules does not go from hour to hour.
    """
    left = dict.fromkeys(hours)
    for batch in _batches(lake, hours, left.keys()):
        is_coming = _any_of(left.keys() - {*batch}, is_left)
        built = build_hours(lake, batch, afresh=steps is not Steps.SESSIONS)
        for one in publish_built(lake, built, run_id, is_coming):
            left.pop(Hour.parse(one.hour), None)
            yield one
        del built  # or the rows of this batch would be in memory beside those of the next
        gc.collect()  # else memory would grow with what each publication leaves behind
    close_renewed_periods(lake)


def _batches(lake: Lake, hours: Sequence[Hour], left: Set[Hour]) -> Iterator[Sequence[Hour]]:
    """The hours that are left when their day's turn comes, as many at once as are published so."""
    for _, of_day in groupby(hours, key=lambda hour: hour.event_date):
        yield from split_into_batches(lake, [hour for hour in of_day if hour in left])


def _any_of(hours: Set[Hour], is_left: IsComing) -> IsComing:
    return lambda hour: hour in hours or is_left(hour)


def outdated_views(lake: Lake) -> list[str]:
    """The names of the Athena views that `refresh_views` would replace."""
    directory = lake.settings.resolve(lake.settings.build.sql_directory)
    return [view.name for view in views.outdated(lake, directory)]


def check_range(first: Hour, last: Hour) -> tuple[Hour, Hour]:
    """The range that someone named. Raises InputError when it ends before it begins."""
    if last < first:
        raise InputError(f"The range ends before it begins: {first} to {last}; swap the two.")
    return first, last


@dataclass(frozen=True)
class Progress:
    """A publication of a backfill, and how much of the backfill is done with it.

    Of `hours` in all, `done` are published, with `lines` lines in `seconds`.
    """

    published: Published
    hours: int
    done: int
    lines: int
    seconds: float

    @property
    def sentence(self) -> str:
        """Hours done, lines a second, time left, and the publication, for the log."""
        seconds = max(self.seconds, 1e-3)
        left = timedelta(seconds=round(seconds / max(self.done, 1) * (self.hours - self.done)))
        return (
            f"{self.done:,} of {quantity(self.hours, 'hour')} done, "
            f"{self.lines / seconds:,.0f} lines/s, {left} left. {self.published.sentence}"
        )


def track_progress(
    hours: Collection[Hour], publications: Iterable[Published]
) -> Iterator[Progress]:
    """Yield the progress of building `hours` with each publication.

    Hours that are published along with them, because an hour before changed, do not count as done.
    """
    left, lines, started = set(map(str, hours)), 0, time.monotonic()
    for published in publications:
        left.discard(published.hour)
        lines += published.lines
        seconds = time.monotonic() - started
        yield Progress(published, len(hours), len(hours) - len(left), lines, seconds)


ASKED = "up to date, built because the range names them"


def describe_build(lake: Lake, found: Sequence[HourState], todo: Collection[Hour]) -> list[str]:
    """Say what building the hours `todo` of a range publishes, one sentence for each reason.

    Which hours after them change as well, only building can tell: the last sentence is the bound.
    """
    if not todo:
        return ["Would build no hour."]
    reasons: dict[str, list[Hour]] = defaultdict(list)
    for one in found:
        if one.hour in todo:
            reasons[one.outdated or ASKED].append(one.hour)
    sentences = [
        f"Would build {quantity(len(hours), 'hour')} {reason}: {describe_hours(hours)}."
        for reason, hours in sorted(reasons.items())
    ]
    return [*sentences, describe_reach(lake, todo)]


def describe_reach(lake: Lake, hours: Collection[Hour]) -> str:
    """The bound of what is published again beside some hours that are built, in a sentence."""
    within = {hour for changed in hours for hour in affected_hours(changed)} - {*hours}
    published = hour_ledger.rows_of_hours(lake, within).keys()
    if not published:
        return "No other hour can change: none is published up to the second midnight after them."
    return (
        "Where sessions that cross into other hours change, those are published again as well: at "
        f"most {describe_hours(published)}. Only building can tell which."
    )


def affected_hours(changed: Hour) -> Sequence[Hour]:
    """The hours after a changed one that it can change: those up to the second midnight."""
    last = Hour.last_of(str(changed.event_date + timedelta(days=1)))
    return [*hour_range(changed.next, last)]


@dataclass(frozen=True)
class Backfill:
    """A range of hours that a run builds again, as they are before.

    `states` has each hour of the range, and `todo` the hours that are still to be built, in order.
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
        """The hours that are left as they are, in one sentence; empty if there are none."""
        return describe_refused(self.states)

    def describe_other_settings(self) -> str:
        """Name published hours beside the range that other settings built; empty for none."""
        return describe_other_settings(self.lake, self.states[0].hour, self.states[-1].hour)

    def dry_run(self) -> list[str]:
        """Say what building publishes, one sentence for each reason."""
        return describe_build(self.lake, self.states, self.todo)

    def describe_staged(self) -> str:
        """Say how many of the hours wait cleaned in the staging area, as Spark leaves them."""
        staged = sum(is_staged(self.lake, hour) for hour in self.todo)
        of_all = quantity(len(self.todo), "hour")
        return f"{staged} of {of_all} wait cleaned in staging; the others are cleaned here."

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
    """Plan the hours from `first` to `last` that a run still has to build; nothing is changed.

    With `only_known`, hours that have neither raw lines nor a publication are left out. Raises
    InputError for a range that ends before it begins, and KeyDestroyed for hours past their replay
    window, which `only_outdated` leaves out.
    """
    states = hour_states(lake, *check_range(first, last))
    if only_known:
        states = [state for state in states if state.raw_bytes or state.row.values]
    todo = hours_to_rebuild(states, run_id, only_outdated)
    return Backfill(lake, run_id, states, todo, only_outdated)
