"""The metrics of the logs: lines, errors and published hours."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from clickstream.dashboard.ask.fact_views import (
    ERRORS,
    HOURS,
    PLACES,
    REJECTS,
    SOURCES,
)
from clickstream.dashboard.ask.metric_type import Metric


def _mean(column: str) -> str:
    """SQL for the mean of a column of place_facts over all requests that have a value."""
    measured = f"nullif(sum(requests) filter (where {column} is not null), 0)"
    return f"sum({column} * requests) / {measured}"


PARTS = ("people", "bots", "assets", "health_checks", "rejected", "other_hosts")
"""The parts of the line balance; their sum is `lines`."""

BALANCE = (
    "lines",
    "rejected",
    "assets",
    "bots",
    "people",
    "health_checks",
    "other_hosts",
    "late_lines",
    "waiting_lines",
)
"""Metrics of the line balance, and of late lines."""


_RARE = ("health_checks", "other_hosts")


def named_parts(names: Sequence[str], figures: Mapping[str, int]) -> list[str]:
    """Return the names in BALANCE that a page shows; most logs have none of _RARE."""
    return [name for name in names if name not in _RARE or figures[name]]


def bot_share(figures: Mapping[str, int]) -> float | None:
    """Return the share of bots of all requests but assets and health checks; None without any."""
    requests = figures["bots"] + figures["people"]
    return figures["bots"] / requests if requests else None


LOG_METRICS = (
    Metric(
        "lines",
        HOURS,
        "Lines",
        "coalesce(sum(lines), 0)",
        (
            "Number of lines in the logs of the web servers, one for each request, in the "
            "published hours of the range."
        ),
        "How many requests did the web servers log?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "rejected",
        HOURS,
        "Rejected",
        "coalesce(sum(rejected), 0)",
        (
            "Log lines that could not be read, for example because they are damaged. They "
            "are stored with the reason."
        ),
        "Could all lines be read?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "assets",
        HOURS,
        "Assets",
        "coalesce(sum(assets), 0)",
        "Requests of people and bots for the images, style sheets and scripts of pages.",
        "How many requests are for images and other parts of pages?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "bots",
        HOURS,
        "Bots",
        "coalesce(sum(bots), 0)",
        (
            "Requests of programs that are recognized as bots, except for images, style "
            "sheets, scripts and health checks. They are not part of any visit."
        ),
        "How much of the traffic comes from bots?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "people",
        HOURS,
        "People",
        "coalesce(sum(page_requests + downloads + redirects + client_errors + server_errors"
        " + api_calls + others), 0)",
        "All other requests: pages, forms, downloads and errors of people.",
        "How much of the log comes from people?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "health_checks",
        HOURS,
        "Health checks",
        "coalesce(sum(health_checks), 0)",
        "Requests that check whether the site works; no number of people or bots has them.",
        "How much of the log is of the site's own monitor?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "other_hosts",
        HOURS,
        "Other hosts",
        "coalesce(sum(other_hosts), 0)",
        "Requests to hosts of other sites in the same logs; no other number counts them.",
        "How much of the log is of other sites?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "late_lines",
        HOURS,
        "Late lines",
        "coalesce(sum(late_lines), 0)",
        (
            "Log lines that arrived after the numbers of their hour were published. The "
            "numbers were then computed again."
        ),
        "Did numbers change after they were published?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "waiting_lines",
        HOURS,
        "Waiting",
        "coalesce(sum(waiting_lines), 0)",
        (
            "Log lines that arrived too late to compute the numbers of their hour again. "
            "They are stored, but no number includes them."
        ),
        "What is missing from the numbers?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "incomplete_hours",
        HOURS,
        "Incomplete",
        "count(missing_sources)",
        "Published hours without the log of a web server that could not be read yet.",
        "Was the log of every web server read?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "server_errors",
        HOURS,
        "Server errors",
        "coalesce(sum(server_errors), 0)",
        "Requests of people that failed because of a fault of the web server (status 5xx).",
        "Did the site work?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "published_hours",
        HOURS,
        "Hours",
        "count(*)",
        "Number of hours whose numbers are published.",
        "How many hours do the numbers cover?",
        is_additive=True,
    ),
    Metric(
        "first_hour",
        HOURS,
        "First hour",
        "min(hour_at)",
        "Start of the first published hour.",
        "How far back do the numbers go?",
        format="moment",
        good="neither",
    ),
    Metric(
        "newest_hour",
        HOURS,
        "Newest hour",
        "max(hour_at)",
        "Start of the newest published hour.",
        "How recent are the numbers?",
        format="moment",
        good="neither",
    ),
    Metric(
        "log_begins",
        HOURS,
        "Begin of the log",
        "min(hour_at) filter (where lines > 0 or missing_sources is not null)",
        "Start of the first published hour that has lines, or lacks the log of a server.",
        "When does the log begin?",
        format="moment",
        good="neither",
    ),
    Metric(
        "source_lines",
        SOURCES,
        "Lines",
        "coalesce(sum(lines), 0)",
        "Number of log lines in the range from this source of logs, such as a web server.",
        "Was the log of every web server read?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "source_newest",
        SOURCES,
        "Newest hour",
        "max(hour_at)",
        "Start of the newest published hour with lines from this source.",
        "Was the log of every web server read?",
        format="moment",
        good="neither",
    ),
    Metric(
        "source_arrived",
        SOURCES,
        "Newest arrival",
        "max(last_arrived_at)",
        "Time at which the newest log lines from this source arrived.",
        "When was the log of the web server last read?",
        format="moment",
        good="neither",
    ),
    Metric(
        "source_late",
        SOURCES,
        "Late",
        "coalesce(sum(late_lines), 0)",
        "Log lines from this source that arrived after the numbers of their hour were published.",
        "Which logs arrive late?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "errors",
        ERRORS,
        "Errors",
        "coalesce(sum(requests), 0)",
        (
            "Requests of people that failed: for example, the page does not exist (status "
            "4xx), or the web server has a fault (status 5xx)."
        ),
        "What went wrong for people?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "people_with_errors",
        ERRORS,
        "People",
        "count(distinct visitor_id)",
        "Number of different people who got the error.",
        "How many people were affected?",
        "A person who comes back after a change of the visitor keys is counted again.",
        good="down",
    ),
    Metric(
        "place_latitude",
        PLACES,
        "Latitude",
        _mean("latitude"),
        "Average latitude of the requests of people from the city, in degrees north.",
        "Where on the map is a city?",
        good="neither",
    ),
    Metric(
        "place_longitude",
        PLACES,
        "Longitude",
        _mean("longitude"),
        "Average longitude of the requests of people from the city, in degrees east.",
        "Where on the map is a city?",
        good="neither",
    ),
    Metric(
        "rejected_lines",
        REJECTS,
        "Lines",
        "coalesce(sum(lines), 0)",
        "Number of log lines that could not be read for this reason.",
        "Why could lines not be read?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "longest_rejected_line",
        REJECTS,
        "Longest, bytes",
        "max(longest_line_bytes)",
        "Length in bytes of the longest log line that could not be read for this reason.",
        "How long are the lines that could not be read?",
        good="neither",
    ),
)
