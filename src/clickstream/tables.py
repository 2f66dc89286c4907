"""Definition of each table of the lake: its columns with type, unit, privacy class and meaning.

The Iceberg schema, the comments in Glue, the data dictionary and the tests are built from it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import pyarrow as pa

Type = Literal[
    "string",
    "int",
    "long",
    "double",
    "boolean",
    "timestamp",
    "date",
    "map<string, long>",
    "list<long>",
]
Privacy = Literal["plain", "pseudonymous", "free text"]

ARROW: dict[Type, pa.DataType] = {
    "string": pa.string(),
    "int": pa.int32(),
    "long": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "timestamp": pa.timestamp("us"),
    "date": pa.date32(),
    "map<string, long>": pa.map_(pa.string(), pa.field("value", pa.int64(), nullable=False)),
    "list<long>": pa.list_(pa.field("element", pa.int64(), nullable=False)),
}
"""The Arrow type of each column type. Map values and list elements are never null."""

LAYOUT_VERSION = 3
"""Version of the columns of all tables, stored as a property of each table of the lake.

Increase it with any change of a column's name or type, or of whether the column may be null. A
lake of another version is refused, and its hours are built again in a new database. Tables of
version 1 lack the property.
"""


ENGAGED_SECONDS = 10
"""A session that lasts longer than this is engaged, as in GA4."""


@dataclass(frozen=True)
class Column:
    """One column of a table. `privacy` is the class of its values in the data dictionary."""

    name: str
    type: Type
    meaning: str
    required: bool = False
    privacy: Privacy = "plain"


@dataclass(frozen=True)
class Table:
    """One table: what one row is, its columns in order, and the order in which rows are stored.

    `filtered_by`: the columns that readers filter by. The table's metadata have the lowest and the
    highest value of each of them in every data file, so a query skips the files that can't match.
    `rarely_set`: optional columns that readers filter by. The metadata also count their nulls, so a
    query for rows that have a value skips the files without one.
    """

    name: str
    one_row_is: str
    columns: tuple[Column, ...]
    sort_by: tuple[str, ...]
    filtered_by: tuple[str, ...] = ("event_date", "hour_at")
    rarely_set: tuple[str, ...] = ()

    def arrow_schema(self) -> pa.Schema:
        """Arrow schema of the table's files."""
        return pa.schema([pa.field(c.name, ARROW[c.type], not c.required) for c in self.columns])

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in the order of the table."""
        return [column.name for column in self.columns]


def _key(name: str, kind: Type, meaning: str) -> Column:
    return Column(name, kind, meaning, required=True)


_EVENT_DATE = _key("event_date", "date", "UTC date of the hour; the table's partition.")
_HOUR_AT = _key("hour_at", "timestamp", "Start of the UTC hour the row belongs to.")
_VISITOR = Column(
    "visitor_id",
    "string",
    "Keyed hash of site, client address and user agent, or of a cookie; docs/privacy.md.",
    required=True,
    privacy="pseudonymous",
)
_ARRIVAL = (
    Column("referrer_domain", "string", "Host of the page on another site that led here."),
    Column("source", "string", "Who sent the visitor: by the tags, else by the referrer."),
    Column("medium", "string", "The way they were sent: by the tags, else by the referrer."),
    Column("channel", "string", "Channel by the rules of docs/channels.md; null if none is known."),
    Column("utm_source", "string", "Campaign source, from the tag utm_source, decoded."),
    Column("utm_medium", "string", "Campaign medium, from the tag utm_medium, decoded."),
    Column("utm_campaign", "string", "Campaign name, from the tag utm_campaign, decoded."),
    Column("utm_term", "string", "Search term that was paid for, from the tag utm_term, decoded."),
    Column("utm_content", "string", "Which advertisement, from the tag utm_content, decoded."),
    Column("click_platform", "string", "Whose click id the target had; the id itself is dropped."),
)
_DEVICE = (
    Column("device", "string", "Kind of device: desktop, mobile, tablet and so on."),
    Column("browser", "string", "Family of the browser or of the program."),
    Column("browser_version", "string", "Its major version."),
    Column("os", "string", "Operating system."),
)
_PLACE = (
    Column("country", "string", "Country by the address, ISO 3166-1 alpha-2."),
    Column("region", "string", "State or region by the address.", privacy="pseudonymous"),
    Column("city", "string", "City by the address.", privacy="pseudonymous"),
)
_COORDINATES = (
    Column("latitude", "double", "Of the place, in degrees north.", privacy="pseudonymous"),
    Column("longitude", "double", "Of the place, in degrees east.", privacy="pseudonymous"),
    Column("accuracy_radius_km", "double", "The address is likely this near, in kilometres."),
    Column("network", "string", "Kind of network, where the database tells; else null."),
)
_OPTED_OUT = Column("opted_out", "boolean", "Whether the browser sent Sec-GPC or DNT.")
_BOT = (
    _key("is_bot", "boolean", "Whether the requests were judged a machine's."),
    Column("bot_class", "string", "What kind of machine; null for people."),
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
        _key("kind", "string", "What was asked for and how it ended; see docs/cleaning.md."),
        Column("method", "string", "HTTP method; null when the request line was not HTTP."),
        Column("path", "string", "Path as logged, without query.", privacy="free text"),
        Column("page", "string", "Name of the page: its path by the rules.", privacy="free text"),
        Column("query", "string", "Allowed query parameters only.", privacy="free text"),
        _key("status", "int", "HTTP status the server answered with."),
        Column("bytes", "long", "Size of the answer's body in bytes; null when not logged."),
        *_ARRIVAL,
        *_DEVICE,
        *_PLACE,
        *_COORDINATES,
        _OPTED_OUT,
        *_BOT,
        _key("raw_object", "string", "Key of the raw object that holds the line."),
        _key("line_number", "long", "Line number inside that object, from 1."),
    ),
    ("visitor_id", "hit_at", "raw_object", "line_number"),
    ("event_date", "hour_at", "hit_at"),
)

SESSION_PARTS = Table(
    "session_parts",
    "one session's run of requests inside one hour; parts with one session_id make one session",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("part_id", "string", "Hash of the visitor and the part's first request."),
        _key("session_id", "string", "The part_id of the session's first part."),
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
        Column("landing_page", "string", "Page of the first page view.", privacy="free text"),
        Column("exit_page", "string", "Page of the last page view.", privacy="free text"),
        *_ARRIVAL,
        *_DEVICE,
        *_PLACE,
        _OPTED_OUT,
        *_BOT,
        _key("conversions", "long", "How many times its requests met a goal of the settings."),
        Column(
            "goals",
            "map<string, long>",
            "How many requests met each goal, by its name, in order of the names; null if no goal "
            "was met.",
        ),
        Column(
            "funnel",
            "list<long>",
            "Steps of the funnel reached after the part, for 0, 1, 2 … steps reached before it; "
            "null without a funnel.",
        ),
        _key(
            "referrer_logged",
            "boolean",
            "Whether the log has a referrer field for any request of the part.",
        ),
    ),
    ("visitor_id", "first_hit_at"),
    ("event_date", "hour_at", "session_started_at"),
)

COMPARED = ("visitor_id", "part_id", "session_id", "first_hit_at", "last_hit_at", "requests")
"""The columns of session_parts that show what a publication of an hour changes."""

UNSTITCHED_PARTS = Table(
    "unstitched_parts",
    "one session part as it waits for the hour before; no table of the lake",
    (
        *(c for c in SESSION_PARTS.columns if c.name not in ("session_id", "session_started_at")),
        _key("carried_as", "string", "The id that the hour before knows the visitor by."),
    ),
    SESSION_PARTS.sort_by,
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

BALANCE = (
    *("page_requests", "assets", "downloads", "bots", "redirects"),
    *("client_errors", "server_errors", "health_checks", "api_calls", "others"),
)
"""Columns of the line balance: every parsed line counts in exactly one; `rejected` has the rest."""

HOUR_LEDGER = Table(
    "hour_ledger",
    "one published hour, written last",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("lines", "long", "Raw lines of the hour: the sum of the balance that follows."),
        Column(
            "page_requests",
            "long",
            "Requests of kind page without a bot verdict of their own. The views' page_views leave "
            "out those whose session has a bot verdict in any part.",
            required=True,
        ),
        _key("assets", "long", "Static assets, by people and bots."),
        _key("downloads", "long", "Files that people fetched."),
        _key("bots", "long", "Requests by bots, assets excepted."),
        _key("redirects", "long", "Redirects answered to people."),
        _key("client_errors", "long", "4xx answers to people."),
        _key("server_errors", "long", "5xx answers to people."),
        _key("health_checks", "long", "Questions whether the server is well."),
        _key("api_calls", "long", "Calls of an API by people's programs."),
        _key("others", "long", "What people asked that is none of the above."),
        _key("rejected", "long", "Lines that could not be used."),
        _key("late_lines", "long", "Lines that came after the hour was first published."),
        Column("late_by_seconds", "long", "How long after the hour's end the last of them came."),
        _key("hits", "long", "Rows of the hour in hits."),
        _key("session_parts", "long", "Rows of the hour in session_parts."),
        _key("raw_objects", "long", "Raw objects the hour was built from."),
        _key("raw_digest", "string", "Digest of their names and sizes."),
        _key("carry_in", "string", "Digest of the open sessions taken over from earlier hours."),
        _key("carry_out", "string", "Digest of the open sessions handed on to later hours."),
        _key(
            "timeout_seconds", "long", "The longest silence within a session, as it was set then."
        ),
        _key("cap_hours", "long", "Sessions that last this long end at midnight; as set then."),
        _key(
            "visitor_key",
            "string",
            "Id of the key of its visitor ids. Sessions end where neighbouring hours have other "
            "keys.",
        ),
        Column(
            "earlier_visitor_key",
            "string",
            "The same of the period before, in the first hours of a period: they take over its "
            "open sessions.",
        ),
        Column(
            "waiting_lines",
            "long",
            "Lines that came when the hour was past its replay window. They wait in raw and are "
            "in no other count; null if there are none.",
        ),
        Column("waiting_objects", "long", "The raw objects that hold them."),
        Column(
            "missing_sources",
            "string",
            "Names of the hosts that were not pulled since the hour ended, sorted and separated by "
            "a comma and a space; null if there are none. Once a host is pulled or retired, its "
            "name is taken out.",
        ),
        _key("library_version", "string", "Version of the library that built the hour."),
        _key("settings_digest", "string", "Digest of the settings that shape the result."),
        _key("published_at", "timestamp", "When the hour was published, UTC."),
        _key("published_by", "string", "The run that published it."),
    ),
    ("hour_at",),
    rarely_set=("missing_sources",),
)

RAW_OBJECTS = Table(
    "raw_objects",
    "one raw object that a published hour was built from",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("raw_object", "string", "Key of the raw object."),
        _key("lines", "long", "Lines in it."),
        _key("arrived_at", "timestamp", "When it was put into the lake, UTC."),
        _key("is_late", "boolean", "Whether the hour had been published without it before."),
    ),
    ("raw_object",),
)

SESSION_CHANGES = Table(
    "session_changes",
    "one session of an hour that a later publication of the hour changed",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("change", "string", "extended, shortened, merged, split, renamed or removed."),
        _key("old_session_id", "string", "The session_id before."),
        Column("new_session_id", "string", "The session_id since; null if it was removed."),
        _key("cause", "string", "Why the hour was published again: docs/trust.md."),
        _key(
            "root_cause",
            "string",
            "Why the hour was published again whose sessions reach into this one, if cause is "
            "neighbour; else the cause.",
        ),
        _key("replaced_at", "timestamp", "When that was published which was changed, UTC."),
        _key("published_at", "timestamp", "When the change was published, UTC."),
        _key("published_by", "string", "The run that published it."),
    ),
    ("replaced_at", "old_session_id", "new_session_id"),
)

TABLES = (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER)
