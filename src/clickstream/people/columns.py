"""The columns that a session part stores as evidence of a person, with their meaning.

`evidence` computes them and `visitors` reads them. A colleague's change of `tables.py` can use
PART_EVIDENCE as it is. None of the columns has an address or a user agent; the columns of networks
are keyed hashes and become useless with the visitor key of their period.
"""

from __future__ import annotations

from clickstream.tables import Column

PART_EVIDENCE = (
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
        "Keyed hash of the number of the autonomous system (ASN); null without a database.",
        privacy="pseudonymous",
    ),
    Column("protocol", "string", "HTTP version of the part's first request; null if not logged."),
    Column(
        "onward_pages",
        "long",
        "Page views that were reached from a page of the site, by their referrer, and that differ "
        "in path or query from the page view before them. If the log has no referrer field: page "
        "views that differ from the page view before them.",
    ),
    Column("forms_sent", "long", "POST requests that were answered with a status below 400."),
    Column("not_modified", "long", "Responses with the status 304."),
    Column("assets_not_modified", "long", "Responses with the status 304 to requests for assets."),
    Column("favicons", "long", "Requests for the site's icon, /favicon.ico."),
    Column(
        "landing_assets",
        "long",
        "Requests for assets after the part's first page view and before its second.",
    ),
    Column(
        "early_assets", "long", "Requests for assets in a second before the part's first page view."
    ),
    Column("page_pauses", "long", "Pauses between consecutive page views: page_views - 1, or 0."),
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
"""About 60 bytes per part before compression. Counts add; pauses merge by minimum and maximum."""

STORED_BEFORE = (
    *("visitor_id", "is_bot", "first_hit_at", "first_page_at", "last_page_at", "page_views"),
    *("assets", "landing_page", "device", "browser", "browser_version", "os", "channel"),
    *("referrer_domain", "referrer_logged"),
)
"""The columns of `session_parts` that `visitors` reads besides."""
