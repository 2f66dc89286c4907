"""The tables of requests, and of the raw objects that they come from."""

from __future__ import annotations

from clickstream.tables.columns import (
    ARRIVAL,
    BOT,
    COORDINATES,
    DEVICE,
    EVENT_DATE,
    HOUR_AT,
    OPTED_OUT,
    PLACE,
    VISITOR,
)
from clickstream.tables.table_type import Column, Table, key

HITS = Table(
    "hits",
    "one request that is not a static asset, by people and bots alike",
    (
        EVENT_DATE,
        HOUR_AT,
        key("hit_at", "timestamp", "Time at which the server logged the request, UTC."),
        key("site", "string", "Name of the site that served the request."),
        VISITOR,
        key("part_id", "string", "Id of the session part of the hit."),
        key(
            "kind",
            "string",
            "Kind of the request, such as page, download or redirect: docs/cleaning.md.",
        ),
        Column("method", "string", "HTTP method; null if the request line is not HTTP."),
        Column("path", "string", "Path as logged, without the query.", privacy="free text"),
        Column("page", "string", "Name of the page: docs/cleaning.md.", privacy="free text"),
        Column("query", "string", "Query parameters that the settings allow.", privacy="free text"),
        key("status", "int", "HTTP status of the response."),
        Column("bytes", "long", "Size of the response body in bytes; null if not logged."),
        Column(
            "host",
            "string",
            "Virtual host or Host header of the request, in lower case and without port; null if "
            "not logged.",
            privacy="free text",
        ),
        Column(
            "response_ms",
            "int",
            "Time until the server had answered, in milliseconds; null if not logged.",
        ),
        Column(
            "order_number",
            "string",
            "Number of the order that the page confirms, by [orders] number; null for other "
            "requests.",
        ),
        Column(
            "shown_cents",
            "long",
            "Amount of the order in the request, in hundredths; null without one.",
        ),
        *ARRIVAL,
        *DEVICE,
        *PLACE,
        *COORDINATES,
        OPTED_OUT,
        *BOT,
        key("raw_object", "string", "Key of the raw object that holds the line."),
        key("line_number", "long", "Line number in that object, from 1."),
    ),
    ("visitor_id", "hit_at", "raw_object", "line_number"),
    ("event_date", "hour_at", "hit_at"),
)

REJECTS = Table(
    "rejects",
    "one rejected line",
    (
        EVENT_DATE,
        HOUR_AT,
        key("reason", "string", "Reason why the line is rejected."),
        key("raw_object", "string", "Key of the raw object that holds the line."),
        key("line_number", "long", "Line number in that object, from 1."),
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
        ),
    ),
    ("raw_object", "line_number"),
)

RAW_OBJECTS = Table(
    "raw_objects",
    "one raw object that a published hour was built from",
    (
        EVENT_DATE,
        HOUR_AT,
        key("raw_object", "string", "Key of the raw object."),
        key("lines", "long", "Number of lines in the raw object."),
        key("arrived_at", "timestamp", "Time at which the raw object was stored, UTC."),
        key("is_late", "boolean", "Whether the hour was already published without the raw object."),
    ),
    ("raw_object",),
)
