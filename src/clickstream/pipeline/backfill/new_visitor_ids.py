"""New visitor ids: build hours past their replay window again, on purpose, by whole key periods.

Visitors get new ids, so a period is built as a whole: otherwise visitors of its other hours would
count twice. Sessions that are open at the edges of the rebuilt hours end there, and no hour outside
changes. While a period's hours are built, a record in the lake marks the period as open for new
ids, so a run that is killed can be completed by the same command, by Airflow or by `repair`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby

from clickstream.core.errors import InputError, RawDeleted
from clickstream.core.hours import Hour, hour_range
from clickstream.core.wording import quantity
from clickstream.lake import Lake, athena, hour_ledger, raw, visitor_keys
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.visitor_keys import KeyPeriod, OpenPeriod
from clickstream.pipeline.backfill.backfill import Progress, rebuild, track_progress
from clickstream.pipeline.hour.replay_window import ReplayWindow, raise_first

_PUBLISHED = """
select count(distinct session_id), count(distinct visitor_id)
from session_parts
where event_date between date '{first}' and date '{last}'
"""


@dataclass(frozen=True)
class NewIds:
    """The plan to give hours past their replay window new visitor ids.

    `hours` are all hours that are built, in order; `published` is how many of them are published
    now. `sessions` and `visitors` are those of the periods as they are published now.
    """

    first: Hour
    last: Hour
    periods: tuple[KeyPeriod, ...]
    hours: tuple[Hour, ...]
    published: int
    lines: int
    sessions: int
    visitors: int

    @property
    def days(self) -> list[tuple[Hour, Hour]]:
        """The first and the last hour that is built on each UTC day."""
        by_day = (list(of_day) for _, of_day in groupby(self.hours, lambda hour: hour.event_date))
        return [(hours[0], hours[-1]) for hours in by_day]

    @property
    def sentence(self) -> str:
        """What changes, for the person who decides."""
        named = " and ".join(f"{p.start:%Y-%m-%d} to {p.last_day:%Y-%m-%d}" for p in self.periods)
        return (
            f"New visitor ids from {self.first} to {self.last} mean building key period {named} "
            f"again: {quantity(len(self.hours), 'hour')}, {self.published:,} of them published "
            f"with {quantity(self.lines, 'line')}. {quantity(self.sessions, 'session')} of "
            f"{quantity(self.visitors, 'visitor')} get new ids, and their former ids can't be "
            "found again. Sessions that are open at the edges end there; no other hour changes."
        )


def plan_new_visitor_ids(lake: Lake, first: Hour, last: Hour) -> NewIds:
    """Plan new visitor ids for the hours from `first` to `last`; nothing is changed.

    Raises InputError if no hour of the range is past its replay window, and RawDeleted if raw lines
    of an hour that has to be built are deleted.
    """
    days = lake.settings.privacy.key_days
    touched = list(dict.fromkeys(KeyPeriod.of(hour, days) for hour in hour_range(first, last)))
    begin, end = Hour(touched[0].start), Hour(touched[-1].end).previous
    rows = hour_ledger.ledger_rows(lake, begin, end)
    existing = rows.keys() | raw.raw_by_hour(lake, begin, end).keys()
    window = ReplayWindow(lake)
    over = {hour for hour, row in rows.items() if window.has_lost_key(row.values)}
    chosen = {*hour_range(first, last)}
    periods, hours = [], set(chosen)
    for period in touched:
        own = {hour for hour in existing if period.start <= hour.start < period.end}
        if over & chosen & own:
            periods.append(period)
            hours |= own
    if not periods:
        raise InputError(
            f"No hour from {first} to {last} is past its replay window, so none needs new visitor "
            "ids. Build them without --new-visitor-ids."
        )
    refused = window.refused(dict.fromkeys(hours, LedgerRow({})))
    raise_first([(hour, error) for hour, error in refused if isinstance(error, RawDeleted)])
    published = [rows[hour].values for hour in hours if hour in rows]
    sessions = visitors = 0  # a visitor has an id in each period
    for period in periods:
        sql = _PUBLISHED.format(first=period.start.date(), last=period.last_day)
        [(of_period, ids)] = athena.query(lake, sql).rows
        sessions, visitors = sessions + of_period, visitors + ids
    lines = sum(row["lines"] for row in published)
    built = tuple(sorted(hours))
    return NewIds(first, last, tuple(periods), built, len(published), lines, sessions, visitors)


def open_periods(lake: Lake, plan: NewIds, run_id: str) -> None:
    """Allow every build of the plan's hours, by this process or another, until all are done."""
    for period in plan.periods:
        opened = OpenPeriod(period.name, datetime.now(UTC), run_id)
        visitor_keys.OPEN_PERIODS.put(lake, period.name, opened)


def give_new_visitor_ids(lake: Lake, plan: NewIds, run_id: str) -> Iterator[Progress]:
    """Build the hours of a plan, and yield the progress with each publication.

    If it is killed at any point, the same plan made again, or `repair`, builds the remaining hours.
    """
    open_periods(lake, plan, run_id)
    yield from track_progress(plan.hours, rebuild(lake, plan.hours, run_id))
