"""Questions: metrics by dimensions, for a period and filters, as one SQL statement with values.

The SQL runs unchanged on Athena and on DuckDB. Names come from the tables in `metrics`, never from
a URL; values are always parameters.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from clickstream.dashboard.dimensions import DIMENSIONS, Dimension
from clickstream.dashboard.fact_views import SESSIONS, FactView
from clickstream.dashboard.metrics import METRICS
from clickstream.dashboard.periods import Period
from clickstream.dashboard.view import Filter

SqlValue = str | int | date
Clause = tuple[str, tuple[SqlValue, ...]]
"""A condition with its question marks, and their values."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class Question:
    """A SELECT with question marks, the values for them, and the names of its columns.

    The dimensions come first, then the metrics.
    """

    sql: str
    values: tuple[SqlValue, ...]
    dimensions: tuple[str, ...]
    metrics: tuple[str, ...]

    def sql_with_values(self) -> str:
        """The statement with literals in place of the question marks, for people to run."""
        parts = self.sql.split("?")
        literals = [sql_literal(value) for value in self.values]
        return "".join(part + literal for part, literal in zip(parts, [*literals, ""], strict=True))


def sql_literal(value: SqlValue) -> str:
    """A value as SQL, for Athena and DuckDB."""
    if isinstance(value, date):
        return f"date '{value}'"
    return str(value) if isinstance(value, int) else "'" + value.replace("'", "''") + "'"


def build_question(
    metrics: Sequence[str],
    by: Sequence[str],
    period: Period,
    filters: Sequence[Filter] = (),
    limit: int | None = None,
) -> Question:
    """Ask for metrics of one fact view, as a whole or by dimensions.

    Groups come the largest first by the first metric, or in the order of the dimensions if those
    are ordered by value.
    """
    facts = METRICS[metrics[0]].facts
    dimensions = [DIMENSIONS[name] for name in by]
    columns = [f"{one.sql} as {one.name}" for one in dimensions]
    columns += [f"{METRICS[name].sql} as {name}" for name in metrics]
    where, values = _where(facts, period, filters)
    lines = [
        "select",
        ",\n".join(f"  {column}" for column in columns),
        f"from {facts.name}",
        f"where {where}",
    ]
    if dimensions:
        places = [str(number) for number in range(1, len(dimensions) + 1)]
        lines.append(f"group by {', '.join(places)}")
        if smallest := max(one.smallest_group for one in dimensions):
            lines.append(f"having count(distinct visitor_id) >= {smallest}")
        lines.append(f"order by {_order(dimensions, len(metrics))}")
    if limit is not None:
        lines.append(f"limit {limit}")
    return Question("\n".join(lines), values, tuple(by), tuple(metrics))


def _order(dimensions: Sequence[Dimension], metrics: int) -> str:
    """Positions of columns: null groups come last, so that the order is one on all engines."""
    places = [f"{number} nulls last" for number in range(1, len(dimensions) + 1)]
    if dimensions[0].order == "metric" and metrics:
        places.insert(0, f"{len(dimensions) + 1} desc nulls last")
    return ", ".join(places)


def _where(facts: FactView, period: Period, filters: Sequence[Filter]) -> Clause:
    """The condition that chooses the rows of a fact view.

    Filters choose visits. A view without sessions is not filtered by them.
    """
    clauses = [_in_period(facts, period)]
    if not facts.has_sessions:
        return _joined(clauses)
    own = [
        one
        for one in filters
        if DIMENSIONS[one.dimension].facts is facts
        and (facts is SESSIONS or not one.chooses_visits)
    ]
    clauses += [_chosen(one) for one in own]
    if facts is SESSIONS:
        others = [one for one in filters if one not in own]
        clauses += [_of_sessions_with(one, period) for one in others]
    elif len(own) < len(filters):
        sql, values = _where(SESSIONS, period, [one for one in filters if one not in own])
        of_sessions = f"session_id in (select session_id from {SESSIONS.name} where {sql})"  # noqa: S608
        clauses.append((of_sessions, values))
    return _joined(clauses)


def _joined(clauses: Sequence[Clause]) -> Clause:
    return (
        "\n  and ".join(sql for sql, _ in clauses),
        tuple(value for _, values in clauses for value in values),
    )


def _in_period(facts: FactView, period: Period) -> Clause:
    """Rows of local dates; the UTC dates around them let Athena leave out the other files."""
    sql = f"local_date between ? and ? and {facts.dated_by} between ? and ?"
    values: tuple[SqlValue, ...] = (
        *(period.first, period.last),
        *(period.first - _ONE_DAY, period.last + _ONE_DAY),
    )
    if period.until_hour is None:
        return sql, values
    return f"{sql} and (local_date < ? or local_hour < ?)", (
        *values,
        period.last,
        period.until_hour,
    )


def _chosen(one: Filter) -> Clause:
    """The condition of a filter; `coalesce` makes it true or false for null, too."""
    column = DIMENSIONS[one.dimension].sql
    texts = tuple(value for value in one.values if value is not None)
    parts = []
    if texts:
        parts.append(f"coalesce({column} in ({', '.join('?' * len(texts))}), false)")
    if None in one.values:
        parts.append(f"{column} is null")
    sql = f"({' or '.join(parts)})"
    return f"not {sql}" if one.is_excluded else sql, texts


def _of_sessions_with(one: Filter, period: Period) -> Clause:
    """Visits with a row of another fact view that has one of the values, or without such a row."""
    facts = DIMENSIONS[one.dimension].facts
    assert facts is not None  # noqa: S101  filters have a fact view
    sql, values = _in_period(facts, period)
    chosen, texts = _chosen(Filter(one.dimension, one.values))
    subquery = f"select session_id from {facts.name} where {sql} and {chosen}"  # noqa: S608
    return f"session_id {'not ' if one.is_excluded else ''}in ({subquery})", (*values, *texts)


def condition_of(facts: FactView, period: Period, filters: Sequence[Filter]) -> Clause:
    """Build the condition of a period and filters, for statements of another shape."""
    return _where(facts, period, filters)
