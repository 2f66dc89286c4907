"""The tables of session parts and of their changes."""

from __future__ import annotations

from clickstream.tables.columns import (
    ARRIVAL,
    BOT,
    DEVICE,
    EVENT_DATE,
    HOUR_AT,
    OPTED_OUT,
    PLACE,
    VISITOR,
)
from clickstream.tables.table_type import Column, Table, key

_EVIDENCE = (
    Column(
        "network_id",
        "string",
        "Keyed hash of the network of the client address: /24 of IPv4, /48 of IPv6; null without "
        "an address and for visitors who opted out.",
        privacy="pseudonymous",
    ),
    Column(
        "operator_id",
        "string",
        "Keyed hash of the autonomous system (AS) that operates the network; null without an ASN "
        "database, for an unknown system and for visitors who opted out.",
        privacy="pseudonymous",
    ),
    Column(
        "protocol",
        "string",
        "HTTP version of the part's first request, such as HTTP/2; null if not logged.",
    ),
    Column(
        "header_fields",
        "string",
        "Which of Accept (with text/html), Accept-Language and Sec-Fetch-Mode the first page view "
        "has; null if it has none of them, the log has none, or the part has no page view.",
    ),
    Column(
        "onward_pages",
        "long",
        "Page views that were reached from a page of the site, by their referrer, and that differ "
        "in path or query from the page view before them. If the log has no referrer field: page "
        "views that differ from the page view before them.",
    ),
    Column("forms_sent", "long", "POST requests that were answered with a status below 400."),
    Column("not_modified", "long", "Responses with the status 304."),
    Column(
        "assets_not_modified",
        "long",
        "Responses with the status 304 to requests for assets.",
    ),
    Column(
        "landing_assets",
        "long",
        "Requests for assets after the part's first page view and before its second.",
    ),
    Column(
        "early_assets",
        "long",
        "Requests for assets in a second before the part's first page view.",
    ),
    Column(
        "page_pauses",
        "long",
        "Pauses between consecutive page views: page_views - 1, or 0.",
    ),
    Column(
        "shortest_pause",
        "double",
        "Shortest pause between consecutive page views, in seconds; null without a pause.",
    ),
    Column(
        "longest_pause",
        "double",
        "Longest pause between consecutive page views, in seconds; null without a pause.",
    ),
)
"""Evidence of a person in a part. Counts add; pauses merge by minimum and maximum."""

SESSION_PARTS = Table(
    "session_parts",
    "the requests of one session in one hour; the parts with one session_id make one session",
    (
        EVENT_DATE,
        HOUR_AT,
        key("part_id", "string", "Hash of the visitor and the part's first request."),
        key("session_id", "string", "part_id of the session's first part."),
        key("site", "string", "Name of the site that was visited."),
        VISITOR,
        key(
            "session_started_at",
            "timestamp",
            "Time of the session's first request in this and all earlier parts, UTC.",
        ),
        key("first_hit_at", "timestamp", "Time of the part's first request, UTC."),
        key("last_hit_at", "timestamp", "Time of the part's last request, UTC."),
        key("requests", "long", "Requests of every kind, static assets included."),
        key("page_views", "long", "Requests of kind page."),
        key("assets", "long", "Requests of kind asset."),
        key("errors", "long", "Requests of kind client_error or server_error."),
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
        *ARRIVAL,
        *DEVICE,
        *PLACE,
        OPTED_OUT,
        *BOT,
        key(
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
        key(
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
        key(
            "carried_as",
            "string",
            "Id of the visitor in the hour before; after a change of the visitor key it"
            " differs from visitor_id.",
        ),
    ),
    SESSION_PARTS.sort_by,
)

SESSION_CHANGES = Table(
    "session_changes",
    "one session of an hour that a later publication of the hour changed",
    (
        EVENT_DATE,
        HOUR_AT,
        key(
            "change",
            "string",
            "Kind of change: extended, shortened, merged, split, renamed or removed.",
        ),
        key("old_session_id", "string", "session_id before the change."),
        Column(
            "new_session_id",
            "string",
            "session_id after the change; null if the session was removed.",
        ),
        key("cause", "string", "Reason why the hour was published again: docs/trust.md."),
        key(
            "root_cause",
            "string",
            "The reason for the first publication of a chain of publications: if cause "
            "is neighbour, the cause in the earlier hour whose changed sessions "
            "continue into this hour; otherwise equal to cause.",
        ),
        key("replaced_at", "timestamp", "Time of the publication that was replaced, UTC."),
        key("published_at", "timestamp", "Time of the publication that made the change, UTC."),
        key("published_by", "string", "Id of the run that published the change."),
    ),
    ("replaced_at", "old_session_id", "new_session_id"),
)
