"""The fact views that questions read."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class FactView:
    """A fact view that questions can read.

    `dated_by` is its UTC date column, by which Athena skips files. Filters of visits apply to the
    views that have a `session_id`. `added` are the columns, with their types in DuckDB, that files
    of earlier releases lack; in the rows of such files they are null.
    """

    name: str
    dated_by: str
    has_sessions: bool
    added: tuple[tuple[str, str], ...] = ()


SESSIONS = FactView("session_facts", "session_date", has_sessions=True)
PAGE_VIEWS = FactView(
    "page_view_facts",
    "session_date",
    True,
    (("host", "varchar"), ("response_ms", "integer"), ("seconds_in_visit", "bigint")),
)
GOALS = FactView("goal_facts", "session_date", has_sessions=True)
SESSION_ERRORS = FactView("session_error_facts", "session_date", has_sessions=True)
HOURS = FactView(
    "hour_facts", "event_date", False, (("columns_version", "integer"), ("other_hosts", "bigint"))
)
SOURCES = FactView("source_facts", "event_date", has_sessions=False)
BOTS = FactView("bot_facts", "event_date", has_sessions=False)
ERRORS = FactView("error_facts", "event_date", has_sessions=False)
REJECTS = FactView("reject_facts", "event_date", False, (("longest_line_bytes", "bigint"),))
PLACES = FactView("place_facts", "event_date", has_sessions=False)
AGENTS = FactView("agent_facts", "session_date", has_sessions=False)

ALL = (
    *(SESSIONS, PAGE_VIEWS, GOALS, SESSION_ERRORS),
    *(HOURS, SOURCES, BOTS, ERRORS, REJECTS, PLACES, AGENTS),
)
