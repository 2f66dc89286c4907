"""The known figures by name, each with how it is found by our parsing, cleaning and sessions.

What can't be compared stands in `NOT_COMPARED`, with the reason.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from tests.real_logs.counting import (
    by_hour,
    campaigns,
    counted,
    durations,
    from_other_sites,
    google_searches,
    histogram,
    referrers,
    seconds,
    top,
)
from tests.real_logs.real_log import RealLog, runs_cut_at, runs_of

Figures = Mapping[str, Callable[[RealLog], Any]]

IIS_DIRECTIVES = 4
"""IIS opens a file, and goes on after a pause, with #Software, #Version, #Date and #Fields."""

REQUESTS: Figures = {
    "lines": lambda log: log.parsed.lines + log.parsed.directives,
    "parsed": lambda log: len(log.parsed.requests),
    "parse_failures": lambda log: len(log.parsed.rejects),
    "parse_failure_samples": lambda log: log.parsed.rejects["line"].tolist(),
    "request_malformed": lambda log: log.parsed.requests["method"].isna().sum(),
    "distinct_hosts": lambda log: log.parsed.requests["client"].nunique(),
    "distinct_user_agents": lambda log: log.parsed.requests["user_agent"].nunique(dropna=False),
    "distinct_host_ua_keys": lambda log: log.labels["visitor_id"].nunique(),
    "bytes_sum": lambda log: log.parsed.requests["bytes"].sum(),
    "bytes_dash": lambda log: log.parsed.requests["bytes"].isna().sum(),
    "by_status": lambda log: counted(log.parsed.requests["status"]),
    "by_method": lambda log: counted(log.parsed.requests["method"]),
    "by_hour_of_day_as_logged": lambda log: counted(log.logged_at.dt.strftime("%H")),
    "by_hour_of_day_utc": lambda log: counted(log.parsed.requests["at"].dt.strftime("%H")),
    "by_utc_offset": lambda log: counted(seconds(log.logged_at - log.parsed.requests["at"])),
    "distinct_utc_hours": lambda log: len(log.hours),
    "first_utc": lambda log: log.parsed.requests["at"].min().timestamp(),
    "last_utc": lambda log: log.parsed.requests["at"].max().timestamp(),
    "out_of_order_steps": lambda log: (
        np.diff(log.parsed.requests["at"]) < np.timedelta64(0)
    ).sum(),
    "top10_targets": lambda log: top(10, log.parsed.requests["target"]),
    "top10_paths": lambda log: top(10, log.labels["path"]),
    "top10_referrers_not_dash": lambda log: top(10, referrers(log)),
    "top10_hosts": lambda log: top(10, log.parsed.requests["client"]),
}

SESSIONS: Figures = {
    "sessions_all_hits_gt": lambda log: len(log.runs),
    "sessions_all_hits_ge": lambda log: len(runs_of(log.requests, timeout_seconds=1799)),
    "WRONG_sessions_if_cut_at_utc_hour": lambda log: runs_cut_at(log.requests, "h"),
    "WRONG_sessions_if_cut_at_utc_day": lambda log: runs_cut_at(log.requests, "D"),
    "hits_per_session_hist": lambda log: histogram(log.runs["requests"]),
    "max_hits_in_session": lambda log: log.runs["requests"].max(),
    "sum_session_duration_s": lambda log: durations(log.runs).sum(),
    "page_views": lambda log: len(log.pages),
    "top10_pages": lambda log: top(10, log.pages.frame(only=["path"])["path"]),
    "sessions_page_views_gt": lambda log: len(log.page_runs),
    "pages_per_session_hist": lambda log: histogram(log.page_runs["page_views"]),
    "bounce_sessions": lambda log: (log.page_runs["page_views"] == 1).sum(),
    "max_pages_in_session": lambda log: log.page_runs["page_views"].max(),
    "sum_page_session_duration_s": lambda log: durations(log.page_runs).sum(),
}

FILES: Figures = {
    "files": lambda log: len(log.files),
    "data_lines": lambda log: log.parsed.lines,
    "directive_lines": lambda log: log.parsed.directives,
    "data_rows_per_file": lambda log: {name: one.lines for name, one in log.files.items()},
    "field_lists": lambda log: dict.fromkeys(log.headers, log.parsed.directives // IIS_DIRECTIVES),
}

ARRIVALS: Figures = {
    "hits_with_utm_source_in_target": lambda log: log.labels["utm_source"].notna().sum(),
    "by_source_medium_campaign_decoded": campaigns,
    "hits_with_referrer": lambda log: len(referrers(log)),
    "top15_referrer_hosts": lambda log: top(15, log.labels["referrer_domain"]),
    "referrer_host_google_any": google_searches,
    "own_site_referrers": lambda log: len(referrers(log)) - from_other_sites(log),
}

EVERY_HOUR: Figures = {
    "utc_hour": lambda log: [f"{hour:%Y-%m-%dT%H:00:00Z}" for hour, _ in by_hour(log)],
    "hits": lambda log: [len(rows) for _, rows in by_hour(log)],
    "bytes": lambda log: [rows["bytes"].sum() for _, rows in by_hour(log)],
    "distinct_ips": lambda log: [rows["client"].nunique() for _, rows in by_hour(log)],
}

PLACES = ("ip", "country", "city", "subdivision", "lat", "lon")
"""What `test_places` compares of each look-up."""

COMPARED: Mapping[str, frozenset[str]] = {
    "elastic-apache-first5000.json": frozenset({*REQUESTS, *SESSIONS}),
    "elastic-apache-first5000.attribution.json": frozenset(ARRIVALS),
    "waikolai-iis-2009.json": frozenset({*REQUESTS, *SESSIONS, *FILES}),
    "waikolai-iis-2009.hourly_utc.csv": frozenset(EVERY_HOUR),
    "geoip2-city-test.lookups.json": frozenset(PLACES),
    "us-city-demographics.json": frozenset(),
}
"""The files of known figures, and which figures of each are compared."""

CENSUS = "counts a census table, which is no log and which nothing here reads"
NOT_COMPARED: Mapping[str, Mapping[str, str]] = {
    "elastic-apache-first5000.json": {"files": "where the log lay when it was counted"},
    "geoip2-city-test.lookups.json": {
        "network": "we ask for addresses; test_places asks for both ends of every network"
    },
    "us-city-demographics.json": dict.fromkeys(
        (
            *("rows", "columns", "cities", "states", "rows_with_any_blank", "top5_population"),
            *("sum_total_population_once_per_city", "WRONG_sum_if_not_deduplicated", "trap"),
        ),
        CENSUS,
    ),
}
"""The other figures, with the reason why each can't be compared."""
