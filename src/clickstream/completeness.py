"""Which hours are missing: the one definition for the dashboard, the mail and `clickstream status`.

An hour should be complete from the hour at which the log begins up to the newest published hour, or
to the hour that ended `LAG` ago if that is later. It is missing if it is not published, or if it is
published and lacks a source. Hours before the log begins are not missing.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickstream.hours import Hour, HourSpan, hour_range

LAG = timedelta(hours=3)
"""Time after the end of an hour at which it should be published; the pipeline builds every hour."""


@dataclass(frozen=True)
class Completeness:
    """The missing hours of a range.

    `due` are the hours that should be complete, None if there are none. `unpublished` and `lacking`
    are those of them that are not published, or that lack a source; both in order.
    """

    due: HourSpan | None
    unpublished: tuple[Hour, ...] = ()
    lacking: tuple[Hour, ...] = ()

    @property
    def expected(self) -> int:
        """The number of hours that should be complete."""
        return len(self.due) if self.due else 0


def measure_completeness(
    within: HourSpan,
    begins: Hour | None,
    newest: Hour | None,
    published: Collection[Hour],
    lacking: Collection[Hour],
    now: datetime,
    lag: timedelta = LAG,
) -> Completeness:
    """Find the missing hours of the range `within`, as of `now` (aware).

    `begins` is the first published hour of the lake that has lines or lacks a source, `newest` its
    newest published hour; both None without one. `published` and `lacking` are hours of the range.
    """
    if begins is None:
        return Completeness(None)
    last = Hour.of(now - lag).previous
    if newest is not None:
        last = max(last, min(newest, Hour.of(now).previous))
    due = HourSpan(max(within.first, begins), min(within.last, last))
    if not len(due):
        return Completeness(None)
    return Completeness(
        due,
        tuple(hour for hour in hour_range(due.first, due.last) if hour not in published),
        tuple(sorted(hour for hour in lacking if due.first <= hour <= due.last)),
    )
