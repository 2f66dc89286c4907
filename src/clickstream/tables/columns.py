"""Columns that several tables have."""

from __future__ import annotations

from clickstream.tables.table_type import Column, key

EVENT_DATE = key("event_date", "date", "UTC date of the hour; the table's partition.")
HOUR_AT = key("hour_at", "timestamp", "Start of the UTC hour of the row.")
DATE_AT = key("hour_at", "timestamp", "Start of the date, 00:00 UTC.")
VISITOR = Column(
    "visitor_id",
    "string",
    "Keyed hash of site, client address and user agent, or of a cookie: docs/privacy.md.",
    required=True,
    privacy="pseudonymous",
)
UTM = (
    Column("utm_source", "string", "Campaign source, from the tag utm_source, decoded."),
    Column("utm_medium", "string", "Campaign medium, from the tag utm_medium, decoded."),
    Column("utm_campaign", "string", "Campaign name, from the tag utm_campaign, decoded."),
)
ARRIVAL = (
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
    *UTM,
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
DEVICE = (
    Column("device", "string", "Kind of device: desktop, mobile, tablet and so on."),
    Column("browser", "string", "Name of the browser or program."),
    Column("browser_version", "string", "Major version of the browser."),
    Column("os", "string", "Operating system."),
)
PLACE = (
    Column("country", "string", "Country of the client address, ISO 3166-1 alpha-2."),
    Column("region", "string", "State or region of the client address.", privacy="pseudonymous"),
    Column("city", "string", "City of the client address.", privacy="pseudonymous"),
)
NETWORK = Column("network", "string", "Kind of network; null if the database does not have it.")
COORDINATES = (
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
    NETWORK,
)
OPTED_OUT = Column("opted_out", "boolean", "Whether the browser sent Sec-GPC or DNT.")
BOT = (
    key("is_bot", "boolean", "Whether the visitor has a bot verdict in this hour."),
    Column("bot_class", "string", "Class of the bot, see docs/bots.md; null for people."),
    Column("bot_reason", "string", "Reason for the bot verdict; null for people."),
)
SALES_SOURCE = key("sales_source", "string", "Name of the source in [[sales]].")
CURRENCY = key("currency", "string", "Currency of the amounts, ISO 4217.")
ROW_NUMBER = key(
    "row_number", "long", "Number of the row in its file or answer of a query, from 1."
)
CUSTOMER = Column(
    "customer_key",
    "string",
    "Keyed hash of the customer's id or mail address: docs/privacy.md; null without one.",
    privacy="pseudonymous",
)
