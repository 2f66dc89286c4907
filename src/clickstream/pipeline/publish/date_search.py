"""Search one UTC date for suspected machines: its rows of the tables by date, without a lake.

`suspects` calls this for the dates of a lake, and `logs` for those of log files.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd

from clickstream import __version__, people
from clickstream.core.text_digests import digest_texts
from clickstream.tables import Table
from clickstream.tables.dates import SUSPECTED_COHORTS, SUSPECTED_VISITORS


class Estimate(NamedTuple):
    """A row of `people_estimates`."""

    visitors: int
    suspected: int
    lowest: float
    highest: float
    history_dates: int
    numbers_version: str
    suspects_version: str
    parts_version: str = ""
    habit_version: str = ""
    library_version: str = __version__

    def with_versions(self, parts: str, habit: str) -> Estimate:
        """Return the row with the versions of what it depends on."""
        return self._replace(parts_version=parts, habit_version=habit)


@dataclass(frozen=True)
class SearchedDate:
    """The rows of a date by table, the counts of its people, and its row of `people_estimates`."""

    rows: Mapping[Table, pd.DataFrame]
    counts: people.Counts
    estimate: Estimate


def search_date(
    day: date,
    visitors: pd.DataFrame,
    history: people.SiteHistory,
    habit: people.Habit,
    kept: frozenset[str],
) -> SearchedDate:
    """Search a date by the habit before it, and add its people to the history.

    `visitors` are those of the date, as `people.visitors_of_date` returns them. `kept` has the
    labels of cohorts that count as people.
    """
    search = people.find_suspects(visitors, habit, kept)
    chosen = people.choose_suspected(search.visitors)
    rows = {
        SUSPECTED_VISITORS: chosen.rename("cohort").rename_axis("visitor_id").reset_index(),
        SUSPECTED_COHORTS: _cohort_rows(search.cohorts, chosen),
    }
    counts = history.add(day, visitors, search.visitors["share"])
    number = search.people
    numbers = (number.counted, len(chosen), number.low, number.high, habit.dates)
    suspects = sorted(f"{visitor} {cohort}" for visitor, cohort in chosen.items())
    versions = digest_texts(map(str, numbers)), digest_texts(suspects)
    return SearchedDate(rows, counts, Estimate(*numbers, *versions))


def _cohort_rows(cohorts: Sequence[people.SuspectedCohort], chosen: pd.Series) -> pd.DataFrame:
    """Return the rows of suspected_cohorts."""
    number = chosen.value_counts()
    return pd.DataFrame(
        {
            "place": range(1, len(cohorts) + 1),
            "cohort": [cohort.label for cohort in cohorts],
            "visitors": [cohort.counted for cohort in cohorts],
            "proved": [cohort.references for cohort in cohorts],
            "explained": [cohort.explained for cohort in cohorts],
            "suspected": [int(number.get(cohort.label, 0)) for cohort in cohorts],
            "is_decided": [cohort.is_decided for cohort in cohorts],
            "reason": [cohort.reason for cohort in cohorts],
        }
    )
