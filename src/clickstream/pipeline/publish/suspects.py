"""Search each date that is over for suspected machines, and again when its hours change.

The result of a date depends on its session parts, on the counts of the dates before it and on the
settings. The row of `people_estimates` records the versions of these, and is written last, so a
search that is killed is done again. A habit is rounded, so a late line rarely changes the results
of other dates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pyarrow as pa

from clickstream import __version__, dictionary_encoding, people
from clickstream.hours import Hour
from clickstream.lake import Lake, aws_errors
from clickstream.lake.iceberg import iceberg_tables
from clickstream.parquet import shape
from clickstream.people.habits import MOST_DATES
from clickstream.tables import (
    HOUR_LEDGER,
    OF_DATES,
    PEOPLE_ESTIMATES,
    SESSION_PARTS,
    SUSPECTED_COHORTS,
    SUSPECTED_VISITORS,
    VISITOR_COUNTS,
    Table,
)


@dataclass(frozen=True)
class Searched:
    """The dates that were searched in a run, with the number of suspected machines of each."""

    dates: Mapping[date, int]

    @property
    def sentence(self) -> str:
        """One line for the log."""
        if not self.dates:
            return "Suspected machines are up to date."
        return ", ".join(f"{day}: {number:,} suspected" for day, number in self.dates.items()) + "."


def _quiet(_sentence: str) -> None:
    pass


@aws_errors.translate_errors()
def find_suspects(
    lake: Lake, progress: Callable[[str], None] = _quiet, now: datetime | None = None
) -> Searched:
    """Search the dates whose parts, or whose habits, have changed, the earliest first.

    Only dates before that of `now` (UTC) are searched: a date is searched when it is over. Raises
    StaleHour if another process searches a date meanwhile.
    """
    search = _Search(lake, (now or datetime.now(UTC)).date())
    found = {}
    for day in search.outdated():
        found[day] = search.run(day)
        progress(f"{day}: {found[day]:,} suspected machines.")
    return Searched(found)


class _Search:
    """The state of a run: the versions of the parts, the stored estimates, and the history."""

    def __init__(self, lake: Lake, today: date) -> None:
        self._lake = lake
        first = today - timedelta(days=lake.settings.dashboard.keep_days)
        files = iceberg_tables.files_by_date(lake, HOUR_LEDGER, first)
        self._versions = {day: _digest(paths) for day, paths in files.items() if day < today}
        self._tables = {table.name: iceberg_tables.load(lake, table) for table in OF_DATES}
        stored = self._read(PEOPLE_ESTIMATES, first, today)
        self._stored = {row["event_date"]: row for row in stored.to_pylist()}
        self._counts = self._read_counts(first - timedelta(days=MOST_DATES), today)

    def outdated(self) -> Iterator[date]:
        """Yield the dates to search; whether a later one is outdated depends on earlier ones."""
        for day in sorted(self._versions):
            stored = self._stored.get(day)
            if stored is None or self._version_of(day) != (
                stored["parts_version"],
                stored["habit_version"],
            ):
                yield day

    def run(self, day: date) -> int:
        """Search a date and replace its rows; return the number of suspected machines."""
        parts = _parts_of(self._lake, day)
        if parts["onward_pages"].isna().any():  # an earlier release stored no evidence
            self._replace(day, {})
            return 0
        visitors = people.visitors_of_date(parts)
        found = people.find_suspects(visitors, self._habit(day), self._kept)
        chosen = people.choose_suspected(found.visitors)
        counts = people.count_kinds(day, visitors, found.visitors["share"])
        self._counts[day] = counts
        self._replace(
            day,
            {
                SUSPECTED_VISITORS: chosen.rename("cohort").rename_axis("visitor_id").reset_index(),
                SUSPECTED_COHORTS: _cohort_rows(found.cohorts, chosen),
                VISITOR_COUNTS: counts,
            },
            found.people,
            len(chosen),
        )
        return len(chosen)

    def _replace(
        self,
        day: date,
        rows: Mapping[Table, pd.DataFrame],
        estimate: people.PeopleEstimate | None = None,
        suspected: int = 0,
    ) -> None:
        """Replace the rows of a date in all tables, the estimate last."""
        parts_version, habit_version = self._version_of(day)
        row = {
            "visitors": estimate.counted if estimate else None,
            "suspected": suspected,
            "lowest": estimate.low if estimate else None,
            "highest": estimate.high if estimate else None,
            "history_dates": self._habit(day).dates,
            "parts_version": parts_version,
            "habit_version": habit_version,
            "library_version": __version__,
        }
        hour = _midnight(day)
        for table in OF_DATES:
            frame = pd.DataFrame([row]) if table is PEOPLE_ESTIMATES else rows.get(table)
            self._replace_changed(table, hour, frame)

    def _replace_changed(self, table: Table, hour: Hour, frame: pd.DataFrame | None) -> None:
        """Replace a date's rows of a table unless they are the same, so that facts stay valid."""
        stored = self._tables[table.name]
        is_empty = frame is None or frame.empty
        wanted = table.arrow_schema().empty_table() if is_empty else shape(frame, table, hour)
        if not _plain(stored.read(hour, hour), table).equals(_plain(wanted, table)):
            stored.replace(hour, hour, *([] if is_empty else [wanted]))

    def _version_of(self, day: date) -> tuple[str, str]:
        """Return the versions of the date's parts, and of its habit with the cohorts to keep."""
        habit = _digest([self._habit(day).version, *sorted(self._kept)])
        return self._versions[day], habit

    def _habit(self, day: date) -> people.Habit:
        """Return the habit before a date."""
        before = [self._counts[one] for one in sorted(self._counts) if one < day]
        if not before:
            return people.learn_habit(pd.DataFrame(columns=[*people.COUNT_COLUMNS]), day)
        return people.learn_habit(pd.concat(before[-MOST_DATES:]), day).rounded()

    @property
    def _kept(self) -> frozenset[str]:
        return frozenset(self._lake.settings.people.kept_cohorts)

    def _read(self, table: Table, first: date, last: date) -> pa.Table:
        return self._tables[table.name].read(_midnight(first), _midnight(last))

    def _read_counts(self, first: date, last: date) -> dict[date, pd.DataFrame]:
        rows = dictionary_encoding.to_frame(self._read(VISITOR_COUNTS, first, last))
        return dict(iter(rows[[*people.COUNT_COLUMNS]].groupby("event_date")))


def _parts_of(lake: Lake, day: date) -> pd.DataFrame:
    """Read what is needed of a date's session parts."""
    hour = _midnight(day)
    table = iceberg_tables.load(lake, SESSION_PARTS)
    rows = table.read(hour, hour.plus(23), [*people.PART_COLUMNS])
    return dictionary_encoding.to_frame(rows)


def _plain(rows: pa.Table, table: Table) -> pa.Table:
    """Return rows of a table in its types and its order, to compare them."""
    plain = rows.select(table.column_names).cast(table.arrow_schema())
    return plain.sort_by([(name, "ascending") for name in table.sort_by])


def _cohort_rows(cohorts: Sequence[people.SuspectedCohort], chosen: pd.Series) -> pd.DataFrame:
    """Return the rows of suspected_cohorts."""
    number = chosen.value_counts()
    return pd.DataFrame(
        {
            "place": range(1, len(cohorts) + 1),
            "cohort": [one.label for one in cohorts],
            "visitors": [one.counted for one in cohorts],
            "proved": [one.references for one in cohorts],
            "explained": [one.explained for one in cohorts],
            "suspected": [int(number.get(one.label, 0)) for one in cohorts],
            "is_decided": [one.is_decided for one in cohorts],
            "reason": [one.reason for one in cohorts],
        }
    )


def _midnight(day: date) -> Hour:
    return Hour.of(datetime(day.year, day.month, day.day, tzinfo=UTC))


def _digest(texts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
