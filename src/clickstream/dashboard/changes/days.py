"""The days that a range is compared with, and the questions for its numbers on each of them.

If the last day of the range is not over, a range of one day is compared with the same hours of
every day. A longer one is compared with whole days, of which its last one counts in part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import numpy as np

from clickstream.core.sql_values import sql_literal
from clickstream.dashboard.ask.coverage import hours_of
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import (
    USUAL_KEY_DAYS,
    Question,
    add_goal,
    condition_of,
    filter_clauses,
)
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.ask.visit_days import OnDays, source_of_days
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.arrays import Floats

HISTORY = 56
"""Maximum number of days before the range that it is compared with."""

MOST_VALUES = 20
"""Maximum number of values of a dimension that are checked, the largest ones."""

LONGEST_DAYS = 92
"""Maximum length of a range, in days: a longer one shows seasons rather than unusual changes."""

Values = tuple[str, ...]
"""The values of a group, one for each dimension."""


@dataclass(frozen=True)
class Days:
    """A range up to its last complete hour, and which of the `HISTORY` days before are known.

    The oldest day is the first one.
    """

    checked: Period
    is_known: np.ndarray = field(default_factory=lambda: np.ones(HISTORY, np.bool_), compare=False)

    @property
    def span(self) -> Period:
        """The range and the days before."""
        first = self.checked.first - timedelta(days=HISTORY)
        return Period(first, self.checked.last, self.checked.until_hour)

    @property
    def is_cut(self) -> bool:
        """Whether the same hours of every day are compared."""
        return self.checked.until_hour is not None and self.checked.days == 1

    @property
    def has_part(self) -> bool:
        """Whether the last one of several days is not over."""
        return self.checked.until_hour is not None and self.checked.days > 1

    def of_whole_days(self) -> Days:
        """Return the range without an unfinished last day, if it has other days."""
        if not self.has_part:
            return self
        last = self.checked.last - timedelta(days=1)
        return Days(Period(self.checked.first, last), self.is_known)

    def weights(self, part: float) -> Floats:
        """Return how often each day before counts in a mean for the range."""
        weekdays = (HISTORY + np.arange(self.checked.days)) % 7
        often = np.bincount(weekdays, minlength=7).astype(float)
        often[weekdays[-1]] -= 1 - part
        of_history = np.arange(HISTORY) % 7
        number = np.bincount(of_history[self.is_known], minlength=7)
        lacking = often[number == 0].sum() / max(self.is_known.sum(), 1)
        weights: Floats = self.is_known * ((often / np.maximum(number, 1))[of_history] + lacking)
        return weights

    @property
    def late_sql(self) -> str:
        """SQL for whether a row is of the hours that the last day lacks, 1 or 0.

        Of the days before, only those of its weekday say which part of the day is over.
        """
        until, days = self.checked.until_hour, f"date_diff('day', {sql_literal(self.span.first)}"
        weekday = (HISTORY + self.checked.days - 1) % 7
        is_late = f"{days}, local_date) % 7 = {weekday} and local_hour >= {until}"
        return f"case when {is_late} then 1 else 0 end" if self.has_part else "0"


@dataclass(frozen=True)
class DaySeries:
    """A metric's number on each day before and of the range, and the usual part of the last day.

    `early` has the days before without the hours that the last day of the range lacks.
    """

    days: Floats
    early: Floats
    part: float = 1.0

    @property
    def now(self) -> float:
        """The number of the range."""
        return float(self.days[HISTORY:].sum())

    def plus(self, other: DaySeries) -> DaySeries:
        """Return the sums with another metric's numbers."""
        return DaySeries(self.days + other.days, self.early + other.early, self.part)

    def mean(self, days: Days) -> float:
        """Return the mean of the known days of the range's weekdays, for its length."""
        return float((self.days[:HISTORY] * days.weights(self.part)).sum())

    def excess(self, days: Days) -> float:
        """Return the difference between the range and the mean of the days before."""
        return self.now - self.mean(days)

    def weeks(self, days: Days) -> list[float]:
        """Return the numbers of the known weeks right before a range of a week, oldest first."""
        if days.checked.days != 7:
            return []
        is_known = days.is_known.reshape(-1, 7).all(axis=1)
        first = 0 if is_known.all() else int(np.flatnonzero(~is_known)[-1]) + 1
        return [*map(float, self.early.reshape(-1, 7).sum(axis=1)[first:])]


def daily_question(
    days: Days,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    key_days: int = USUAL_KEY_DAYS,
    goal: str | None = None,
) -> Question:
    """Build the question for metrics by day, as a whole or for the largest groups of dimensions.

    The rows have the group's values, the day, whether its hours are late, and the metrics. Small
    groups are included: callers must not show their numbers.
    """
    facts, span = METRICS[metrics[0]].facts, days.span
    source, goal_values = add_goal(facts.name, metrics, span, goal)
    where, values = condition_of(facts, span, filters, key_days)
    extra = [f"{DIMENSIONS[name].sql} is not null" for name in by]
    if days.is_cut:
        extra.append(f"local_hour < {days.checked.until_hour}")
    names = {name: DIMENSIONS[name].sql for name in by}
    names |= {"day": "local_date", "late": days.late_sql}
    groups = ", ".join(str(number) for number in range(1, len(names) + 1))

    def select(columns: dict[str, str], rows: str, chosen: str) -> str:
        listed = ",\n".join(f"  {column} as {name}" for name, column in (names | columns).items())
        conditions = "\n  and ".join([chosen, *extra])
        sql = f"select\n{listed}\nfrom {rows}\nwhere {conditions}\ngroup by {groups}"
        return _largest_of(sql, days, by, metrics[0]) if by else sql

    on_days = None
    sums = None if days.is_cut else source_of_days(metrics, tuple(names), span, filters, goal)
    if sums:
        chosen, of_filters = filter_clauses(filters)
        of_days = {name: METRICS[name].days_sql for name in metrics}
        on_days = OnDays(select(of_days, sums[0], chosen), of_filters, sums[1])
    return Question(
        select({name: METRICS[name].sql for name in metrics}, source, where),
        (*goal_values, *values),
        tuple(names),
        tuple(metrics),
        span,
        tuple(filters),
        key_days,
        goal,
        on_days=on_days,
    )


def _largest_of(sql: str, days: Days, by: Sequence[str], metric: str) -> str:
    """Build SQL that keeps the groups that are largest in the range or in the days before."""
    group, first = ", ".join(by), sql_literal(days.checked.first)
    is_largest = f"{group} in (select {group} from largest)"  # noqa: S608
    if len(by) > 1:  # Athena has no IN for several columns; planning takes 0.6 ms more
        is_same = " and ".join(f"largest.{name} = counted.{name}" for name in by)
        is_largest = f"exists (select 1 from largest where {is_same})"  # noqa: S608
    return f"""with counted as (
{sql}
),
largest as (
select {group}
from counted
group by {group}
order by
  greatest(
    coalesce(sum({metric}) filter (where day >= {first}), 0),
    coalesce(sum({metric}) filter (where day < {first}), 0) * {days.checked.days}e0 / {HISTORY}
  ) desc,
  {group}
limit {MOST_VALUES}
)
select *
from counted
where {is_largest}"""  # noqa: S608


def ask_days(
    page: PageContext,
    days: Days,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    filters: Sequence[Filter] | None = None,
) -> dict[Values, dict[str, DaySeries]]:
    """Ask for the series of each group by metric; the group of the whole is ().

    `filters` are by default the view's. Shares are returned as a count of visits.
    """
    chosen = page.view.filters if filters is None else filters
    question = daily_question(days, metrics, by, chosen, page.key_days, page.goal_of(metrics))
    answer = page.ask(question)
    # A whole without rows has the number 0; it is not unknown.
    groups: dict[Values, int] = {} if by else {(): 0}
    columns = list(zip(*answer.rows, strict=True)) or [()] * (len(by) + 2 + len(metrics))
    keys = zip(*columns[: len(by)], strict=True) if by else [()] * len(answer.rows)
    group_of_row = [groups.setdefault(tuple(map(str, key)), len(groups)) for key in keys]
    first = days.span.first
    position = [(day - first).days for day in columns[len(by)]]
    late = np.array(columns[len(by) + 1], int)
    where: Any = (group_of_row, position, late)
    length = HISTORY + days.checked.days
    sums = np.zeros((len(metrics), len(groups), length, 2))
    for number, name in enumerate(metrics):
        values = np.array(columns[len(by) + 2 + number], float)
        if METRICS[name].format == "share":
            values = np.nan_to_num(values) * np.array(columns[len(by) + 2], float)
        np.add.at(sums[number], where, np.nan_to_num(values))
    return {
        key: {name: _series(days, sums[number], group) for number, name in enumerate(metrics)}
        for key, group in groups.items()
    }


def _series(days: Days, sums: Floats, group: int) -> DaySeries:
    """Build the series of a group; the part of the last day is that of all groups together."""
    part, until = 1.0, days.checked.until_hour
    if until is not None and days.has_part:
        same = np.arange(HISTORY) % 7 == (HISTORY + days.checked.days - 1) % 7
        hours = sums[:, :HISTORY][:, same & days.is_known].sum(axis=(0, 1))
        part = float(hours[0] / hours.sum()) if hours.sum() else until / 24
    return DaySeries(sums[group].sum(axis=1), sums[group, :HISTORY, 0], part)


def find_days(page: PageContext, checked: Period) -> Days:
    """Find the days before whose hours are complete: published, with the lines of all servers."""
    days = Days(checked)
    complete = np.zeros(HISTORY)
    for day, _, published, incomplete in page.ask(
        daily_question(days, ("published_hours", "incomplete_hours"))
    ).rows:
        if day < checked.first:
            complete[(day - days.span.first).days] += published - incomplete
    until = checked.until_hour if days.is_cut else None
    needed = [
        hours_of(Period(day, day, until), page.zone)
        for day in Period(days.span.first, checked.first - timedelta(days=1)).dates
    ]
    return Days(checked, complete >= np.array(needed))
