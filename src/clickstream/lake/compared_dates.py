"""When the dates of a source of sales were last compared with the lake, and which have changed.

`sales/compared_dates/SOURCE.json` is the record of a source. Pulls write it, at most once a day
unless dates have changed. `clickstream status`, the pages and the mail read it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta

from clickstream.core.wording import quantity, shorten
from clickstream.lake.client import Lake
from clickstream.lake.publication import is_unfinished, versions
from clickstream.lake.records import RecordStore

COMPARED_EVERY = timedelta(days=7)
"""Time after which the dates before the horizon of a database are compared again."""

DateRange = tuple[date | None, date | None]
"""A first and a last date; None is an open end."""


@dataclass(frozen=True)
class ComparedDates:
    """The comparisons of a source; times are aware.

    `at` is the last comparison of the dates from `since` on, which each run compares, and
    `older_at` that of the dates before; both are None without any. Files have no older dates, and
    no `since`. `changed` maps each date that differed to the version that the lake had of it: it
    is no longer changed if the lake has another one. `unread` are older dates that the lake lacked
    when the older dates were compared for the first time. `other_rules_to` is the newest of the
    older dates that were read by other settings: what is equal at the source may differ here.
    """

    at: datetime | None = None
    since: date | None = None
    older_at: datetime | None = None
    changed: Mapping[date, str] = field(default_factory=dict)
    unread: tuple[date, ...] = ()
    other_rules_to: date | None = None

    def compared_at(self, day: date) -> datetime | None:
        """Return when a date was last compared; None if it was not, or was read by other rules."""
        if not self.since or day >= self.since:
            return self.at
        return None if self.other_rules_to and day <= self.other_rules_to else self.older_at

    @property
    def sentence(self) -> str:
        """When the dates were compared, in UTC."""
        if self.at is None:
            return "not compared with the source since it was read."
        if self.since is None:
            return f"all dates compared with the source on {self.at:%Y-%m-%d %H:%M} UTC."
        older = f"on {self.older_at:%Y-%m-%d %H:%M} UTC" if self.older_at else "not since the read"
        return (
            f"dates since {self.since} compared with the source on {self.at:%Y-%m-%d %H:%M} UTC, "
            f"older ones {older}."
        )

    def with_changes(self, within: DateRange, changed: Mapping[date, str]) -> ComparedDates:
        """Return the record after a comparison of a range, in which these dates have changed."""
        first, last = within[0] or date.min, within[1] or date.max
        others = {day: old for day, old in self.changed.items() if not first <= day <= last}
        return replace(self, changed={**others, **changed})


_COMPARED = RecordStore("sales/compared_dates/", ComparedDates)


def compared_dates(lake: Lake, source: str) -> ComparedDates:
    """Return the record of a source; an empty one if it was never compared."""
    stored = _COMPARED.read(lake, source)
    return stored.value if stored else ComparedDates()


def record_recent(
    lake: Lake,
    source: str,
    within: DateRange,
    recorded: Mapping[date, str],
    changed: Collection[date],
    now: datetime | None,
) -> None:
    """Record the dates of a range that have changed at a source since they were read.

    `recorded` are the versions that the lake has of the range. With `now`, the range is what each
    run compares, and its begin is recorded with the time. Nothing is written if an earlier
    comparison of the same UTC date has found the same, apart from dates that were read since.
    """

    def change(before: ComparedDates) -> ComparedDates:
        after = before.with_changes(within, {day: recorded[day] for day in changed})
        after = replace(after, at=now or before.at, since=within[0] if now else before.since)
        needless = before.changed.keys() - after.changed.keys()
        is_known = (
            after.changed.items() <= before.changed.items()
            and all(recorded.get(day, "") != before.changed[day] for day in needless)
            and (after.at and after.at.date()) == (before.at and before.at.date())
            and after.since == before.since
        )
        return before if is_known else after

    _COMPARED.update(lake, source, ComparedDates(), change)


def record_older(
    lake: Lake,
    source: str,
    last: date,
    changed: Mapping[date, str],
    lacking: Collection[date],
    of_other_rules: Collection[date],
    now: datetime,
) -> ComparedDates:
    """Record a comparison of all dates up to `last`, and return the record.

    `lacking` are the dates that the lake lacks. The first comparison finds what was never read;
    further dates have got rows at the source since, so they have changed. `of_other_rules` were
    read by other settings.
    """

    def change(before: ComparedDates) -> ComparedDates:
        known = lacking if before.older_at is None else {*before.unread} & {*lacking}
        got_rows = dict.fromkeys({*lacking} - {*known}, "")
        after = before.with_changes((None, last), {**changed, **got_rows})
        newest = max(of_other_rules, default=None)
        unread = tuple(sorted(known))
        return replace(after, older_at=now, unread=unread, other_rules_to=newest)

    return _COMPARED.update(lake, source, ComparedDates(), change)


def still_changed(lake: Lake, source: str, compared: ComparedDates) -> list[date]:
    """Return the dates that have changed at a source and were not read again, in order."""
    return _not_published_since(lake, source, compared.changed)


def still_unread(lake: Lake, source: str, compared: ComparedDates) -> list[date]:
    """Return the dates before the horizon that were never read, in order."""
    return _not_published_since(lake, source, dict.fromkeys(compared.unread, ""))


def _not_published_since(lake: Lake, source: str, then: Mapping[date, str]) -> list[date]:
    """Return the dates of which the lake has the version of `then`, or an interrupted one."""
    if not then:
        return []
    now = versions(lake, source, min(then), max(then))
    return sorted(
        day
        for day, version in then.items()
        if is_unfinished(current := now.get(day, "")) or current == version
    )


def describe_changed(source: str, days: Sequence[date]) -> str:
    """Name dates that have changed at a source, and the command that reads them again."""
    have = "has" if len(days) == 1 else "have"
    return (
        f"{quantity(len(days), 'date')} {have} changed at the source since the last read: "
        f"{shorten(days)}. To read again: {_pull_command(source, days)}"
    )


def describe_unread(source: str, days: Sequence[date]) -> str:
    """Name the dates before the horizon that were never read, and the command that reads them."""
    return (
        f"the lake lacks {quantity(len(days), 'date')} from {days[0]} to {days[-1]}, older than "
        f"horizon_days. To read: {_pull_command(source, days)}"
    )


def describe_other_rules(source: str, days: Sequence[date]) -> str:
    """Name the dates before the horizon that other settings have read, and the command."""
    were = "was" if len(days) == 1 else "were"
    return (
        f"{quantity(len(days), 'date')} up to {days[-1]} {were} read with other settings. To read "
        f"again: {_pull_command(source, days)}"
    )


def _pull_command(source: str, days: Sequence[date]) -> str:
    """Return the command that reads those of the dates that differ; `days` are in order."""
    return f"clickstream sales pull {source} --from {days[0]} --to {days[-1]}"
