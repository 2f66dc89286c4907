"""Questions for single visits: a page of a list, one visit, and the rows of its facts.

Their answers are not kept: each is for one reader.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from clickstream.core.errors import InputError
from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.fact_views import (
    GOALS,
    PAGE_VIEWS,
    SESSION_ERRORS,
    SESSIONS,
    FactView,
)
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import (
    USUAL_KEY_DAYS,
    Clause,
    FactId,
    Question,
    condition_of,
    in_period,
)
from clickstream.dashboard.ask.view import Filter

VISIT_COLUMNS: Mapping[str, str] = {
    **{name: name for name in ("session_id", "visitor_id", "started_at", "local_date")},
    **{name: name for name in ("channel", "source", "medium")},
    "campaign": "utm_campaign",
    "content": "utm_content",
    "term": "utm_term",
    "referrer": "referrer_domain",
    "country": "country",
    "region_name": DIMENSIONS["region"].sql,
    "city_name": DIMENSIONS["city"].sql,
    **{name: name for name in ("device", "browser", "os", "landing_page", "exit_page")},
    **{name: name for name in ("page_views", "requests", "duration_seconds", "conversions")},
    **{name: name for name in ("errors", "funnel_steps")},
}
"""The columns of a visit, with their SQL."""

VIEW_COLUMNS = {
    name: name
    for name in ("page", "view_number", "dwell_seconds", "is_estimated", "seconds_in_visit")
} | {"host": "host", "response_ms": "response_ms"}
ERROR_COLUMNS = {name: name for name in ("session_id", "page", "status", "requests", "first_at")}
GOAL_COLUMNS = {name: name for name in ("session_id", "goal", "times")}

_ID = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class PageKey:
    """The last visit of a page of the list: the next page begins after it."""

    started_at: datetime
    session_id: str

    def __str__(self) -> str:
        """Return the key as a URL has it."""
        return f"{self.started_at.isoformat()}~{self.session_id}"

    @classmethod
    def parse(cls, text: str) -> PageKey:
        """Parse the key of a URL. Raises InputError if it is malformed."""
        moment, _, session_id = text.partition("~")
        try:
            return cls(datetime.fromisoformat(moment).replace(tzinfo=None), parse_id(session_id))
        except ValueError:
            raise InputError(
                f"before={text[:60]} is not a place in the list of visits. Open the list again."
            ) from None


def parse_id(text: str) -> str:
    """Return an id of a visit. Raises ValueError for any other text."""
    if not _ID.fullmatch(text):
        raise ValueError(f"{text[:40]!r} is not an id of 16 hexadecimal digits.")
    return text


def id_text(value: Any) -> str:
    """Return an id as text; the local copy stores it as a number."""
    return f"{value:016x}" if isinstance(value, int) else str(value)


def visits_question(
    period: Period,
    filters: Sequence[Filter],
    limit: int,
    after: PageKey | None = None,
    key_days: int = USUAL_KEY_DAYS,
) -> Question:
    """Ask for visits, the newest first; with `after`, for those that follow in the list."""
    where = condition_of(SESSIONS, period, filters, key_days)
    if after:
        later = "(started_at < ? or (started_at = ? and session_id < ?))"
        key = (after.started_at, after.started_at, FactId(after.session_id))
        where = (f"{where[0]}\n  and {later}", (*where[1], *key))
    order = f"order by started_at desc, session_id desc\nlimit {limit}"
    return _question(SESSIONS, VISIT_COLUMNS, where, period, order)


def sample_question(
    period: Period, filters: Sequence[Filter], number: int, key_days: int = USUAL_KEY_DAYS
) -> Question:
    """Ask for some visits, those with the lowest ids: a random sample that stays the same."""
    where = condition_of(SESSIONS, period, filters, key_days)
    return _question(SESSIONS, VISIT_COLUMNS, where, period, f"order by session_id\nlimit {number}")


def visit_question(session_id: str, today: date, keep_days: int) -> Question:
    """Ask for one visit of the last `keep_days` days."""
    period = Period(today - timedelta(days=keep_days), today + timedelta(days=1))
    where = _with_ids(in_period(SESSIONS, period), "session_id", [session_id])
    return _question(SESSIONS, VISIT_COLUMNS, where, period)


def visitor_question(visitor_id: str, day: date, key_days: int, limit: int) -> Question:
    """Ask for all visits with a visitor id, which is valid for `key_days` at most."""
    reach = timedelta(days=key_days + 1)
    period = Period(day - reach, day + reach)
    where = _with_ids(in_period(SESSIONS, period), "visitor_id", [visitor_id])
    order = f"order by started_at desc, session_id desc\nlimit {limit}"
    return _question(SESSIONS, VISIT_COLUMNS, where, period, order)


def page_views_question(session_id: str, day: date) -> Question:
    """Ask for the page views of a visit that began on a local date."""
    period = Period(day, day)
    where = _with_ids(in_period(PAGE_VIEWS, period), "session_id", [session_id])
    return _question(PAGE_VIEWS, VIEW_COLUMNS, where, period, "order by view_number")


def errors_question(ids: Sequence[str], period: Period) -> Question:
    """Ask for the errors that some visits of a period met."""
    where = _with_ids(in_period(SESSION_ERRORS, period), "session_id", ids)
    order = "order by first_at, status, page nulls last"
    return _question(SESSION_ERRORS, ERROR_COLUMNS, where, period, order)


def goals_question(ids: Sequence[str], period: Period) -> Question:
    """Ask for the goals that some visits of a period met."""
    where = _with_ids(in_period(GOALS, period), "session_id", ids)
    return _question(GOALS, GOAL_COLUMNS, where, period, "order by goal")


def _with_ids(where: Clause, column: str, ids: Iterable[str]) -> Clause:
    values = tuple(map(FactId, ids))
    marks = ", ".join("?" * len(values))
    return f"{where[0]}\n  and {column} in ({marks})", (*where[1], *values)


def _question(
    facts: FactView, columns: Mapping[str, str], where: Clause, period: Period, order: str = ""
) -> Question:
    selected = ",\n".join(f"  {sql} as {name}" for name, sql in columns.items())
    sql = f"select\n{selected}\nfrom {facts.name}\nwhere {where[0]}\n{order}".rstrip()
    return Question(sql, where[1], (), tuple(columns), period, is_kept=False)
