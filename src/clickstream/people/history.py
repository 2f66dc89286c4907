"""The dates of a site in their order: each date is searched by the habit of those before it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta

import pandas as pd

from clickstream.people.counts import COUNT_COLUMNS, Counts, count_kinds
from clickstream.people.habits import Habit
from clickstream.people.learning import MOST_DATES, learn_from_counts

REACH = timedelta(days=MOST_DATES)
"""How long before a date the dates are that its habit is learned from."""

_NOTHING = Counts.of(pd.DataFrame(columns=COUNT_COLUMNS))


class SiteHistory:
    """The counts of the people of dates, by date."""

    def __init__(self, counts: Mapping[date, Counts] | None = None) -> None:
        self._counts = {**(counts or {})}

    def habit(self, day: date) -> Habit:
        """Return the habit before a date, rounded; the prior without enough dates."""
        before = [self._counts[past] for past in sorted(self._counts) if day - REACH <= past < day]
        return learn_from_counts(Counts.concat([_NOTHING, *before]), day.weekday()).rounded()

    def add(self, day: date, visitors: pd.DataFrame, shares: pd.Series) -> Counts:
        """Count the people of a date, so that later dates learn from them; return the counts."""
        self._counts[day] = count_kinds(day, visitors, shares)
        return self._counts[day]
