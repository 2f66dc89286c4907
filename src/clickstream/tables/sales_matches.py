"""The tables that join orders to visits. `match_orders` of clickstream_sales writes them."""

from __future__ import annotations

from dataclasses import replace

from clickstream.insight.credit import FROM_DATA, RULES
from clickstream.tables.columns import (
    CURRENCY,
    DATE_AT,
    EVENT_DATE,
    HOUR_AT,
    NETWORK,
    PLACE,
    SALES_SOURCE,
)
from clickstream.tables.table_type import Column, Table, key

_ARRIVAL = (
    Column("channel", "string", "Channel of the arrival: docs/channels.md."),
    Column("source", "string", "Source of the arrival, such as google."),
    Column("medium", "string", "Medium of the arrival, such as organic or cpc."),
    Column("referrer_domain", "string", "Host of the referring page on another site."),
    Column("utm_campaign", "string", "Campaign name, from the tag utm_campaign."),
)
"""How a visitor came to the site. The arrival of an order is that of its visit, or if it is direct,
the visitor's last arrival in the window before it that is not direct and has the same visitor key.
"""

ORDER_MATCHES = Table(
    "order_matches",
    "one order and its visit, or the reason why it has none, at the UTC date of the order",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("order_id", "string", "Id of the order at the source."),
        key("method", "string", "How the visit was found: number, time or none."),
        Column(
            "why_none",
            "string",
            "Why the order has no visit: not on the web, no request, hour incomplete, opted out, "
            "bot or ambiguous; null with a visit.",
        ),
        Column(
            "seconds_apart",
            "double",
            "Seconds from the time of the order to its confirmation page, by the clocks of the "
            "shop and of the web server; null without a visit.",
        ),
        key(
            "confirmation_views",
            "long",
            "Successful views of the confirmation page with the order's number.",
        ),
        Column(
            "session_id",
            "string",
            "The visit of the order; null without one, and after the replay window.",
            privacy="pseudonymous",
        ),
        Column("site", "string", "The site that was visited; null without a visit."),
        *_ARRIVAL,
        Column("landing_page", "string", "First page of the visit.", privacy="free text"),
        Column("device", "string", "Kind of device: desktop, mobile, tablet and so on."),
        *PLACE,
        replace(NETWORK, meaning="Kind of network of the order; null if it is not known."),
    ),
    ("sales_source", "order_id"),
    ("event_date", "hour_at", "sales_source", "order_id"),
)

CONFIRMATION_VIEWS = Table(
    "confirmation_views",
    "one request for a page that confirms an order, at its hour",
    (
        EVENT_DATE,
        HOUR_AT,
        key("hit_at", "timestamp", "Time of the request, UTC."),
        key("order_number", "string", "Number of the order in the request."),
        key(
            "kind",
            "string",
            "order (the view that counts), repeat, unknown number, ambiguous number, failed, bot "
            "or opted out.",
        ),
        replace(SALES_SOURCE, required=False),
        Column("order_id", "string", "Id of the order; null if no order has the number."),
        Column("shown_cents", "long", "Amount in the request, in hundredths; null without one."),
        Column("order_cents", "long", "Total of the order; null if no order has the number."),
        replace(CURRENCY, required=False),
        key("raw_object", "string", "Key of the raw object that holds the line."),
        key("line_number", "long", "Line number in that object, from 1."),
    ),
    ("hit_at", "raw_object", "line_number"),
    ("event_date", "hour_at"),
)

_SHARE = "Share of the order's credit by the model {}, in millionths."

ORDER_TOUCHES = Table(
    "order_touches",
    "one visit within the window before an order with a visit, at the UTC date of the order",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("order_id", "string", "Id of the order at the source."),
        key("touch", "long", "Number of the visit in the path to the order, from 1."),
        key("touches", "long", "Number of visits in the path; the last one is the order's own."),
        *_ARRIVAL,
        key("days_before", "double", "Days from the visit's begin to that of the order's visit."),
        key(
            "is_window_cut",
            "boolean",
            "Whether earlier visits in the window may be unknown: the visitor's key is newer, or "
            "an hour is incomplete.",
        ),
        key("total_cents", "long", "Total of the order, in hundredths of the currency."),
        CURRENCY,
        *(key(f"{name}_share", "long", _SHARE.format(name)) for name in RULES),
        *(
            Column(
                f"{name}_share",
                "long",
                f"{_SHARE.format(name)[:-1]}; null with too few orders in the 30 days before.",
            )
            for name in FROM_DATA
        ),
    ),
    ("sales_source", "order_id", "touch"),
    ("event_date", "hour_at", "sales_source", "order_id"),
)

JOURNEYS = Table(
    "journeys",
    "one path of channels by which journeys ended on the UTC date, with or without an order",
    (
        EVENT_DATE,
        DATE_AT,
        key(
            "path",
            "string",
            "Channels of the visits within the window before the last one, in order, with > "
            "between them.",
        ),
        key(
            "has_order",
            "boolean",
            "Whether the journeys ended with an order of the date, or because the visitor did not "
            "come back within the window.",
        ),
        key("journeys", "long", "Number of journeys."),
    ),
    ("path", "has_order"),
    ("event_date", "hour_at"),
)

ATTRIBUTION_CHANGES = Table(
    "attribution_changes",
    "one change of the credit that a channel has for an order, at the UTC date of the order",
    (
        EVENT_DATE,
        DATE_AT,
        SALES_SOURCE,
        key("order_id", "string", "Id of the order at the source."),
        key("model", "string", "Model of the credit, as in attribution."),
        Column("channel", "string", "Channel of the touches; null if none is known."),
        key("cents_before", "long", "Credit before, in hundredths of the currency."),
        key("cents_after", "long", "Credit after, in hundredths of the currency."),
        CURRENCY,
        key("changed_at", "timestamp", "Time of the publication with the change, UTC."),
        key("changed_by", "string", "Id of the run that published it."),
    ),
    ("sales_source", "order_id", "model", "channel", "changed_at"),
    ("event_date", "hour_at"),
)

MATCH_LEDGER = Table(
    "match_ledger",
    "one UTC date whose orders were matched; a publication writes this row last",
    (
        EVENT_DATE,
        DATE_AT,
        key("orders", "long", "Number of the date's rows in order_matches."),
        key("matched", "long", "Orders with a visit."),
        key("confirmation_views", "long", "Number of the date's rows in confirmation_views."),
        Column("touches", "long", "Number of the date's rows in order_touches."),
        Column("journeys", "long", "Number of the date's journeys without an order."),
        key("inputs_digest", "string", "Digest of the sales, hours and settings that were read."),
        Column(
            "rows_digest",
            "string",
            "Digest of the date's rows of the tables counted here; null by an earlier release.",
        ),
        key("is_anonymous", "boolean", "Whether the ids of the visits were removed."),
        key("library_version", "string", "Version of clickstream that matched the date."),
        key("published_at", "timestamp", "Time at which the date was published, UTC."),
        key("published_by", "string", "Id of the run that published the date."),
    ),
    ("event_date",),
    ("event_date", "hour_at"),
)

MATCHED_ROWS = (ORDER_MATCHES, CONFIRMATION_VIEWS, ORDER_TOUCHES, JOURNEYS)
"""The tables of a date's matches that its ledger counts."""

MATCH_TABLES = (
    ORDER_MATCHES,
    CONFIRMATION_VIEWS,
    JOURNEYS,
    ATTRIBUTION_CHANGES,
    ORDER_TOUCHES,
    MATCH_LEDGER,
)
"""The tables that a date of matches replaces, in the order of the commits.

Changes come before the touches: after a kill between them, the next run finds the same changes.
"""
