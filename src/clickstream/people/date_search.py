"""Search one UTC date for suspected machines: its rows of the tables by date, without a lake.

`suspects` calls this for the dates of a lake, and `logs` for those of log files.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

import pandas as pd

from clickstream import __version__
from clickstream.core.text_digests import digest_texts
from clickstream.people.counts import Counts
from clickstream.people.habits import Habit
from clickstream.people.learning import SiteHistory
from clickstream.people.suspicion import choose_suspected, find_suspects
from clickstream.tables import Table
from clickstream.tables.people import SUSPECTED_COHORTS, SUSPECTED_VISITORS


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
    counts: Counts
    estimate: Estimate


def search_date(
    day: date,
    visitors: pd.DataFrame,
    history: SiteHistory,
    habit: Habit,
    kept: frozenset[str],
) -> SearchedDate:
    """Search a date by the habit before it, and add its people to the history.

    `visitors` are those of the date, as `people.visitors_of_date` returns them. `kept` has the
    labels of cohorts that count as people.
    """
    search = find_suspects(visitors, habit, kept)
    chosen = choose_suspected(search.visitors)
    sizes = chosen.value_counts().to_dict()
    rows = {
        SUSPECTED_VISITORS: chosen.rename("cohort").rename_axis("visitor_id").reset_index(),
        SUSPECTED_COHORTS: pd.DataFrame(
            {
                "place": range(1, len(search.cohorts) + 1),
                "cohort": [cohort.label for cohort in search.cohorts],
                "visitors": [cohort.counted for cohort in search.cohorts],
                "proved": [cohort.references for cohort in search.cohorts],
                "explained": [cohort.explained for cohort in search.cohorts],
                "suspected": [sizes.get(cohort.label, 0) for cohort in search.cohorts],
                "is_decided": [cohort.is_decided for cohort in search.cohorts],
                "reason": [cohort.reason for cohort in search.cohorts],
            }
        ),
    }
    counts = history.add(day, visitors, search.visitors["share"])
    number = search.people
    numbers = (number.counted, len(chosen), number.low, number.high, habit.dates)
    suspects = sorted(f"{visitor} {cohort}" for visitor, cohort in chosen.items())
    versions = digest_texts(map(str, numbers)), digest_texts(suspects)
    return SearchedDate(rows, counts, Estimate(*numbers, *versions))
