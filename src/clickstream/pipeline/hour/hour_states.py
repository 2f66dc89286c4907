"""The states of hours in a range: why they are out of date, and what a build of them changes.

Backfills and their dry runs use it.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from clickstream import __version__
from clickstream.core.errors import InputError, PastWindow, RawDeleted
from clickstream.core.hours import Hour, describe_hours, hour_range
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, hour_ledger, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.pipeline.build_settings import changed_settings, settings_digest
from clickstream.pipeline.hosts.host_freshness import vanished_states
from clickstream.pipeline.hour.chain import broken_hours, last_reached
from clickstream.pipeline.hour.replay_window import ReplayWindow, raise_first

UNBUILT = LedgerRow({})

CLOCKS_DIFFER = timedelta(minutes=1)
"""The time by which the clock of a scheduler may be ahead of the clock of its worker."""

HOURS_BESIDE = 24
"""Hours before and after a range whose settings are compared with it."""


@dataclass(frozen=True)
class HourState:
    """The state of an hour: its raw lines, its publication, and why that is out of date.

    `refusal` says why it must not be built again; None if it may be.
    """

    hour: Hour
    raw_bytes: int
    row: LedgerRow
    outdated: str
    refusal: PastWindow | None = None

    def is_built_by(self, run_id: str) -> bool:
        """Whether this run published the hour, and it is up to date."""
        return not self.outdated and self.row.values["published_by"] == run_id


def hour_states(lake: Lake, first: Hour, last: Hour) -> list[HourState]:
    """Read the state of each hour from `first` to `last`; nothing is changed."""
    ledger = hour_ledger.ledger_in_order(lake, first, last_reached(last))
    rows = hour_ledger.by_hour(ledger)
    raws = raw.raw_by_hour(lake, first, last)
    broken = broken_hours(lake, ledger, last)
    waiting = raw.pending_by_hour(lake, first, last)
    digest = settings_digest(lake, store=False)
    window = ReplayWindow(lake)
    in_range = {hour: row for hour, row in rows.items() if hour <= last}
    refusals = dict(window.refused({h: rows.get(h, UNBUILT) for h in hour_range(first, last)}))
    over = {hour for hour, row in in_range.items() if window.has_lost_key(row.values)}

    def why_outdated(hour: Hour) -> str:
        row = rows.get(hour, UNBUILT).values
        if not row:
            return "not built yet"
        if hour in over and hour not in refusals:
            return "waiting for new visitor ids"
        if isinstance(refusals.get(hour), RawDeleted):
            return "without raw lines, which are deleted"
        if hour in waiting or row["raw_digest"] != raw.raw_digest(raws[hour]):
            return "built from other raw lines"
        if (row["settings_digest"], row["library_version"]) != (digest, __version__):
            return "built by other settings or another version"
        return "with a broken session chain" if hour in broken else ""

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


def describe(states: Sequence[HourState]) -> str:
    """Describe the state of the hours of a range in one sentence."""
    reasons = Counter(state.outdated or "up to date" for state in states)
    lines = sum(state.row.values.get("lines", 0) for state in states)
    size = sum(state.raw_bytes for state in states)
    counts = ", ".join(f"{number:,} {reason}" for reason, number in sorted(reasons.items()))
    return (
        f"{states[0].hour} to {states[-1].hour}: {quantity(len(states), 'hour')}, {counts}; "
        f"{quantity(lines, 'line')} published, {size / 1e6:,.1f} MB of raw lines."
    )


NAMED_SETTINGS = 5
"""Maximum number of changed settings that a warning names."""


def describe_other_settings(lake: Lake, first: Hour, last: Hour) -> str:
    """Describe what differs between the settings of a range's build and those of other hours.

    That are hosts which are in no source any more, and published hours near the range that other
    settings have built. The result is empty if there are none. If a range and the hours around it
    are built with different settings, readers see a change that no visitor caused.
    """
    sentences = [_describe_other_rules(lake, first, last)]
    if vanished := [state.host for state in vanished_states(lake)]:
        sentences.append(
            f"The sources of the settings lack hosts that were pulled before: {shorten(vanished)}. "
            "Hours built now have none of their new lines. Add their sources again or, if they "
            "will not come back, run clickstream sources retire HOST."
        )
    return " ".join(filter(None, sentences))


def _describe_other_rules(lake: Lake, first: Hour, last: Hour) -> str:
    beside = hour_ledger.ledger_in_order(
        lake, first.minus(HOURS_BESIDE), last.plus(HOURS_BESIDE), ["hour_at", "settings_digest"]
    )
    digest = settings_digest(lake, store=False)
    digests = {Hour.at(row["hour_at"]): row["settings_digest"] for row in beside.to_pylist()}
    differing = [hour for hour in digests if digests[hour] != digest and not first <= hour <= last]
    if not differing:
        return ""
    nearest = min(
        differing, key=lambda hour: max(first.number - hour.number, hour.number - last.number)
    )
    changed = changed_settings(lake, digests[nearest])
    differences = f" ({shorten(changed, NAMED_SETTINGS)} changed since)" if changed else ""
    built = "was built" if len(differing) == 1 else "were built"
    return (
        f"{quantity(len(differing), 'published hour')} beside {first} to {last} {built} by other "
        f"settings; the nearest is {nearest}{differences}. Build again by these settings, or use "
        "the others here; `clickstream settings` shows yours."
    )


def hours_to_rebuild(
    states: Sequence[HourState], run_id: str, only_outdated: bool = False
) -> list[Hour]:
    """Return which of some hours a run still has to build, in order.

    Hours that this run has already built are left out, so a retried task continues where it
    stopped. An hour whose publication was interrupted is not in the chain, and is built. Hours past
    their replay window are left out with `only_outdated`; otherwise they raise PastWindow.
    """
    if not only_outdated:
        raise_first([(state.hour, state.refusal) for state in states if state.refusal])
    return [
        state.hour
        for state in states
        if not state.refusal
        and (state.outdated or not (only_outdated or state.is_built_by(run_id)))
    ]


def describe_refused(states: Sequence[HourState]) -> str:
    """Name the hours of a range that can't be built again, in one sentence; empty if none."""
    refused = [state.hour for state in states if state.refusal]
    if not refused:
        return ""
    return (
        f"{quantity(len(refused), 'hour')} past their replay window stay as they are, because "
        f"their visitor keys are destroyed or their raw lines deleted: {describe_hours(refused)}."
    )


def check_range(first: Hour, last: Hour) -> tuple[Hour, Hour]:
    """Return the range that a caller named. Raises InputError if it ends before it begins."""
    if last < first:
        raise InputError(f"The range ends before it begins: {first} to {last}; swap the two.")
    return first, last


def first_unfinished(now: datetime | None = None) -> Hour:
    """Return the first hour that is not over at `now`, by default the present."""
    return Hour.of((now or datetime.now(UTC)) + CLOCKS_DIFFER)


def check_range_to_build(first: Hour, last: Hour, now: datetime | None = None) -> None:
    """Check a range of hours to build. Raises InputError if it is reversed, or not over at `now`.

    `now` is by default the present. Lines of an hour that is not over are still being written.
    """
    check_range(first, last)
    newest = first_unfinished(now).previous
    if last > newest:
        example = f"end the range with {newest}" if first <= newest else f"build {newest}"
        raise InputError(f"The hour {last} is not over yet, so it can't be built: {example}.")


ASKED = "already up to date, because the range includes them"


def describe_build(lake: Lake, states: Sequence[HourState], todo: Collection[Hour]) -> list[str]:
    """Describe what building the hours `todo` of a range publishes, one sentence for each reason.

    Which hours after them change as well is known only after building: the last sentence gives the
    upper bound.
    """
    if not todo:
        return ["Would build no hour."]
    reasons: dict[str, list[Hour]] = defaultdict(list)
    for state in states:
        if state.hour in todo:
            reasons[state.outdated or ASKED].append(state.hour)
    sentences = [
        f"Would build {quantity(len(hours), 'hour')} {reason}: {describe_hours(hours)}."
        for reason, hours in sorted(reasons.items())
    ]
    return [*sentences, describe_reach(lake, todo)]


def describe_reach(lake: Lake, hours: Collection[Hour]) -> str:
    """Describe in one sentence which other hours may be published again with some hours."""
    within = {hour for changed in hours for hour in affected_hours(changed)} - {*hours}
    published = hour_ledger.rows_of_hours(lake, within).keys()
    if not published:
        return "No other hour can change: none is published up to the second midnight after them."
    return (
        "If sessions that continue in other hours change, those hours are published again as well: "
        f"at most {describe_hours(published)}. Which ones is known only after building."
    )


def affected_hours(changed: Hour) -> Sequence[Hour]:
    """Return the hours that a changed hour can change: those up to the second midnight."""
    last = Hour.last_of(str(changed.event_date + timedelta(days=1)))
    return [*hour_range(changed.next, last)]
