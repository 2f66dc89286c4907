"""Builds questions: one SQL statement for metrics by dimensions, in a period, with filters.

The SQL runs unchanged on Athena and on DuckDB. Names come from the tables in `metrics` and
`dimensions`, never from a URL; values are always parameters.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from clickstream.core.sql_values import SqlValue, sql_literal
from clickstream.core.wording import printable
from clickstream.dashboard.ask.dimensions import DIMENSIONS, OF_SUSPICION, Dimension
from clickstream.dashboard.ask.fact_views import (
    GOALS,
    IS_SUSPECTED,
    MONEY,
    SESSIONS,
    FactView,
)
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import WITH_SUSPECTED, Filter, Value
from clickstream.dashboard.ask.visit_days import OnDays, source_of_days

Clause = tuple[str, tuple[SqlValue, ...]]
"""A condition with question marks, and their values."""

USUAL_KEY_DAYS = 30
"""The default of `[privacy] key_days`: the days for which a visitor can be recognized."""

_ONE_DAY = timedelta(days=1)

FIRST_DATE = date(1970, 1, 1)
"""No fact is older."""

EVER = Period(FIRST_DATE, date(9999, 12, 30))
"""All dates that facts can have."""

_ORDER = "sales_source || ' ' || order_id"


class FactId(str):
    """An id of a session or a visitor in the facts: 16 hexadecimal digits."""

    __slots__ = ()


@dataclass(frozen=True)
class Question:
    """A SELECT with question marks, their values, and the names of its columns.

    The dimensions come first, then the metrics. `period`, `filters`, `key_days` and `goal` are the
    inputs that it was built from. The answer of a question with `is_kept` is kept for the next
    reader. `on_days` is the same question on `visit_days`, if these sums can answer it.
    """

    sql: str
    values: tuple[SqlValue, ...]
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]
    period: Period
    filters: tuple[Filter, ...] = ()
    key_days: int = USUAL_KEY_DAYS
    goal: str | None = None
    is_kept: bool = True
    on_days: OnDays | None = None

    @property
    def smallest_group(self) -> int:
        """Minimum number of visitors of a group; `folding` counts smaller groups together."""
        return _smallest_group([DIMENSIONS[name] for name in self.dimensions])

    def sql_with_values(self) -> str:
        """Return the statement with literals instead of question marks, for people to run."""
        parts = self.sql.split("?")
        literals = [_visible_literal(value) for value in self.values]
        return "".join(part + literal for part, literal in zip(parts, [*literals, ""], strict=True))

    @property
    def searched(self) -> tuple[str, ...]:
        """The dimensions whose values a reader can search: names, not dates and hours."""
        return tuple(name for name in self.dimensions if DIMENSIONS[name].order == "metric")

    def containing(
        self, text: str, named: Mapping[str, Sequence[Value]], limit: int | None = None
    ) -> Question:
        """Return the question for the groups with a value that contains a text, in any case.

        `named` has, for each searched dimension, the values whose shown name contains the text.
        """
        clauses = [_containing_clause(name, text, named[name]) for name in self.searched]
        order = _order([DIMENSIONS[name] for name in self.dimensions], len(self.metrics))
        sql = f"select *\nfrom (\n{self.sql}\n) as found"
        if clauses:
            sql += f"\nwhere {' or '.join(clause for clause, _ in clauses)}"
        sql += f"\norder by {order}" + (f"\nlimit {limit}" if limit is not None else "")
        values = tuple(value for _, values in clauses for value in values)
        return replace(self, sql=sql, values=(*self.values, *values), on_days=None)


def _visible_literal(value: SqlValue) -> str:
    """Format a value as SQL that has its hidden characters as numbers, and means the same."""
    return "".join(
        char if printable(char) == char else f"' || chr({ord(char)}) || '"
        for char in sql_literal(value)
    )


@dataclass(frozen=True)
class QuestionScope:
    """The dates of a question, and the days for which a visitor can be recognized."""

    period: Period
    key_days: int

    def with_earlier_visits(self) -> QuestionScope:
        """Return the scope that also contains all earlier visits of its visitors."""
        first = self.period.first - timedelta(days=self.key_days)
        return replace(self, period=replace(self.period, first=first))

    def with_all_before(self) -> QuestionScope:
        """Return the scope that also contains all earlier dates."""
        return replace(self, period=replace(self.period, first=FIRST_DATE))


def build_question(
    metrics: Sequence[str],
    by: Sequence[str],
    period: Period,
    filters: Sequence[Filter] = (),
    limit: int | None = None,
    key_days: int = USUAL_KEY_DAYS,
    goal: str | None = None,
) -> Question:
    """Build the question for metrics of one fact view, as a whole or by dimensions.

    Groups are sorted by the first metric, the largest first, or by the dimensions if those are
    ordered by value. `key_days` limits how long before the period a visitor's earlier visits can
    be. `goal` is the goal that metrics of the main goal count.
    """
    scope = QuestionScope(period, key_days)
    facts = METRICS[metrics[0]].facts
    dimensions = [DIMENSIONS[name] for name in by]
    named = [f"{dimension.sql} as {dimension.name}" for dimension in dimensions]
    columns = [*named, *(f"{METRICS[name].shown_sql} as {name}" for name in metrics)]
    source, source_values = _source(facts, dimensions, scope, filters)
    if any(dimension.is_of_chosen for dimension in dimensions):
        filters = of_suspicion(filters)
    source, goal_values = add_goal(source, metrics, period, goal)
    where, values = _where(facts, scope, filters)
    computed = facts.rows.replace("{where}", where.replace("\n", "\n    "))
    rest = [*_grouping(facts, dimensions, len(metrics)), *([f"limit {limit}"] if limit else [])]
    rows = [f"from {computed}"] if computed else [f"from {source}", f"where {where}"]
    on_days = None
    days = source_of_days(metrics, by, period, filters, goal)
    if days and not _smallest_group(dimensions):
        columns_of_days = [
            *named,
            *(f"{METRICS[name].shown_days_sql} as {name}" for name in metrics),
        ]
        chosen, of_filters = filter_clauses(filters)
        of_days = _statement(columns_of_days, [f"from {days[0]}", f"where {chosen}"], rest)
        on_days = OnDays(of_days, of_filters, days[1])
    return Question(
        _statement(columns, rows, rest),
        (*goal_values, *source_values, *values),
        tuple(by),
        tuple(metrics),
        period,
        tuple(filters),
        key_days,
        goal,
        on_days=on_days,
    )


def _statement(columns: Sequence[str], *clauses: Sequence[str]) -> str:
    lines = ["select", ",\n".join(f"  {column}" for column in columns)]
    return "\n".join([*lines, *(line for clause in clauses for line in clause)])


def _grouping(facts: FactView, dimensions: Sequence[Dimension], metrics: int) -> list[str]:
    """Return the clauses that group and sort by dimensions; none for the whole."""
    if not dimensions:
        return []
    places = [str(number) for number in range(1, len(dimensions) + 1)]
    smallest = _smallest_group(dimensions)
    having = [f"having count(distinct {facts.counted}) >= {smallest}"] if smallest else []
    order = f"order by {_order(dimensions, metrics)}"
    return [f"group by {', '.join(places)}", *having, order]


def leading_goal(order: str, goals: Collection[str]) -> str:
    """Return the main one of a site's goals: the order, else the first; empty without a goal."""
    return order if order in goals else next(iter(goals), "")


def add_goal(source: str, metrics: Sequence[str], period: Period, goal: str | None) -> Clause:
    """Add the column `met_goal` to visits, if a metric counts those with the main goal.

    It is a condition and no join: with a left join, DuckDB 2.0 takes sums for too small and fails.
    """
    if not any(METRICS[name].is_of_goal for name in metrics):
        return source, ()
    if goal is None:
        raise ValueError(f"{', '.join(metrics)} need the name of the main goal.")
    sql, values = in_period(GOALS, period)
    met = f"session_id in (select session_id from {GOALS.name} where {sql} and goal = ?)"  # noqa: S608
    select = f"(\n  select *,\n  {met} as met_goal\n  from {source}\n)"  # noqa: S608
    return f"{select} as {SESSIONS.name}", (*values, goal)


def _smallest_group(dimensions: Sequence[Dimension]) -> int:
    return max((dimension.smallest_group for dimension in dimensions), default=0)


def _order(dimensions: Sequence[Dimension], metrics: int) -> str:
    """Sort by column positions, null groups last, so that all engines give the same order."""
    places = [f"{number} nulls last" for number in range(1, len(dimensions) + 1)]
    if dimensions[0].order == "metric" and metrics:
        places.insert(0, f"{len(dimensions) + 1} desc nulls last")
    return ", ".join(places)


def _source(
    facts: FactView,
    dimensions: Sequence[Dimension],
    scope: QuestionScope,
    filters: Sequence[Filter] = (),
) -> Clause:
    """Select from the fact view, with columns that are computed from earlier visits or orders.

    A visitor id is valid for `key_days` at most, so older rows can't belong to the same visitor.
    The key of a customer stays valid, so all earlier orders count.
    """
    history_columns = [dimension.history_sql for dimension in dimensions if dimension.history_sql]
    if not history_columns:
        return facts.name, ()
    is_of_chosen = any(dimension.is_of_chosen for dimension in dimensions)
    chosen = filters if is_of_chosen else of_suspicion(filters)
    earlier = scope.with_earlier_visits() if facts.has_sessions else scope.with_all_before()
    where, values = _where(facts, earlier, chosen)
    columns = ",\n  ".join(["*", *history_columns])
    select = f"(\n  select {columns}\n  from {facts.name}\n  where {where}\n)"  # noqa: S608
    return f"{select} as {facts.name}", values


PEOPLE_ONLY = f"not {IS_SUSPECTED}"
"""The condition of questions that leave out suspected machines."""


def of_suspicion(filters: Sequence[Filter]) -> tuple[Filter, ...]:
    """Return the filters that choose between people and suspected machines."""
    return tuple(filter_ for filter_ in filters if filter_.dimension in OF_SUSPICION)


def condition_of(
    facts: FactView, period: Period, filters: Sequence[Filter], key_days: int = USUAL_KEY_DAYS
) -> Clause:
    """Build the condition that chooses the rows of a fact view."""
    return _where(facts, QuestionScope(period, key_days), filters)


def _where(facts: FactView, scope: QuestionScope, filters: Sequence[Filter]) -> Clause:
    """Build the condition that chooses the rows of a fact view.

    Filters choose visits. On a view without sessions, only filters by its own dimensions apply.
    Suspected machines are left out, unless a filter chooses them.
    """
    is_of_people = not of_suspicion(filters)
    filters = [filter_ for filter_ in filters if filter_ != WITH_SUSPECTED]
    own = [
        filter_
        for filter_ in filters
        if _is_column_of(DIMENSIONS[filter_.dimension], facts)
        and (facts is SESSIONS or not facts.has_sessions or not filter_.chooses_visits)
    ]
    clauses = [in_period(facts, scope.period), *(_filter_clause(filter_) for filter_ in own)]
    if facts.has_orders:
        clauses += _orders_clause(scope, filters)
    if not facts.has_sessions:
        return _join_clauses(clauses)
    if is_of_people:
        clauses.insert(1, (PEOPLE_ONLY, ()))
    remaining = [filter_ for filter_ in filters if filter_ not in own]
    if facts is SESSIONS:
        clauses += [_visits_clause(filter_, scope) for filter_ in remaining]
    elif remaining:
        chosen = remaining if is_of_people else [*remaining, WITH_SUSPECTED]
        sql, values = _where(SESSIONS, scope, chosen)
        of_sessions = f"session_id in (select session_id from {SESSIONS.name} where {sql})"  # noqa: S608
        clauses.append((of_sessions, values))
    return _join_clauses(clauses)


def _orders_clause(scope: QuestionScope, filters: Sequence[Filter]) -> list[Clause]:
    """Choose the rows of the orders that the filters of visits choose."""
    chosen = [filter_ for filter_ in filters if filter_.dimension in MONEY.visit_dimensions]
    if not chosen:
        return []
    sql, values = _where(MONEY, scope, chosen)
    orders = f"select {_ORDER} from {MONEY.name} where orders = 1 and {sql}"  # noqa: S608
    return [(f"{_ORDER} in ({orders})", values)]


def _is_column_of(dimension: Dimension, facts: FactView) -> bool:
    is_column = dimension.facts is facts or dimension.name in facts.visit_dimensions
    return is_column and not dimension.history_sql


def _join_clauses(clauses: Sequence[Clause]) -> Clause:
    return (
        "\n  and ".join(sql for sql, _ in clauses),
        tuple(value for _, values in clauses for value in values),
    )


def in_period(facts: FactView, period: Period) -> Clause:
    """Choose rows by local date, and by the UTC dates around it, so that Athena skips files.

    A period of one UTC hour works on fact views that have the column `hour_at`.
    """
    sql = f"local_date between ? and ? and {facts.dated_by} between ? and ?"
    values: tuple[SqlValue, ...] = (
        period.first,
        period.last,
        period.first - _ONE_DAY,
        period.last + _ONE_DAY,
    )
    if period.hour_at is not None:
        return f"{sql} and hour_at = ?", (*values, period.hour_at)
    if period.until_hour is None:
        return sql, values
    return f"{sql} and (local_date < ? or local_hour < ?)", (
        *values,
        period.last,
        period.until_hour,
    )


def filter_clauses(filters: Sequence[Filter]) -> Clause:
    """Build the condition of filters by columns of the rows."""
    return _join_clauses([("true", ()), *map(_filter_clause, filters)])


def _filter_clause(filter_: Filter) -> Clause:
    """Build the condition of a filter; `coalesce` makes it true or false for null, too."""
    column = DIMENSIONS[filter_.dimension].sql
    texts = tuple(value for value in filter_.values if value is not None)
    parts = []
    if texts:
        parts.append(f"coalesce({column} in ({', '.join('?' * len(texts))}), false)")
    if None in filter_.values:
        parts.append(f"{column} is null")
    sql = f"({' or '.join(parts)})"
    return f"not {sql}" if filter_.is_excluded else sql, texts


def _containing_clause(column: str, text: str, named: Sequence[Value]) -> Clause:
    """Choose the groups whose value contains a text, or is one of the named values."""
    texts = tuple(value for value in named if value is not None)
    parts = [f"strpos(lower(cast({column} as varchar)), lower(?)) > 0"]
    parts += [f"{column} in ({', '.join('?' * len(texts))})"] if texts else []
    parts += [f"{column} is null"] if None in named else []
    return " or ".join(parts), (text, *texts)


def _visits_clause(filter_: Filter, scope: QuestionScope) -> Clause:
    """Choose visits with a row of another fact view that has one of the values, or without one.

    Columns about visitors from their earlier visits count as such rows.
    """
    dimension = DIMENSIONS[filter_.dimension]
    facts = dimension.facts
    assert facts is not None  # noqa: S101  filters have a fact view
    source, source_values = _source(facts, [dimension], scope)
    sql, values = in_period(facts, scope.period)
    chosen, texts = _filter_clause(Filter(filter_.dimension, filter_.values))
    subquery = f"select session_id from {source} where {sql} and {chosen}"  # noqa: S608
    all_values = (*source_values, *values, *texts)
    return f"session_id {'not ' if filter_.is_excluded else ''}in ({subquery})", all_values
