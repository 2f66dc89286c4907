"""Remove published hours that are not over yet. `repair` calls this.

Earlier versions built any hour that they were asked for. An hour that is not over must not be
published: nothing is known of it yet, and its lines are still being written.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime

from clickstream.errors import InputError
from clickstream.hours import Hour, by_day, describe_hours, group_hours
from clickstream.lake import Lake, raw
from clickstream.lake.publication import remove_hours
from clickstream.pipeline.hour.outdated import first_unfinished
from clickstream.wording import quantity


def remove_premature(
    lake: Lake, hours: Collection[Hour], run_id: str, now: datetime | None = None
) -> Iterator[str]:
    """Remove the rows of hours that are not over at `now`; yield a sentence for each day.

    `now` is by default the present. Raw lines stay. They wait again before their rows are removed,
    so a run builds them when the hour is over. Hours before these do not change: what an hour
    publishes depends only on its own lines and on earlier hours. Raises InputError if an hour is
    over, and then removes none.
    """
    over = [hour for hour in hours if hour < first_unfinished(now)]
    if over:
        raise InputError(f"Only hours that are not over can be removed: {describe_hours(over)}.")
    for span in group_hours(hours):
        for first, last in by_day(span.first, span.last):
            of_day = raw.raw_by_hour(lake, first, last).values()
            raw.mark_pending(lake, [item.key for items in of_day for item in items])
            remove_hours(lake, first, last, run_id)
            number = last.number - first.number + 1
            yield f"Removed {quantity(number, 'hour')} not over yet: {first} to {last}."
