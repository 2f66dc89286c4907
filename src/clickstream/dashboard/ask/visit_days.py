"""Daily sums of visits, which answer questions by at most one dimension: aggregate awareness.

The local copy keeps them in the table `visit_days`. The builders of questions write each question
on the fact views, which readers see and Athena runs, and on these sums if they have all columns.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from more_itertools import chunked

from clickstream.core.sql_values import SqlValue, sql_literal
from clickstream.dashboard.ask.fact_views import GOALS, IS_SUSPECTED, SESSIONS
from clickstream.dashboard.ask.metrics import METRICS
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.view import Filter

VISIT_DAYS = "visit_days"

VISITORS = "visitors"
_GROUPS = {
    VISITORS: (),
    "": (),
    "channel": ("channel",),
    "source": ("source",),
    "campaign": ("utm_campaign",),
    "referrer": ("referrer_domain",),
    "landing_page": ("landing_page",),
    "device": ("device",),
    "browser": ("browser",),
    "os": ("os",),
    "furthest_step": ("funnel_steps",),
    "sender": ("channel", "source"),
    "country": ("country",),
    "region": ("country", "region"),
    "city": ("country", "region", "city"),
}
"""By dimension, the columns that its SQL reads; visits are summed by each, and as a whole.

The whole is also summed with the number of visitors, which is no sum of hours or of groups.
"""

_TIMES = {"day", "week", "weekday", "late"}
"""Dimensions that depend on the date only; `late` of daily questions also on the hour."""

_SUMS = {
    "visits": "count(*) filter (where goal is null)",
    "page_views": "sum(page_views) filter (where goal is null)",
    "view_squares": "sum(page_views * page_views) filter (where goal is null)",
    "engaged": "count(*) filter (where goal is null and is_engaged)",
    "bounces": "count(*) filter (where goal is null and is_bounce)",
    "met": "count(*) filter (where goal is not null)",
}
"""Sums over the visits, which have no goal here, and over the visits that met a goal."""

_VISITORS = "count(distinct visitor_id) filter (where goal is null)"

WEEKS = 22
"""Number of dates with sums by hour: the newest one, and the same weekday of the weeks before.

Pages compare its hours so far with the eight weeks before 90 days.
"""
_COLUMNS = tuple(dict.fromkeys(name for columns in _GROUPS.values() for name in columns))
_INPUTS = {
    "session_id",
    "visitor_id",
    "local_date",
    "local_hour",
    IS_SUSPECTED,
    "page_views",
    "is_engaged",
    "is_bounce",
    *_COLUMNS,
}
_DATES_AT_ONCE = 31
"""Number of dates that one statement sums, which limits the memory."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class OnDays:
    """A statement on the sums, and the dates whose sums have to be by hour for it."""

    sql: str
    values: tuple[SqlValue, ...]
    by_hour: frozenset[date]


def _select(dimension: str, where: str, goals: str, by_hour: Collection[date] = ()) -> str:
    """Return SQL that sums the visits of people which meet a condition, `by_hour` on some dates.

    The condition `goals` chooses the rows of goals.
    """
    keys = ", ".join(("local_date", "goal", *_GROUPS[dimension]))
    hour = "null"
    if by_hour and dimension != VISITORS:
        hour = (
            f"case when local_date in ({', '.join(map(sql_literal, by_hour))}) then local_hour end"
        )
    sums = _SUMS | {"visitors": _VISITORS} if dimension == VISITORS else _SUMS
    listed = ", ".join(f"{sql} as {name}" for name, sql in sums.items())
    met = f"select copied_day, session_id, goal from {GOALS.name} where {goals}"  # noqa: S608
    visits = f"{SESSIONS.name} where {where} and not {IS_SUSPECTED}"
    return (
        f"select '{dimension}' as grouped_by, {hour} as local_hour, {keys}, {listed} from ("  # noqa: S608
        f"select *, null as goal from {visits} union all by name"
        f" select * from (from {visits}) join ({met}) using (copied_day, session_id)"
        f") group by 2, {keys}"
    )


def dates_by_hour(cursor: Any, table: str = VISIT_DAYS) -> frozenset[date]:
    """Return the dates that have sums by hour, or that are to have them by the table of visits."""
    has = "local_hour is not null" if table == VISIT_DAYS else f"not {IS_SUSPECTED}"
    query = f"select max(local_date) from {table} where {has}"  # noqa: S608
    [(newest,)] = cursor.execute(query).fetchall()
    return frozenset(newest - timedelta(weeks=number) for number in range(WEEKS) if newest)


def renew_days(cursor: Any, changed: Collection[date], columns: set[str], exists: bool) -> None:
    """Compute the sums again of local dates whose rows may be in changed files.

    `changed` are the UTC dates of these files. Without the table, all dates are computed. If one of
    the `columns` of the visits is missing, there is no table, and rows answer all questions.
    """
    if not columns >= _INPUTS:
        cursor.execute(f"drop table if exists {VISIT_DAYS}")
        return
    if not exists:
        sums = ", ".join(f"0::bigint as {name}" for name in (*_SUMS, "visitors"))
        keys = f"'' as grouped_by, '' as goal, local_date, local_hour, {', '.join(_COLUMNS)}"
        empty = f"select {keys}, {sums} from {SESSIONS.name} limit 0"  # noqa: S608
        cursor.execute(f"create table {VISIT_DAYS} as {empty}")
        rows = cursor.execute(f"select distinct copied_day from {SESSIONS.name}")  # noqa: S608
        changed = [day for (day,) in rows.fetchall()]
    dates = {day + number * _ONE_DAY for day in changed for number in (-1, 0, 1)}
    before, by_hour = dates_by_hour(cursor, VISIT_DAYS), dates_by_hour(cursor, SESSIONS.name)
    for batch in chunked(sorted(dates | (before ^ by_hour)), _DATES_AT_ONCE):
        chosen = f"local_date in ({', '.join(map(sql_literal, batch))})"
        cursor.execute(f"delete from {VISIT_DAYS} where {chosen}")  # noqa: S608
        for dimension in _GROUPS:
            select = _select(dimension, chosen, chosen, by_hour.intersection(batch))
            cursor.execute(f"insert into {VISIT_DAYS} by name {select}")


def source_of_days(
    metrics: Sequence[str],
    dimensions: Sequence[str],
    period: Period,
    filters: Sequence[Filter],
    goal: str | None,
) -> tuple[str, frozenset[date]] | None:
    """Return the sums that replace a question's visits, and the dates that have to be by hour.

    They are limited to the period. Visitors of a part of a date are counted when they are asked
    for. Return None if only rows can answer the question.
    """
    named = {*dimensions} - _TIMES | {filter_.dimension for filter_ in filters}
    dimension = "".join(named)
    if not all(METRICS[name].days_sql for name in metrics) or dimension not in _GROUPS:
        return None
    is_late, is_cut = "late" in dimensions, period.until_hour is not None
    if "visitors" in metrics:
        if named or "day" not in dimensions or (is_late and is_cut):
            return None
        dimension = VISITORS
    if period.hour_at is not None:
        return None
    first, last = sql_literal(period.first), sql_literal(period.last)
    goals = "false" if goal is None else f"goal = {sql_literal(goal)}"
    sql = (
        f"from {VISIT_DAYS} where grouped_by = '{dimension}' and (goal is null or {goals})"
        f" and local_date between {first} and {last}"
    )
    if not is_cut:
        return f"({sql}) as {SESSIONS.name}", frozenset()
    if dimension == VISITORS:
        hours = f"local_date = {last} and local_hour < {period.until_hour}"
        rows = _select(VISITORS, hours, f"{goals} and {hours}")
        sql += f" and local_date < {last} union all by name {rows}"
        return f"({sql}) as {SESSIONS.name}", frozenset()
    weeks = range(period.days // 7 + 1 if is_late else 1)
    cut = (period.last - timedelta(weeks=number) for number in weeks)
    hours = f"(local_date < {last} or local_hour < {period.until_hour})"
    return f"({sql} and {hours}) as {SESSIONS.name}", frozenset(
        day for day in cut if day >= period.first
    )
