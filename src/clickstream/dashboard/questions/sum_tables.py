"""Keeps the sums by date in the local copy up to date with its rows.

`fact_copy` calls it in the transaction that replaces the rows of some files.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from more_itertools import chunked

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.fact_views import GOALS, HOURS, SESSIONS
from clickstream.dashboard.questions.question import PEOPLE_ONLY
from clickstream.dashboard.questions.summed_facts import (
    DATES_OF_HOURS,
    EARLIER_DAY,
    FIRST_DAY,
    ORDER,
    PREFIX,
    SECOND_DAY,
    SUM_TABLES,
    SumTable,
)

VISITORS_AT_ONCE = 200_000
"""Visitors whose visits are put in order by one statement, which limits the memory."""

DAYS_AT_ONCE = 60
WEEKS = 22
"""Weeks with sums by hour: those of 90 days, and the eight weeks before that pages compare."""

_SUMMED = tuple(dict.fromkeys(table.facts.name for table in SUM_TABLES))
_VISITOR_TABLES = [table for table in SUM_TABLES if table.has_visitors and not table.by_kind]
_NOTED = (
    "(select visitor_id, min(since) as since from changed_visitors group by visitor_id) as noted"
)
_ON_EARLIER_DAYS = (
    "over (partition by visitor_id order by local_date range between"
    " unbounded preceding and interval 1 day preceding)"
)
_IN_ORDER = "order by local_date, local_hour, started_at, session_id"


def definition(goal: str) -> str:
    """Return a text that changes if the tables have to be computed again from all rows."""
    return "\n".join(f"{one.name}: {one.select('true', goal)}" for one in SUM_TABLES) + _lags()


def note_visitors(cursor: Any, days: Collection[date]) -> None:
    """Note the visitors of dates whose rows are about to change or have changed.

    The order of their later visits changes, too.
    """
    cursor.execute(
        "create temp table if not exists changed_visitors (visitor_id ubigint, since date)"
    )
    cursor.execute(
        "insert into changed_visitors select visitor_id, min(local_date) from session_facts"
        " where copied_day in ? group by visitor_id",
        [[*days]],
    )


def renew(cursor: Any, changed: Mapping[str, Collection[date]], goal: str | None) -> None:
    """Compute the sums of dates again whose rows have changed, by fact view.

    The sums of visits depend on the goals that they met. Without a goal, only the order of the
    visitors' visits is computed, for which the rows have no other source.
    """
    stale = {view: {*days} for view, days in changed.items()}
    if visits := stale.get(SESSIONS.name):
        note_visitors(cursor, visits)
        visits |= _renew_order(cursor)
    if goal is None:
        return
    columns = _columns(cursor)
    if GOALS.name in stale and SESSIONS.name in columns:
        stale[SESSIONS.name] = stale.get(SESSIONS.name, set()) | stale[GOALS.name]
    for table in SUM_TABLES:
        days = stale.get(table.facts.name)
        if not days:
            continue
        if table.inputs <= columns.get(table.facts.name, set()) and GOALS.name in columns:
            _renew_table(cursor, table, days, table.name in columns, goal)
        else:  # of another release; the rows answer
            cursor.execute(f"drop table if exists {table.name}")
    _renew_hours_of_dates(cursor, stale, goal)


def _renew_hours_of_dates(cursor: Any, changed: Mapping[str, Collection[date]], goal: str) -> None:
    """Compute the sums by hour for the newest date, and the same weekday of the weeks before.

    Pages compare the hours of the unfinished day with these hours. `changed` has the dates whose
    rows have changed, by fact view.
    """
    columns = _columns(cursor)
    if HOURS.name not in columns:
        return
    (newest,) = cursor.execute(f"select max(local_date) from {HOURS.name}").fetchone()  # noqa: S608
    wanted = [newest - timedelta(weeks=number) for number in range(WEEKS)] if newest else []
    cursor.execute(f"create table if not exists {DATES_OF_HOURS} (local_date date)")
    kept = {day for (day,) in cursor.execute(f"from {DATES_OF_HOURS}").fetchall()}
    for table in SUM_TABLES:
        if table.name in columns and not table.by_hour:
            stale = [*changed.get(table.facts.name, ())]
            new = [day for day in wanted if day not in kept]
            if stale or new:
                exists = table.name_of_hours in columns
                _renew_hours(cursor, table, wanted, new, stale, exists, goal)
    cursor.execute(f"delete from {DATES_OF_HOURS}")  # noqa: S608
    cursor.execute(f"insert into {DATES_OF_HOURS} select unnest(?::date[])", [wanted])


def build_sums(cursor: Any, goal: str) -> None:
    """Compute all sums from all rows of the copy."""
    tables = _columns(cursor).keys()
    for name in tables:
        if name.startswith(PREFIX) or name in (ORDER, DATES_OF_HOURS):
            cursor.execute(f"drop table {name}")
    changed: dict[str, set[date]] = {}
    for view in _SUMMED:
        if view in tables:
            rows = cursor.execute(f"select distinct copied_day from {view}").fetchall()  # noqa: S608
            changed[view] = {day for (day,) in rows}
    if changed:
        renew(cursor, changed, goal)


def _renew_order(cursor: Any) -> set[date]:
    """Compute the order of the noted visitors' visits again; return the dates of the visits."""
    earlier = [*(table.earlier for table in _VISITOR_TABLES), EARLIER_DAY, SECOND_DAY, FIRST_DAY]
    names = ", ".join(f"{name} date" for name in earlier)
    cursor.execute(
        f"create table if not exists {ORDER} (copied_day date, session_id ubigint,"
        f" visitor_id ubigint, local_date date, {names})"
    )
    found = cursor.execute(
        f"delete from {ORDER} using {_NOTED} where {ORDER}.visitor_id = noted.visitor_id"  # noqa: S608
        f" and {ORDER}.local_date >= noted.since returning copied_day"
    ).fetchall()
    (visitors,) = cursor.execute(f"select count(*) from {_NOTED}").fetchone()  # noqa: S608
    parts = visitors // VISITORS_AT_ONCE + 1
    for part in range(parts):
        cursor.execute(
            f"insert into {ORDER} by name select * exclude (since) from ("  # noqa: S608
            f"select *, max({EARLIER_DAY}) {_ON_EARLIER_DAYS} as {SECOND_DAY}"
            f" from (select copied_day, session_id, visitor_id, local_date, {_lags()}, since"
            f" from session_facts join {_NOTED} using (visitor_id)"
            f" where visitor_id % {parts} = {part} and {PEOPLE_ONLY})) where local_date >= since"
        )
    cursor.execute("drop table changed_visitors")
    return {day for (day,) in found}


def _lags() -> str:
    """Return SQL for the columns with the dates of the visitor's previous visit and earlier day."""
    lags = [
        f"lag(local_date) over (partition by {_group(table)} {_IN_ORDER}) as {table.earlier}"
        for table in _VISITOR_TABLES
    ]
    first = f"min(local_date) over (partition by visitor_id) as {FIRST_DAY}"
    return ", ".join([*lags, f"max(local_date) {_ON_EARLIER_DAYS} as {EARLIER_DAY}", first])


def _group(table: SumTable) -> str:
    return ", ".join(
        ["visitor_id", *([DIMENSIONS[table.dimension].sql] if table.dimension else [])]
    )


def _renew_table(
    cursor: Any, table: SumTable, days: Iterable[date], exists: bool, goal: str
) -> None:
    """Replace the sums of dates."""
    select = table.select("copied_day in ?", goal, "copied_day", with_hour=table.by_hour)
    for some in chunked(sorted(days), DAYS_AT_ONCE):
        if exists:
            cursor.execute(f"delete from {table.name} where copied_day in ?", [some])  # noqa: S608
            cursor.execute(f"insert into {table.name} by name {select}", [some])
        else:
            cursor.execute(f"create table {table.name} as {select}", [some])
            exists = True


def _renew_hours(
    cursor: Any,
    table: SumTable,
    wanted: Collection[date],
    new: Collection[date],
    stale: Collection[date],
    exists: bool,
    goal: str,
) -> None:
    """Replace the sums by hour of stale files, and add those of new dates."""
    name = table.name_of_hours
    chosen = "local_date in ? or local_date in ? and copied_day in ?"
    select = table.select(chosen, goal, "copied_day", with_hour=True)
    if exists:
        cursor.execute(
            f"delete from {name} where local_date not in ? or copied_day in ?",  # noqa: S608
            [wanted, stale],
        )
        cursor.execute(f"insert into {name} by name {select}", [new, wanted, stale])
    else:
        cursor.execute(f"create table {name} as {select}", [wanted, wanted, stale])


def _columns(cursor: Any) -> dict[str, set[str]]:
    """Return the columns of all tables."""
    found: dict[str, set[str]] = {}
    for table, column in cursor.execute(
        "select table_name, column_name from duckdb_columns() where not internal"
    ).fetchall():
        found.setdefault(table, set()).add(column)
    return found
