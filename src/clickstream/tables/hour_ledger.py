"""The ledger of published hours."""

from __future__ import annotations

from clickstream.tables.columns import EVENT_DATE, HOUR_AT
from clickstream.tables.table_type import Column, Table, key

BALANCE = (
    "page_requests",
    "assets",
    "downloads",
    "bots",
    "redirects",
    "client_errors",
    "server_errors",
    "health_checks",
    "api_calls",
    "others",
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
        EVENT_DATE,
        HOUR_AT,
        key(
            "lines",
            "long",
            "Raw lines of the hour: the sum of the columns from page_requests to other_hosts.",
        ),
        key(
            "page_requests",
            "long",
            "Requests of kind page without a bot verdict in this hour. The views' page_views also "
            "leave out those whose session has a bot verdict in any part.",
        ),
        key("assets", "long", "Requests for static assets, by people and bots."),
        key("downloads", "long", "Requests of kind download by people."),
        key("bots", "long", "Requests of bots, without static assets and health checks."),
        key("redirects", "long", "Requests of people that were answered with a redirect."),
        key("client_errors", "long", "Requests of people that were answered with a 4xx status."),
        key("server_errors", "long", "Requests of people that were answered with a 5xx status."),
        key("health_checks", "long", "Requests of health checks."),
        key("api_calls", "long", "API calls, without those of bots."),
        key("others", "long", "Requests of people of kind other."),
        key("rejected", "long", "Rejected lines, see the table rejects."),
        Column(
            "other_hosts",
            "long",
            "Requests to hosts that [site] hosts does not list: they are of another site, so no "
            "other table has them.",
        ),
        key("late_lines", "long", "Lines that arrived after the hour was first published."),
        Column(
            "late_by_seconds",
            "long",
            "Seconds from the hour's end to the arrival of the last late line; null without late "
            "lines.",
        ),
        key("hits", "long", "Number of the hour's rows in hits."),
        key("session_parts", "long", "Number of the hour's rows in session_parts."),
        key("raw_objects", "long", "Number of raw objects that the hour was built from."),
        key("raw_digest", "string", "Digest of the names and sizes of these raw objects."),
        key("carry_in", "string", "Digest of the carry-in: the open sessions of earlier hours."),
        key(
            "carry_out",
            "string",
            "Digest of the carry-out: the open sessions at the end of the hour.",
        ),
        key("timeout_seconds", "long", "Session timeout in seconds when the hour was built."),
        key(
            "cap_hours",
            "long",
            "The setting cap_hours when the hour was built: a session that has lasted "
            "so long ends at the next 00:00 UTC.",
        ),
        key(
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
        key("library_version", "string", "Version of clickstream that built the hour."),
        key(
            "settings_digest",
            "string",
            "Digest of the settings and rule files that determine the hour's rows.",
        ),
        key("published_at", "timestamp", "Time at which the hour was published, UTC."),
        key("published_by", "string", "Id of the run that published the hour."),
        Column(
            "networks_dated",
            "date",
            "Date of the ASN database by which browsers from hosting networks were found; null if "
            "none was used.",
        ),
        Column(
            "has_order_numbers",
            "boolean",
            "Whether the build looked for the numbers of orders: [orders] number was set.",
        ),
    ),
    ("hour_at",),
    rarely_set=("missing_sources",),
)
