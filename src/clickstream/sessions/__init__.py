"""Requests in, session parts out.

A part is a visitor's run of requests inside one hour. It belongs to the session it starts, or to
the one that was still open when the hour began (the *carry*). Parts with the same
`session_id` make one session, so a session that crosses hours, days or years is exact and nothing
is rewritten when it grows.

Rules: a session ends after more than `timeout_seconds` without a request (exactly that long
continues it; GA4's default is 30 minutes). One that has lasted `cap_hours` or longer
ends at the next 00:00 UTC. Neither midnight nor a new campaign ends a shorter one.
"""

from clickstream.sessions.carry import (
    CARRY_COLUMNS,
    Digests,
    Link,
    cache_digests,
    carry_digest,
    carry_out,
    carry_rows,
    drop_hours,
    no_carry,
)
from clickstream.sessions.changes import CHANGE_COLUMNS, changes
from clickstream.sessions.cut import (
    SECOND,
    Cut,
    Requests,
    SessionRules,
    cut,
    end_long_sessions,
    hits_in_order,
)
from clickstream.sessions.goals import COLUMNS as GOAL_COLUMNS
from clickstream.sessions.goals import Goal, times_met
from clickstream.sessions.parts import make_parts, stitch
from clickstream.sessions.runs import request_runs, run_starts

__all__ = [
    "CARRY_COLUMNS",
    "CHANGE_COLUMNS",
    "GOAL_COLUMNS",
    "SECOND",
    "Cut",
    "Digests",
    "Goal",
    "Link",
    "Requests",
    "SessionRules",
    "cache_digests",
    "carry_digest",
    "carry_out",
    "carry_rows",
    "changes",
    "cut",
    "drop_hours",
    "end_long_sessions",
    "hits_in_order",
    "make_parts",
    "no_carry",
    "request_runs",
    "run_starts",
    "stitch",
    "times_met",
]
