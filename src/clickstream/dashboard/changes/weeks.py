"""The weeks that a range is compared with, and the questions for its numbers in each of them.

The numbers of each earlier week are scaled to the length of the range: each day and hour is
weighted by how often the range has its weekday and hour. So ranges of any length are compared with
the same weekdays, and an unfinished last day with the same hours.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from clickstream.core.sql_values import sql_literal
from clickstream.dashboard.ask.coverage import are_nearly_all
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

WEEKS = 8
"""Maximum number of weeks before the range that it is compared with."""

LEAST_WEEKS = 3
MOST_VALUES = 20
"""Maximum number of values of a dimension that are checked, the largest ones."""

Values = tuple[str, ...]
"""The values of a group, one for each dimension."""

LONGEST_DAYS = 92
"""Maximum length of a range, in days: a longer one shows seasons rather than unusual changes."""


@dataclass(frozen=True)
class Weeks:
    """A range up to its last complete hour, and the numbers (1 to 8) of the complete weeks before.

    Week 0 is the range itself.
    """

    checked: Period
    numbers: Sequence[int] = ()

    @property
    def length(self) -> float:
        """The range's length in weeks, at least 1: of earlier weeks only its days count."""
        return max(self.checked.days / 7, 1.0)

    @property
    def span(self) -> Period:
        """The range and the weeks before."""
        first = self.checked.first - timedelta(weeks=WEEKS)
        return Period(first, self.checked.last, self.checked.until_hour)

    def of_whole_days(self) -> Weeks:
        """Return the weeks of the range without an unfinished last day, if it has other days."""
        if self.checked.until_hour is None or self.checked.days == 1:
            return self
        last = self.checked.last - timedelta(days=1)
        return Weeks(Period(self.checked.first, last), self.numbers)

    def week_before(self, number: int) -> Period:
        """Return the compared part of a week before."""
        if self.checked.days <= 7:
            return self.checked.shifted(-7 * number)
        first = self.checked.first - timedelta(weeks=number)
        return Period(first, first + timedelta(days=6))

    @property
    def day_sql(self) -> str:
        """SQL for the days since the span began."""
        return f"date_diff('day', {sql_literal(self.span.first)}, local_date)"

    @property
    def week_sql(self) -> str:
        """SQL for the number of a row's week. Engines differ in the division of whole numbers."""
        week = f"{WEEKS} - cast(({self.day_sql} - {self.day_sql} % 7) / 7 as integer)"
        return f"case when {self._in_range} then 0 else {week} end"

    @property
    def weight_sql(self) -> str:
        """SQL for how often the range has a row's weekday (and hour)."""
        whole, more = divmod(self.checked.days, 7)
        offset = f"{self.day_sql} % 7"
        cases = [f"when {self._in_range} then 1"]
        if (until := self.checked.until_hour) is not None:
            last = (self.checked.days - 1) % 7
            often = whole - (not more)
            cases.append(f"when {offset} = {last} and local_hour >= {until} then {often}")
        cases.append(f"when {offset} < {more} then {whole + 1}")
        return f"case {' '.join(cases)} else {whole} end"

    @property
    def _in_range(self) -> str:
        return f"local_date >= {sql_literal(self.checked.first)}"


@dataclass
class WeekSeries:
    """A metric's numbers: in the range, and in each week before, scaled to the range."""

    weeks: list[float] = field(default_factory=lambda: [0.0] * (WEEKS + 1))

    @property
    def now(self) -> float:
        """The number of the range."""
        return self.weeks[0]

    def before(self, weeks: Weeks) -> list[float]:
        """Return the numbers of the complete weeks before."""
        return [self.weeks[number] for number in weeks.numbers]

    def plus(self, other: WeekSeries) -> WeekSeries:
        """Return the sums with another metric's numbers."""
        return WeekSeries([a + b for a, b in zip(self.weeks, other.weeks, strict=True)])

    def excess(self, weeks: Weeks) -> float:
        """Return the difference between the range and the usual number."""
        before = self.before(weeks)
        return self.now - sum(before) / len(before)


def weekly_question(
    weeks: Weeks,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    filters: Sequence[Filter] = (),
    key_days: int = USUAL_KEY_DAYS,
    goal: str | None = None,
    is_daily: bool = False,
) -> Question:
    """Build the question for metrics by week, as a whole or for the largest groups of dimensions.

    The rows have the group's values, the week, the weight and the metrics. With `is_daily`, they
    also have the date, so that visitors are counted once a day; then all hours of a day need the
    same weight. Small groups are included: callers must not show their numbers.
    """
    facts = METRICS[metrics[0]].facts
    source, goal_values = add_goal(facts.name, metrics, weeks.span, goal)
    where, values = condition_of(facts, weeks.span, filters, key_days)
    not_null = [f"{DIMENSIONS[name].sql} is not null" for name in by]
    short = [f"{weeks.day_sql} % 7 < {weeks.checked.days}"] if weeks.checked.days < 7 else []
    names = {name: DIMENSIONS[name].sql for name in by}
    names |= {"week": weeks.week_sql, "weight": weeks.weight_sql}
    if is_daily:
        names["day"] = "local_date"
    groups = ", ".join(str(number) for number in range(1, len(names) + 1))
    columns = names | {name: METRICS[name].sql for name in metrics}
    listed = ",\n".join(f"  {column} as {name}" for name, column in columns.items())
    conditions = "\n  and ".join([where, *not_null, *short])
    sql = f"select\n{listed}\nfrom {source}\nwhere {conditions}\ngroup by {groups}"
    on_days = None
    if days := source_of_days(metrics, tuple(names), weeks.span, filters, goal):
        columns = names | {name: METRICS[name].days_sql for name in metrics}
        listed = ",\n".join(f"  {column} as {name}" for name, column in columns.items())
        chosen, of_filters = filter_clauses(filters)
        conditions = "\n  and ".join([chosen, *not_null, *short])
        of_days = f"select\n{listed}\nfrom {days[0]}\nwhere {conditions}\ngroup by {groups}"
        of_days = _largest_of(of_days, by, metrics[0]) if by else of_days
        on_days = OnDays(of_days, of_filters, days[1])
    return Question(
        _largest_of(sql, by, metrics[0]) if by else sql,
        (*goal_values, *values),
        tuple(names),
        tuple(metrics),
        weeks.span,
        tuple(filters),
        key_days,
        goal,
        on_days=on_days,
    )


def _largest_of(sql: str, by: Sequence[str], metric: str) -> str:
    """Build SQL that keeps the groups that are largest in the range or in the weeks before."""
    group = ", ".join(by)
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
    coalesce(sum({metric}) filter (where week = 0), 0),
    coalesce(sum({metric} * weight) filter (where week > 0), 0) / {WEEKS}e0
  ) desc,
  {group}
limit {MOST_VALUES}
)
select *
from counted
where {is_largest}"""  # noqa: S608


def ask_weeks(
    page: PageContext,
    weeks: Weeks,
    metrics: Sequence[str],
    by: Sequence[str] = (),
    filters: Sequence[Filter] | None = None,
    is_daily: bool = False,
) -> dict[Values, dict[str, WeekSeries]]:
    """Ask for the series of each group by metric; the group of the whole is ().

    `filters` are by default the view's. Shares are returned as a count and a number of visits.
    """
    chosen = page.view.filters if filters is None else filters
    goal = page.goal_of(metrics)
    question = weekly_question(weeks, metrics, by, chosen, page.key_days, goal, is_daily)
    # A whole without rows has the number 0; it is not unknown.
    groups: dict[Values, dict[str, WeekSeries]] = {}
    if not by:
        groups[()] = {name: WeekSeries() for name in metrics}
    for row in page.ask(question).records():
        group = tuple(str(row[name]) for name in by)
        series = groups.setdefault(group, {name: WeekSeries() for name in metrics})
        for name in metrics:
            times = row[metrics[0]] if METRICS[name].format == "share" else 1
            series[name].weeks[row["week"]] += row["weight"] * float(row[name] or 0) * times
    return groups


def find_weeks(page: PageContext, checked: Period) -> Weeks:
    """Find the weeks before whose hours are complete: published, with the lines of all servers."""
    weeks = Weeks(checked)
    question = weekly_question(weeks, ("published_hours", "incomplete_hours"))
    complete = [0] * (WEEKS + 1)
    for week, weight, published, incomplete in page.ask(question).rows:
        complete[week] += (published - incomplete) if weight else 0
    numbers = [
        number
        for number in range(1, WEEKS + 1)
        if are_nearly_all(complete[number], weeks.week_before(number), page.zone)
    ]
    return Weeks(checked, numbers)
