"""Each table of the lake, once: its columns, types, units, privacy class and meaning.

The Iceberg schema, the comments in Glue, the data dictionary and the tests all come from here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Type = Literal["string", "int", "long", "boolean", "timestamp", "date"]
Privacy = Literal["plain", "pseudonymous", "free text"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
}


@dataclass(frozen=True)
class Column:
    """One column. `privacy` says what an analyst holds when holding a value of it."""

    name: str
    type: Type
    meaning: str
    required: bool = False
    privacy: Privacy = "plain"


@dataclass(frozen=True)
class Table:
    """One table: what one row is, its columns in order, and the order its rows are stored in."""

    name: str
    one_row_is: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]

    def arrow_schema(self) -> pa.Schema:
        """The Arrow schema that a file of this table has."""
        return pa.schema([pa.field(c.name, ARROW[c.type], not c.required) for c in self.columns])

    @property
    def column_names(self) -> list[str]:
        """The columns' names, in the table's order."""
        return [column.name for column in self.columns]


def _key(name: str, kind: Type, meaning: str) -> Column:
    return Column(name, kind, meaning, required=True)


_EVENT_DATE = _key("event_date", "date", "UTC date of the hour; the table's partition.")
_HOUR_AT = _key("hour_at", "timestamp", "Start of the UTC hour the row belongs to.")
_VISITOR = Column(
    "visitor_id",
    "string",
    "Keyed BLAKE2b of site, client address and user agent, 24 hex digits.",
    required=True,
    privacy="pseudonymous",
)
_SOURCE = (
    Column("referrer_domain", "string", "Host of the page on another site that led here."),
    Column("utm_source", "string", "Campaign source, from the tag utm_source, decoded."),
    Column("utm_medium", "string", "Campaign medium, from the tag utm_medium, decoded."),
    Column("utm_campaign", "string", "Campaign name, from the tag utm_campaign, decoded."),
)
_BOT = (
    _key("is_bot", "boolean", "Whether the requests were judged a machine's."),
    Column("bot_reason", "string", "What gave the machine away; null for people."),
)

HITS = Table(
    "hits",
    "one request that is not a static asset, by people and bots alike",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("hit_at", "timestamp", "When the server logged the request, UTC."),
        _key("site", "string", "The site that served it."),
        _VISITOR,
        Column("part_id", "string", "The session part the hit belongs to.", required=True),
        _key("kind", "string", "page, redirect, client_error, server_error or other."),
        Column("method", "string", "HTTP method; null when the request line was not HTTP."),
        Column("path", "string", "Path of the page, without query.", privacy="free text"),
        Column("query", "string", "Allowed query parameters only.", privacy="free text"),
        _key("status", "int", "HTTP status the server answered with."),
        Column("bytes", "long", "Size of the answer's body in bytes; null when not logged."),
        *_SOURCE,
        *_BOT,
        _key("raw_object", "string", "Key of the raw object that holds the line."),
        _key("line_number", "long", "Line number inside that object, from 1."),
    ),
    ("visitor_id", "hit_at", "raw_object", "line_number"),
)

SESSION_PARTS = Table(
    "session_parts",
    "one session's run of requests inside one hour; parts with one session_id make one session",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("part_id", "string", "Hash of the visitor and the part's first request."),
        _key("session_id", "string", "Hash of the visitor and the session's first request."),
        _key("site", "string", "The site that was visited."),
        _VISITOR,
        _key("session_started_at", "timestamp", "First request of the whole session so far."),
        _key("first_hit_at", "timestamp", "First request of the part."),
        _key("last_hit_at", "timestamp", "Last request of the part."),
        _key("requests", "long", "Requests of every kind, static assets included."),
        _key("page_views", "long", "Requests of kind page."),
        _key("assets", "long", "Requests of kind asset."),
        _key("errors", "long", "Requests of kind client_error or server_error."),
        Column("first_page_at", "timestamp", "First page view of the part."),
        Column("last_page_at", "timestamp", "Last page view of the part."),
        Column("entry_page", "string", "Path of the first page view.", privacy="free text"),
        Column("exit_page", "string", "Path of the last page view.", privacy="free text"),
        *_SOURCE,
        *_BOT,
    ),
    ("visitor_id", "first_hit_at"),
)

REJECTS = Table(
    "rejects",
    "one line that could not be used",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("reason", "string", "Why the line could not be used."),
        _key("raw_object", "string", "Key of the raw object that holds the line."),
        _key("line_number", "long", "Line number inside that object, from 1."),
        Column("line", "string", "The line's bytes, escaped.", privacy="free text"),
    ),
    ("raw_object", "line_number"),
)

BALANCE = tuple(
    "pages assets downloads bots redirects client_errors server_errors health_checks api_calls "
    "others".split()
)
"""The kinds every parsed line falls into, each line into exactly one; `rejected` is the rest."""

HOUR_LEDGER = Table(
    "hour_ledger",
    "one published hour, written last",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("lines", "long", "Raw lines of the hour: the sum of the balance that follows."),
        _key("pages", "long", "Page views by people."),
        _key("assets", "long", "Static assets, by people and bots."),
        _key("downloads", "long", "Downloads by people."),
        _key("bots", "long", "Requests by bots, assets excepted."),
        _key("redirects", "long", "Redirects answered to people."),
        _key("client_errors", "long", "4xx answers to people."),
        _key("server_errors", "long", "5xx answers to people."),
        _key("health_checks", "long", "Health checks by what is no known bot."),
        _key("api_calls", "long", "API calls by people."),
        _key("others", "long", "What people asked that is none of the above."),
        _key("rejected", "long", "Lines that could not be used."),
        _key("late_lines", "long", "Lines that came after the hour was first published."),
        _key("hits", "long", "Rows of the hour in hits."),
        _key("session_parts", "long", "Rows of the hour in session_parts."),
        _key("raw_objects", "long", "Raw objects the hour was built from."),
        _key("raw_digest", "string", "Digest of their names and sizes."),
        _key("carry_in", "string", "Digest of the open sessions taken over from the hour before."),
        _key("carry_out", "string", "Digest of the open sessions handed on to the next hour."),
        _key("library_version", "string", "Version of the library that built the hour."),
        _key("settings_digest", "string", "Digest of the settings that shape the result."),
        _key("published_at", "timestamp", "When the hour was published, UTC."),
        _key("published_by", "string", "The run that published it."),
    ),
    ("hour_at",),
)

TABLES = (HITS, SESSION_PARTS, REJECTS, HOUR_LEDGER)
