"""Build session parts from requests; `pipeline` and `logs` call it.

A session part contains the requests of one session in one hour. It starts a new session, or it
continues a session that was open when the hour began (the *carry-in*). All parts with the same
`session_id` form one session. So a session that crosses hours or dates is complete, and no stored
part changes when the session continues.

A session ends after a pause of more than `timeout_seconds`; a request after exactly that pause
continues the session. (GA4's default is 30 minutes.) A session that has lasted `cap_hours` or
longer ends at the next 00:00 UTC. Neither midnight nor a new campaign ends a shorter session.
"""

from clickstream.sessions.carry import (
    CARRY_COLUMNS,
    cache_digests,
    carry_digest,
    carry_out,
    carry_rows,
    drop_hours,
    no_carry,
)
from clickstream.sessions.changes import CHANGE_COLUMNS, changes
from clickstream.sessions.cut import SessionRules, cut, hits_in_order
from clickstream.sessions.goals import Goal
from clickstream.sessions.parts import make_parts, stitch

__all__ = [
    "CARRY_COLUMNS",
    "CHANGE_COLUMNS",
    "Goal",
    "SessionRules",
    "cache_digests",
    "carry_digest",
    "carry_out",
    "carry_rows",
    "changes",
    "cut",
    "drop_hours",
    "hits_in_order",
    "make_parts",
    "no_carry",
    "stitch",
]
