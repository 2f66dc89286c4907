"""Answers questions from the sums of the local copy.

A question keeps its SQL, which readers see and Athena runs. `sums_statement` decides from the parts
of a question whether a table of sums has its answer, and returns the statement on that table.
"""

from __future__ import annotations

import re
from collections.abc import Set
from datetime import date, timedelta

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.fact_views import SESSIONS
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.question import PEOPLE_ONLY, Question
from clickstream.dashboard.questions.summed_facts import (
    EARLIER_DAY,
    FIRST_DAY,
    ORDER,
    SUM_TABLES,
    VISITORS,
    SumTable,
    is_summable,
)
from clickstream.sql_values import SqlValue, sql_literal

KIND = "visitor_kind"
"""The dimension that depends on whether the visitor came on an earlier day."""

COHORTS = ("first_week", "week")
"""The dimensions of cohorts: the weeks of the first visit, and of the visits."""

_EARLIER = SUM_TABLES[0].earlier

_PLAIN = ("first", "last", "first date", "last date")
"""The values of a subquery without filters and hours."""

_KNOWN = re.compile(r"from \(\n.*?\n\) as session_facts\nwhere", re.DOTALL)
"""The subquery of the questions that depend on earlier visits, or count visits with a goal."""

Statement = tuple[str, tuple[SqlValue, ...]]
"""SQL with question marks, and their values."""

_TIMES = {"day", "week", "weekday", "hour", "weight"}
"""Dimensions that depend only on the local date and hour. `weight` is that of weekly questions."""

_EVERY_WEEK = timedelta(weeks=1)


def sums_statement(
    question: Question, tables: Set[str], dates_of_hours: Set[date] = frozenset()
) -> Statement | None:
    """Return a question's statement on one of the copy's tables of sums, and its values.

    `dates_of_hours` are the dates of which the copy has sums by hour. Return None if only the rows
    can answer it.
    """
    if question.period.hour_at is not None:
        return None
    if question.dimensions == COHORTS and ORDER in tables:
        return _cohorts(question)
    for table in SUM_TABLES:
        if _answers(table, question) and table.name in tables:
            return _on_table(table, question, dates_of_hours)
    return None


def _answers(table: SumTable, question: Question) -> bool:
    """Whether a table has the sums of all groups of a question."""
    by = {name for name in question.dimensions if name not in _TIMES}
    return (
        all(METRICS[name].facts is table.facts for name in question.metrics)
        and not any(one.chooses_visits for one in question.filters)
        and {one.dimension for one in question.filters} <= {table.dimension}
        and by <= {KIND if table.by_kind else table.dimension}
        and table.by_kind == (KIND in by)
        and table.by_hour == ("hour" in question.dimensions)
        and all(is_summable(name) or METRICS[name].sql == VISITORS for name in question.metrics)
        and (_is_group(table, question, by) or not _needs_group(question))
        and (VISITORS not in question.sql or _has_visitors(table, question))
    )


def _needs_group(question: Question) -> bool:
    """Whether a number of the question is not the sum of the values of a dimension."""
    return any("count(distinct" in METRICS[name].sql for name in question.metrics) or (
        VISITORS in question.sql
    )


def _is_group(table: SumTable, question: Question, by: set[str]) -> bool:
    """Whether each group of the question has exactly one value of the table's dimension."""
    if not table.dimension or by:
        return True
    return any(len(one.values) == 1 and not one.is_excluded for one in question.filters)


def _has_visitors(table: SumTable, question: Question) -> bool:
    by = {*question.dimensions}
    is_by_day = "weight" not in by or "day" in by
    return table.has_visitors and is_by_day and not {"weekday", "hour"} & by


def _on_table(table: SumTable, question: Question, dates_of_hours: Set[date]) -> Statement | None:
    """Return the statement with sums in place of the rows; None if it has an unknown form."""
    sql, values = with_known_visits(question, table.facts.name)
    named = f"from {table.facts.name}\nwhere"
    replaced = {
        named: f"from {_source(table, question, dates_of_hours)}\nwhere",
        f"\n  and {PEOPLE_ONLY}": "",
    }
    for name in question.metrics:
        one = METRICS[name]
        metric = one.shown_sql if f"{one.shown_sql} as {name}" in sql else one.sql
        if metric != VISITORS:
            replaced[f"{metric} as {name}"] = f"{table.metric(metric)} as {name}"
    for old, new in replaced.items():
        if sql.count(old) != 1:
            return None
        sql = sql.replace(old, new)
    visitors = table.visitors(_group_begins(question), _known_since(question))
    return sql.replace(VISITORS, visitors), values


def with_known_visits(question: Question, source: str) -> Statement:
    """Return a statement that takes from columns whether a visit is returning or met the goal.

    The columns are `earlier_day` and `met_goal`. Other questions stay unchanged.
    """
    if KIND not in question.dimensions and not _counts_goal(question):
        return question.sql, question.values
    known = _KNOWN.search(question.sql)
    assert known  # noqa: S101  such a question has a subquery
    since = _known_since(question)
    sql = question.sql.replace(known[0], f"from {source}\nwhere")
    is_returning = f"coalesce({EARLIER_DAY} >= {since}, false)"
    return sql.replace("local_date > first_seen", is_returning), question.values[
        known[0].count("?") :
    ]


def _counts_goal(question: Question) -> bool:
    return any(METRICS[name].is_of_goal for name in question.metrics)


def _cohorts(question: Question) -> Statement | None:
    """Return the statement for the visitors of cohorts on the order of their visits.

    A visitor's first visit in each week is counted, in place of different visitors.
    """
    known = _KNOWN.search(question.sql)
    is_plain = known and known[0].count("?") == len(_PLAIN)  # without filters and hours
    if not known or not is_plain or question.metrics != ("visitors",):
        return None
    since = _known_since(question)
    is_first = f"({_EARLIER} is null or {_EARLIER} < {_group_begins(question)})"
    columns = "local_date, local_date as session_date"
    recent = (
        f"select {FIRST_DAY} as first_date, {columns} from {ORDER} where {FIRST_DAY} >= {since}"  # noqa: S608
    )
    begins = (
        f"select visitor_id, local_date as first_date from {ORDER}"  # noqa: S608
        f" where {FIRST_DAY} < {since} and {_EARLIER} < {since} and local_date >= {since}"
    )
    # Hardly a visitor is known for longer, so this reads few visits: 15 ms instead of 95 in all.
    older = (
        f"select first_date, {columns} from {ORDER} join ({begins}) using (visitor_id)"  # noqa: S608
        f" where {FIRST_DAY} < {since}"
    )
    source = f"({recent} and {is_first} union all {older} and {is_first}) as {SESSIONS.name}"
    sql = question.sql.replace(known[0], f"from {source}\nwhere").replace(VISITORS, "count(*)")
    return sql.replace(f"\n  and {PEOPLE_ONLY}", ""), question.values[len(_PLAIN) :]


def _known_since(question: Question) -> str:
    """Return SQL for the date since which earlier visits of the visitors are known."""
    return sql_literal(question.period.first - timedelta(days=question.key_days))


def _group_begins(question: Question) -> str:
    """Return SQL for the first date of the period of a group."""
    first = sql_literal(question.period.first)
    if "day" in question.dimensions:
        return "local_date"
    if "week" in question.dimensions:
        return f"greatest({first}, {DIMENSIONS['week'].sql})"
    return first


def _source(table: SumTable, question: Question, dates_of_hours: Set[date]) -> str:
    """Return the table, with sums by hour instead for the dates of which only some hours count."""
    if table.by_hour or question.period.until_hour is None:
        return f"{table.name} as {table.facts.name}"
    days, last = _cut_dates(question), sql_literal(question.period.last)
    is_cut = f"date_diff('day', local_date, {last}) % 7 = 0"  # faster than a list of dates
    if len(days) == 1:
        is_cut = f"local_date = {last}"
    if dates_of_hours >= {*days}:
        of_hours = f"select * from {table.name_of_hours} where {is_cut}"  # noqa: S608
    else:
        needs_visitors = VISITORS in question.sql or KIND in question.dimensions
        goal = question.goal or ""
        of_hours = table.select(is_cut, goal, with_hour=True, with_visitors=needs_visitors)
    return (
        f"(select * from {table.name} where not {is_cut}"  # noqa: S608
        f" union all by name {of_hours}) as {table.facts.name}"
    )


def _cut_dates(question: Question) -> list[date]:
    """Return the dates of which only some hours count: the last one, in weekly questions weekly."""
    period = question.period
    if "weight" not in question.dimensions:
        return [period.last]
    return [period.last - number * _EVERY_WEEK for number in range(period.days // 7 + 1)]
