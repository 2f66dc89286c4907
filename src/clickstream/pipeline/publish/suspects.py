"""Search each date for suspected machines, again whenever one of its hours is published.

The result of a date depends on its session parts, on the counts of the dates before it and on the
settings. The row of `people_estimates` records the versions of these, and is written last, so a
search that is killed is done again. A habit is rounded, so a late line rarely changes the results
of other dates. A run without changes reads only metadata.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from clickstream import people
from clickstream.core import dictionary_encoding
from clickstream.core.errors import StaleHour
from clickstream.core.hours import Hour
from clickstream.core.text_digests import digest_texts
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, aws_errors
from clickstream.lake.iceberg import iceberg_tables
from clickstream.parquet import shape
from clickstream.people.date_search import Estimate, search_date
from clickstream.people.learning import REACH
from clickstream.tables import HOUR_LEDGER, OF_DATES, SESSION_PARTS
from clickstream.tables.people import (
    PEOPLE_ESTIMATES,
    VISITOR_COUNTS,
)


@dataclass(frozen=True)
class Searched:
    """The dates that were searched in a run, with the number of suspected machines of each.

    In a dry run, they are those that would be searched; later dates may follow from their results.
    """

    dates: Mapping[date, int]
    dry_run: bool = False

    @property
    def suspected(self) -> int:
        """The number of suspected machines of all dates."""
        return sum(self.dates.values())

    @property
    def sentence(self) -> str:
        """One line for the log."""
        if not self.dates:
            return "No date needs a search for suspected machines."
        dates = shorten([*map(str, self.dates)])
        if self.dry_run:
            return f"Would be searched for suspected machines: {dates}."
        machines = quantity(self.suspected, "suspected machine")
        return f"Searched for suspected machines: {dates}; {machines}."


MOST_ATTEMPTS = 5
"""How often a run continues after another process has changed its tables."""


@aws_errors.translate_errors()
def find_suspects(
    lake: Lake,
    progress: Callable[[str], None] = lambda _: None,
    now: datetime | None = None,
    dry_run: bool = False,
) -> Searched:
    """Search the dates whose parts, or whose habits, have changed, the earliest first.

    [dashboard] keep_days counts back from `now`; older dates stay as they are. If another process
    searches dates meanwhile, the search continues from its results. Raises StaleHour if that
    happens too often.
    """
    today = (now or datetime.now(UTC)).date()
    first = today - timedelta(days=lake.settings.dashboard.keep_days)
    if dry_run:
        return Searched(dict.fromkeys(_Search(lake, first).changed(), 0), dry_run=True)
    numbers: dict[date, int] = {}
    for attempt in range(1, MOST_ATTEMPTS + 1):
        try:
            for day, number in search_dates(lake, first):
                numbers[day] = number
                progress(f"{day}: {quantity(number, 'suspected machine')}")
            break
        except StaleHour:
            if attempt == MOST_ATTEMPTS:
                raise
            progress("Another process searched a date meanwhile; continuing from its results.")
    return Searched(numbers)


def search_dates(lake: Lake, first: date) -> Iterator[tuple[date, int]]:
    """Search dates from `first` on; yield each with its number of suspected machines.

    Raises StaleHour if another process changes the tables meanwhile.
    """
    return _Search(lake, first).run()


class _Search:
    """The state of a run: the versions of the dates, the stored estimates, and the history."""

    def __init__(self, lake: Lake, first: date) -> None:
        self._lake = lake
        files = iceberg_tables.files_by_date(lake, HOUR_LEDGER, first)
        self._kept = frozenset(lake.settings.people.kept_cohorts)
        self._versions = {
            day: digest_texts([*paths, *sorted(self._kept)]) for day, paths in sorted(files.items())
        }
        self._tables = {table.name: iceberg_tables.load(lake, table) for table in OF_DATES}
        self._stored = iceberg_tables.texts_by_date(
            lake, PEOPLE_ESTIMATES, first, ("parts_version", "habit_version")
        )
        self._history = people.SiteHistory()

    def changed(self) -> list[date]:
        """Return the dates that are not searched, or whose parts or kept cohorts have changed."""
        versions = {day: row["parts_version"] for day, row in self._stored.items()}
        return [day for day, version in self._versions.items() if versions.get(day) != version]

    def run(self) -> Iterator[tuple[date, int]]:
        """Search the changed dates, and later ones whose habit that changes.

        Yield each date with its number of suspected machines. The estimate of a date is written
        when all dates whose habit has it are looked at, so a run that is killed is done again.
        """
        changed = set(self.changed())
        if not changed:
            return
        self._read_history(min(changed) - REACH)
        estimates: dict[date, Estimate] = {}
        newest = min(changed)
        for day in (day for day in self._versions if day >= min(changed)):
            is_near = day - newest <= REACH
            if not is_near:
                self._write(estimates)
                if day not in changed:
                    continue
            habit = self._history.habit(day)
            if day in changed or habit.version != self._stored[day]["habit_version"]:
                estimates[day] = self._search(day, habit)
                newest = day
                yield day, estimates[day].suspected
        self._write(estimates)

    def _search(self, day: date, habit: people.Habit) -> Estimate:
        """Search a date and replace its rows; return the row of its estimate."""
        hour = Hour.midnight(day)
        session_parts = iceberg_tables.load(self._lake, SESSION_PARTS)
        parts = session_parts.read(hour, hour.plus(23), [*people.PART_COLUMNS])
        visitors = people.visitors_of_date(dictionary_encoding.to_frame(parts))
        searched = search_date(day, visitors, self._history, habit, self._kept)
        for table, frame in {**searched.rows, VISITOR_COUNTS: searched.counts.frame()}.items():
            stored = self._tables[table.name]
            empty = table.arrow_schema().empty_table()
            wanted = empty if frame.empty else shape(frame, table, hour)
            # Unchanged rows keep their files, so that facts stay valid.
            if not table.in_order(stored.read(hour, hour)).equals(table.in_order(wanted)):
                stored.replace_dates({day: wanted})
        return searched.estimate.with_versions(self._versions[day], habit.version)

    def _write(self, estimates: dict[date, Estimate]) -> None:
        """Write the estimates of dates in one commit, and forget them."""
        rows = {
            day: shape(pd.DataFrame([row]), PEOPLE_ESTIMATES, Hour.midnight(day))
            for day, row in estimates.items()
        }
        if rows:
            self._tables[PEOPLE_ESTIMATES.name].replace_dates(rows)
        estimates.clear()

    def _read_history(self, first: date) -> None:
        table = self._tables[VISITOR_COUNTS.name]
        rows = dictionary_encoding.to_frame(table.read_between(Hour.midnight(first), None))
        dates = rows[[*people.COUNT_COLUMNS]].groupby("event_date")
        self._history = people.SiteHistory({day: people.Counts.of(counts) for day, counts in dates})
