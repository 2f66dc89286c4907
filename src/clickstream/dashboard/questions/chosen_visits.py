"""The visits that the filters of a page choose, in a temporary table of one reader of the copy.

A page asks dozens of questions with the same filters. A filter by page reads all page views, so the
first question copies the visits that it chooses, for the dates that it asks about. Later questions
read these visits, and copy only further dates. Other filters are faster on all visits: a copy takes
as long as about twenty of their questions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from clickstream.dashboard.questions.daily_sums import KIND, Statement, with_known_visits
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.fact_views import PAGE_VIEWS, SESSIONS, FactView
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import Question, condition_of, of_suspicion
from clickstream.dashboard.questions.summed_facts import (
    EARLIER_DAY,
    MET_GOAL,
    ORDER,
    visits_with_goal,
)
from clickstream.dashboard.questions.view import Filter

_RARE = {"medium", "utm_term", "utm_content", "exit_page"}
"""Columns that take longer to copy than the few questions about them take on all visits."""

_KEYS = ("session_id", "visitor_id", "started_at", "local_date", "local_hour", "session_date")
_ONE_DAY = timedelta(days=1)


@dataclass
class _Copied:
    """A temporary table and the dates whose visits it has."""

    name: str
    dates: set[date] = field(default_factory=set)


class ChosenVisits:
    """The temporary tables of a cursor, one for each combination of filters by page.

    They have the column `met_goal` of the main goal. Other filters apply to their rows.
    """

    def __init__(self, cursor: Any, goal: str) -> None:
        self._cursor = cursor
        self._goal = goal
        self._copied: dict[tuple[Filter, ...], _Copied] = {}

    def statement(self, question: Question) -> Statement | None:
        """Return the question's statement on the chosen visits; None if it does not need them."""
        facts, period = METRICS[question.metrics[0]].facts, question.period
        own = tuple(one for one in question.filters if _is_of_rows(one, facts))
        of_visits = [
            replace(one, chooses_visits=False) for one in question.filters if one not in own
        ]
        pages = tuple(filter(_is_of_pages, of_visits))
        pages += of_suspicion(of_visits) if pages else ()
        # Whether a visit is the first one depends on the period, so its filter is not reusable.
        if not pages or any(map(_is_of_period, of_visits)):
            return None
        if not facts.has_sessions or _RARE & {*re.findall(r"\w+", question.sql)}:
            return None
        before, old = condition_of(facts, period, question.filters, question.key_days)
        sql, values = with_known_visits(question, facts.name)
        # The condition is the last part of the statement with question marks.
        if sql.count(before) != 1 or values[len(values) - len(old) :] != old:
            return None
        table = self._copy(pages, period)
        others = tuple(one for one in of_visits if one not in pages)
        where, new = condition_of(SESSIONS, period, others)
        named = f"from {facts.name}\nwhere {before}"
        if facts is SESSIONS and named in sql:
            source = f"{table} as {facts.name}"
            if KIND in question.dimensions:
                order = f"select session_id, {EARLIER_DAY} from {ORDER}"  # noqa: S608
                source += f" join ({order}) using (session_id)"
            sql = sql.replace(named, f"from {source}\nwhere {where}")
        else:
            rows, of_rows = condition_of(facts, period, own)
            chosen = f"session_id in (select session_id from {table} where {where})"  # noqa: S608
            sql, new = sql.replace(before, f"{rows}\n  and {chosen}"), (*of_rows, *new)
        return sql, (*values[: len(values) - len(old)], *new)

    def _copy(self, filters: tuple[Filter, ...], period: Period) -> str:
        """Copy the visits of the dates that the table of these filters lacks; return its name."""
        copied = self._copied.get(filters)
        if copied is None:
            copied = _Copied(f"chosen_visits_{len(self._copied)}")
            source = visits_with_goal(self._goal)
            columns = ", ".join(self._columns)
            self._cursor.execute(
                f"create temp table {copied.name} as select {columns} from {source} limit 0"  # noqa: S608
            )
            self._copied[filters] = copied
        for run in _runs([day for day in period.dates if day not in copied.dates]):
            where, values = condition_of(SESSIONS, run, filters)
            self._cursor.execute(
                f"insert into {copied.name} select {', '.join(self._columns)}"  # noqa: S608
                f" from {visits_with_goal(self._goal)} where {where}",
                list(values),
            )
        copied.dates.update(period.dates)
        return copied.name

    @cached_property
    def _columns(self) -> list[str]:
        """The columns that a question about visits can need."""
        sql = [one.sql for one in METRICS.values() if one.facts is SESSIONS]
        sql += [one.sql for one in DIMENSIONS.values() if one.facts is SESSIONS]
        words = set(re.findall(r"\w+", " ".join(sql))) - _RARE | {*_KEYS}
        found = self._cursor.execute(f"describe {SESSIONS.name}").fetchall()
        return [*(name for name, *_ in found if name in words), MET_GOAL]


def _is_of_rows(one: Filter, facts: FactView) -> bool:
    """Whether a filter chooses rows of a fact view other than visits."""
    return DIMENSIONS[one.dimension].facts is facts is not SESSIONS and not one.chooses_visits


def _is_of_pages(one: Filter) -> bool:
    return DIMENSIONS[one.dimension].facts is PAGE_VIEWS


def _is_of_period(one: Filter) -> bool:
    return bool(DIMENSIONS[one.dimension].known)


def _runs(dates: Sequence[date]) -> list[Period]:
    """Return the periods of consecutive dates, in order."""
    runs: list[Period] = []
    for day in dates:
        if runs and runs[-1].last == day - _ONE_DAY:
            runs[-1] = Period(runs[-1].first, day)
        else:
            runs.append(Period(day, day))
    return runs
