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
"""Version of the tables' layout, stored as a property of each table of the lake.

Increase it if a column is removed, renamed or retyped, or if it becomes required. A lake of another
version is refused, and its hours are built again in a new database. A new optional column does not
change the layout: see COLUMNS_VERSION. Tables of version 1 lack the property.
"""

FIRST_COLUMNS_VERSION = 1
"""The columns version of hours and staged rows that do not record one."""


ENGAGED_SECONDS = 10
"""A session that lasts longer than this is engaged, as in GA4."""


@dataclass(frozen=True)
class Column:
    """One column of a table. `privacy` is the class of its values in the data dictionary.

    `since` is the columns version that added it: hours whose rows are of an earlier version have no
    value in it.
    """

    name: str
    type: Type
    meaning: str
    required: bool = False
    privacy: Privacy = "plain"
    since: int = FIRST_COLUMNS_VERSION

    def __post_init__(self) -> None:
        """Refuse a required column that older rows lack."""
        if self.required and self.since > FIRST_COLUMNS_VERSION:
            raise ValueError(f"{self.name} is required, so it changes the layout: leave out since.")


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

    def column(self, name: str) -> Column:
        """Return a column by its name."""
        return next(column for column in self.columns if column.name == name)

    @property
    def column_names(self) -> list[str]:
        """Names of the columns, in the order of the table."""
        return [column.name for column in self.columns]


def _key(name: str, kind: Type, meaning: str) -> Column:
    return Column(name, kind, meaning, required=True)


_EVENT_DATE = _key("event_date", "date", "UTC date of the hour; the table's partition.")
_HOUR_AT = _key("hour_at", "timestamp", "Start of the UTC hour of the row.")
_VISITOR = Column(
    "visitor_id",
    "string",
    "Keyed hash of site, client address and user agent, or of a cookie: docs/privacy.md.",
    required=True,
    privacy="pseudonymous",
)
_ARRIVAL = (
    Column("referrer_domain", "string", "Host of the referring page on another site."),
    Column(
        "source",
        "string",
        "Source, such as google: from campaign tags, a click id or the referrer.",
    ),
    Column(
        "medium",
        "string",
        "Medium, such as organic or cpc: from campaign tags, a click id or the referrer.",
    ),
    Column("channel", "string", "Channel by the rules of docs/channels.md; null if none is known."),
    Column("utm_source", "string", "Campaign source, from the tag utm_source, decoded."),
    Column("utm_medium", "string", "Campaign medium, from the tag utm_medium, decoded."),
    Column("utm_campaign", "string", "Campaign name, from the tag utm_campaign, decoded."),
    Column("utm_term", "string", "Search term of the campaign, from the tag utm_term, decoded."),
    Column(
        "utm_content", "string", "Advertisement of the campaign, from the tag utm_content, decoded."
    ),
    Column(
        "click_platform",
        "string",
        "Platform of the click id in the target; the id itself is dropped.",
    ),
)
_DEVICE = (
    Column("device", "string", "Kind of device: desktop, mobile, tablet and so on."),
    Column("browser", "string", "Name of the browser or program."),
    Column("browser_version", "string", "Major version of the browser."),
    Column("os", "string", "Operating system."),
)
_PLACE = (
    Column("country", "string", "Country of the client address, ISO 3166-1 alpha-2."),
    Column("region", "string", "State or region of the client address.", privacy="pseudonymous"),
    Column("city", "string", "City of the client address.", privacy="pseudonymous"),
)
_COORDINATES = (
    Column(
        "latitude", "double", "Latitude of the place, in degrees north.", privacy="pseudonymous"
    ),
    Column(
        "longitude", "double", "Longitude of the place, in degrees east.", privacy="pseudonymous"
    ),
    Column(
        "accuracy_radius_km",
        "double",
        "Radius around the place in which the address probably is, in kilometres.",
    ),
    Column("network", "string", "Kind of network; null if the database does not have it."),
)
_OPTED_OUT = Column("opted_out", "boolean", "Whether the browser sent Sec-GPC or DNT.")
_BOT = (
    _key("is_bot", "boolean", "Whether the visitor has a bot verdict in this hour."),
    Column("bot_class", "string", "Class of the bot, see docs/bots.md; null for people."),
    Column("bot_reason", "string", "Reason for the bot verdict; null for people."),
)

HITS = Table(
    "hits",
    "one request that is not a static asset, by people and bots alike",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("hit_at", "timestamp", "Time at which the server logged the request, UTC."),
        _key("site", "string", "Name of the site that served the request."),
        _VISITOR,
        Column("part_id", "string", "Id of the session part of the hit.", required=True),
        _key(
            "kind",
            "string",
            "Kind of the request, such as page, download or redirect: docs/cleaning.md.",
        ),
        Column("method", "string", "HTTP method; null if the request line is not HTTP."),
        Column("path", "string", "Path as logged, without the query.", privacy="free text"),
        Column("page", "string", "Name of the page: docs/cleaning.md.", privacy="free text"),
        Column("query", "string", "Query parameters that the settings allow.", privacy="free text"),
        _key("status", "int", "HTTP status of the response."),
        Column("bytes", "long", "Size of the response body in bytes; null if not logged."),
        Column(
            "host",
            "string",
            "Virtual host or Host header of the request, in lower case and without port; null if "
            "not logged.",
            privacy="free text",
            since=3,
        ),
        Column(
            "response_ms",
            "int",
            "Time until the server had answered, in milliseconds; null if not logged.",
            since=3,
        ),
        *_ARRIVAL,
        *_DEVICE,
        *_PLACE,
        *_COORDINATES,
        _OPTED_OUT,
        *_BOT,
        _key("raw_object", "string", "Key of the raw object that holds the line."),
        _key("line_number", "long", "Line number in that object, from 1."),
    ),
    ("visitor_id", "hit_at", "raw_object", "line_number"),
    ("event_date", "hour_at", "hit_at"),
)

_EVIDENCE = (
    Column(
        "network_id",
        "string",
        "Keyed hash of the network of the client address: /24 of IPv4, /48 of IPv6; null without "
        "an address and for visitors who opted out.",
        privacy="pseudonymous",
        since=4,
    ),
    Column(
        "protocol",
        "string",
        "HTTP version of the part's first request, such as HTTP/2; null if not logged.",
        since=4,
    ),
    Column(
        "onward_pages",
        "long",
        "Page views that were reached from a page of the site, by their referrer, and that differ "
        "in path or query from the page view before them. If the log has no referrer field: page "
        "views that differ from the page view before them.",
        since=4,
    ),
    Column(
        "forms_sent", "long", "POST requests that were answered with a status below 400.", since=4
    ),
    Column("not_modified", "long", "Responses with the status 304.", since=4),
    Column(
        "assets_not_modified",
        "long",
        "Responses with the status 304 to requests for assets.",
        since=4,
    ),
    Column(
        "landing_assets",
        "long",
        "Requests for assets after the part's first page view and before its second.",
        since=4,
    ),
    Column(
        "early_assets",
        "long",
        "Requests for assets in a second before the part's first page view.",
        since=4,
    ),
    Column(
        "page_pauses",
        "long",
        "Pauses between consecutive page views: page_views - 1, or 0.",
        since=4,
    ),
    Column(
        "shortest_pause",
        "double",
        "Shortest pause between consecutive page views, in seconds; null without a pause.",
        since=4,
    ),
    Column(
        "longest_pause",
        "double",
        "Longest pause between consecutive page views, in seconds; null without a pause.",
        since=4,
    ),
)
"""Evidence of a person in a part. Counts add; pauses merge by minimum and maximum."""

SESSION_PARTS = Table(
    "session_parts",
    "the requests of one session in one hour; the parts with one session_id make one session",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("part_id", "string", "Hash of the visitor and the part's first request."),
        _key("session_id", "string", "part_id of the session's first part."),
        _key("site", "string", "Name of the site that was visited."),
        _VISITOR,
        _key(
            "session_started_at",
            "timestamp",
            "Time of the session's first request in this and all earlier parts, UTC.",
        ),
        _key("first_hit_at", "timestamp", "Time of the part's first request, UTC."),
        _key("last_hit_at", "timestamp", "Time of the part's last request, UTC."),
        _key("requests", "long", "Requests of every kind, static assets included."),
        _key("page_views", "long", "Requests of kind page."),
        _key("assets", "long", "Requests of kind asset."),
        _key("errors", "long", "Requests of kind client_error or server_error."),
        Column("first_page_at", "timestamp", "Time of the part's first request of kind page, UTC."),
        Column("last_page_at", "timestamp", "Time of the part's last request of kind page, UTC."),
        Column(
            "landing_page",
            "string",
            "Page of the part's first request of kind page.",
            privacy="free text",
        ),
        Column(
            "exit_page",
            "string",
            "Page of the part's last request of kind page.",
            privacy="free text",
        ),
        *_ARRIVAL,
        *_DEVICE,
        *_PLACE,
        _OPTED_OUT,
        *_BOT,
        _key(
            "conversions",
            "long",
            "Number of times that requests of the part met a goal; a request that meets"
            " two goals counts twice.",
        ),
        Column(
            "goals",
            "map<string, long>",
            "Number of requests that met each goal, by the goal's name, in the order of the names; "
            "null if no goal was met.",
        ),
        Column(
            "funnel",
            "list<long>",
            "Number of funnel steps reached after the part: the first element if no "
            "step was reached before it, the second if one step was reached before it, "
            "and so on; null without a funnel.",
        ),
        _key(
            "referrer_logged",
            "boolean",
            "Whether the log has a referrer field for any request of the part.",
        ),
        *_EVIDENCE,
    ),
    ("visitor_id", "first_hit_at"),
    ("event_date", "hour_at", "session_started_at"),
)

COMPARED = ("visitor_id", "part_id", "session_id", "first_hit_at", "last_hit_at", "requests")
"""The columns of session_parts that show what a publication of an hour changes."""

UNSTITCHED_PARTS = Table(
    "unstitched_parts",
    "one session part before stitching; this is not a table of the lake",
    (
        *(c for c in SESSION_PARTS.columns if c.name not in ("session_id", "session_started_at")),
        _key(
            "carried_as",
            "string",
            "Id of the visitor in the hour before; after a change of the visitor key it"
            " differs from visitor_id.",
        ),
    ),
    SESSION_PARTS.sort_by,
)

REJECTS = Table(
    "rejects",
    "one rejected line",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key("reason", "string", "Reason why the line is rejected."),
        _key("raw_object", "string", "Key of the raw object that holds the line."),
        _key("line_number", "long", "Line number in that object, from 1."),
        Column(
            "line",
            "string",
            "Bytes of the line, escaped; of a line that is too long, the first 256.",
            privacy="free text",
        ),
        Column(
            "line_bytes",
            "long",
            "Length of the line in bytes, without its line end. A line of 32 MB or more is stored "
            "in pieces, and this is the length of the first.",
            since=2,
        ),
    ),
    ("raw_object", "line_number"),
)

BALANCE = (
    *("page_requests", "assets", "downloads", "bots", "redirects"),
    *("client_errors", "server_errors", "health_checks", "api_calls", "others"),
)
"""Columns of the line balance: every request to the site counts in exactly one.

The rest of the lines are `rejected`, or are requests to `other_hosts`.
"""

HOSTS_SEPARATOR = ", "
"""Separates the names of hosts in `missing_sources`."""

HOUR_LEDGER = Table(
    "hour_ledger",
    "one published hour; a publication writes this row last",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key(
            "lines",
            "long",
            "Raw lines of the hour: the sum of the columns from page_requests to other_hosts.",
        ),
        Column(
            "page_requests",
            "long",
            "Requests of kind page without a bot verdict in this hour. The views' page_views also "
            "leave out those whose session has a bot verdict in any part.",
            required=True,
        ),
        _key("assets", "long", "Requests for static assets, by people and bots."),
        _key("downloads", "long", "Requests of kind download by people."),
        _key("bots", "long", "Requests of bots, without static assets."),
        _key("redirects", "long", "Requests of people that were answered with a redirect."),
        _key("client_errors", "long", "Requests of people that were answered with a 4xx status."),
        _key("server_errors", "long", "Requests of people that were answered with a 5xx status."),
        _key("health_checks", "long", "Requests of health checks."),
        _key("api_calls", "long", "API calls, without those of bots."),
        _key("others", "long", "Requests of people of kind other."),
        _key("rejected", "long", "Rejected lines, see the table rejects."),
        Column(
            "other_hosts",
            "long",
            "Requests to hosts that [site] hosts does not list: they are of another site, so no "
            "other table has them; null is 0.",
            since=3,
        ),
        _key("late_lines", "long", "Lines that arrived after the hour was first published."),
        Column(
            "late_by_seconds",
            "long",
            "Seconds from the hour's end to the arrival of the last late line; null without late "
            "lines.",
        ),
        _key("hits", "long", "Number of the hour's rows in hits."),
        _key("session_parts", "long", "Number of the hour's rows in session_parts."),
        _key("raw_objects", "long", "Number of raw objects that the hour was built from."),
        _key("raw_digest", "string", "Digest of the names and sizes of these raw objects."),
        _key("carry_in", "string", "Digest of the carry-in: the open sessions of earlier hours."),
        _key(
            "carry_out",
            "string",
            "Digest of the carry-out: the open sessions at the end of the hour.",
        ),
        _key("timeout_seconds", "long", "Session timeout in seconds when the hour was built."),
        _key(
            "cap_hours",
            "long",
            "The setting cap_hours when the hour was built: a session that has lasted "
            "so long ends at the next 00:00 UTC.",
        ),
        _key(
            "visitor_key",
            "string",
            "Id of the visitor key from which the hour's visitor ids are computed. A "
            "session of an earlier hour continues into this hour only if the visitor "
            "key of that hour is this one or earlier_visitor_key.",
        ),
        Column(
            "earlier_visitor_key",
            "string",
            "In the first hours of a key period, the id of the visitor key of the "
            "period before, whose sessions may continue into this hour; null in all "
            "other hours.",
        ),
        Column(
            "waiting_lines",
            "long",
            "Lines that arrived after the hour's replay window. They remain in the raw store, and "
            "no other column counts them; null if there are none.",
        ),
        Column("waiting_objects", "long", "Number of raw objects that hold the waiting lines."),
        Column(
            "missing_sources",
            "string",
            "Names of the hosts that no pull reached since the hour ended, sorted and separated by "
            "a comma and a space; null if there are none. The name of a host is removed when it "
            "is pulled or retired.",
        ),
        _key("library_version", "string", "Version of clickstream that built the hour."),
        _key(
            "settings_digest",
            "string",
            "Digest of the settings and rule files that determine the hour's rows.",
        ),
        _key("published_at", "timestamp", "Time at which the hour was published, UTC."),
        _key("published_by", "string", "Id of the run that published the hour."),
        Column(
            "columns_version",
            "int",
            "Columns version of the release that cleaned the hour's lines: columns that were added "
            "later have no value in the hour's rows. Null is version 1.",
            since=2,
        ),
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
        _key("lines", "long", "Number of lines in the raw object."),
        _key("arrived_at", "timestamp", "Time at which the raw object was stored, UTC."),
        _key(
            "is_late", "boolean", "Whether the hour was already published without the raw object."
        ),
    ),
    ("raw_object",),
)

SESSION_CHANGES = Table(
    "session_changes",
    "one session of an hour that a later publication of the hour changed",
    (
        _EVENT_DATE,
        _HOUR_AT,
        _key(
            "change",
            "string",
            "Kind of change: extended, shortened, merged, split, renamed or removed.",
        ),
        _key("old_session_id", "string", "session_id before the change."),
        Column(
            "new_session_id",
            "string",
            "session_id after the change; null if the session was removed.",
        ),
        _key("cause", "string", "Reason why the hour was published again: docs/trust.md."),
        _key(
            "root_cause",
            "string",
            "The reason for the first publication of a chain of publications: if cause "
            "is neighbour, the cause in the earlier hour whose changed sessions "
            "continue into this hour; otherwise equal to cause.",
        ),
        _key("replaced_at", "timestamp", "Time of the publication that was replaced, UTC."),
        _key("published_at", "timestamp", "Time of the publication that made the change, UTC."),
        _key("published_by", "string", "Id of the run that published the change."),
    ),
    ("replaced_at", "old_session_id", "new_session_id"),
)

_DATE_AT = _key("hour_at", "timestamp", "Start of the date, 00:00 UTC.")
_COHORT = _key("cohort", "string", "Label of the suspected cohort: docs/people.md.")

PEOPLE_ESTIMATES = Table(
    "people_estimates",
    "one UTC date whose visitors were searched for suspected machines",
    (
        _EVENT_DATE,
        _DATE_AT,
        Column(
            "visitors",
            "long",
            "Visitors without a bot verdict and with a page view; null if an hour of the date was "
            "built by an earlier release, which stored no evidence.",
        ),
        _key("suspected", "long", "Visitors in suspected_visitors."),
        Column("lowest", "double", "Lower end of the 95 % interval of the number of people."),
        Column("highest", "double", "Upper end of the 95 % interval of the number of people."),
        _key("history_dates", "long", "Earlier dates that the site's habit was learned from."),
        _key("parts_version", "string", "Digest of the published hours of the date."),
        _key("habit_version", "string", "Digest of the habit, and of the cohorts that are kept."),
        _key("library_version", "string", "Version of the library that searched."),
    ),
    ("event_date",),
)

SUSPECTED_COHORTS = Table(
    "suspected_cohorts",
    "one cohort of visitors of a UTC date that are probably machines",
    (
        _EVENT_DATE,
        _DATE_AT,
        _key("place", "long", "Place by the strength of the evidence, from 1."),
        _COHORT,
        _key("visitors", "double", "Visitors that were members when it was found."),
        _key("proved", "double", "Visitors with more proof that arrive like the members."),
        _key("explained", "double", "Members that these explain."),
        _key("suspected", "long", "Rows of suspected_visitors with this cohort."),
        _key("is_decided", "boolean", "Whether people can't explain the members."),
        _key("reason", "string", "The evidence, as a sentence."),
    ),
    ("event_date", "place"),
)

SUSPECTED_VISITORS = Table(
    "suspected_visitors",
    "one visitor of a UTC date who is left out of the people",
    (_EVENT_DATE, _DATE_AT, _VISITOR, _COHORT),
    ("visitor_id",),
)

VISITOR_COUNTS = Table(
    "visitor_counts",
    "the people of a UTC date with one device, channel and value of a field of action, by proof",
    (
        _EVENT_DATE,
        _DATE_AT,
        _key("device", "string", "Kind of device; empty if unknown."),
        _key("channel", "string", "Channel; Direct without one."),
        _key("field", "string", "Field of action, or all: docs/people.md."),
        _key("value", "string", "Value of the field."),
        _key("none", "double", "Expected number of people without proof."),
        _key("weak", "double", "Expected number of people with weak proof."),
        _key("strong", "double", "Expected number of people with strong proof."),
    ),
    ("device", "channel", "field", "value"),
)

OF_DATES = (SUSPECTED_VISITORS, SUSPECTED_COHORTS, VISITOR_COUNTS, PEOPLE_ESTIMATES)
"""Tables whose rows are replaced by date, in the order of the commits: the estimate is last."""

TABLES = (HITS, SESSION_PARTS, REJECTS, RAW_OBJECTS, SESSION_CHANGES, HOUR_LEDGER, *OF_DATES)

COLUMNS_VERSION = max(column.since for table in TABLES for column in table.columns)
"""Version of the optional columns of all tables.

A new optional column is `since` the next version. An existing lake gets it when a process opens the
lake to write, and each published hour records the version of its rows in the ledger.
"""
