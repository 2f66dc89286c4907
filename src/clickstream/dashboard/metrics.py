"""What can be asked: each metric, defined once.

Panels, CSV files, the SQL behind a number and docs/metrics.md are made from these tables. All SQL
runs unchanged on Athena and on DuckDB.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from clickstream.dashboard.fact_views import (
    BOTS,
    ERRORS,
    GOALS,
    HOURS,
    PAGE_VIEWS,
    REJECTS,
    SESSIONS,
    SOURCES,
    FactView,
)
from clickstream.dashboard.texts import mark

Format = Literal["count", "share", "seconds", "moment"]
Good = Literal["up", "down", "neither"]


@dataclass(frozen=True)
class Metric:
    """One number that can be asked.

    `sql` is its expression over the rows of `facts`. `definition` says in a sentence how it is
    counted, `answers` the owner's question, `limits` what it can't tell. A share of fewer than
    `smallest_group` visits is not shown. `is_additive`: the values of parts add up to the whole.
    """

    name: str
    facts: FactView
    label: str
    sql: str
    definition: str
    answers: str
    limits: str = ""
    format: Format = "count"
    good: Good = "up"
    smallest_group: int = 0
    is_additive: bool = False


SHARE_MINIMUM = 30
"""A share of fewer visits says too little: its 95 % interval is wider than 30 points."""


def _share(condition: str) -> str:
    """The share of rows for which a condition holds; null for no rows."""
    return f"cast(count(*) filter (where {condition}) as double) / nullif(count(*), 0)"


def _metrics(*metrics: Metric) -> dict[str, Metric]:
    return {metric.name: metric for metric in metrics}


METRICS = _metrics(
    Metric(
        "visitors",
        SESSIONS,
        mark("Visitors"),
        "count(distinct visitor_id)",
        mark("Different people with a visit that began in the range."),
        mark("How many people come?"),
        mark(
            "A person is recognized by address and browser until the visitor keys rotate. Over a "
            "rotation, somebody who comes back is counted again, so the number is an upper limit."
        ),
    ),
    Metric(
        "visits",
        SESSIONS,
        mark("Visits"),
        "count(*)",
        mark("Visits of people that began in the range; 30 minutes of silence end a visit."),
        mark("How often do people come?"),
        mark("Visits of recognized bots are left out; a bot that hides well counts as a person."),
        is_additive=True,
    ),
    Metric(
        "page_views",
        SESSIONS,
        mark("Page views"),
        "coalesce(sum(page_views), 0)",
        mark("Pages looked at in the visits that began in the range."),
        mark("How much do people look at?"),
        mark("Pages that a browser shows from its cache are not in the log."),
        is_additive=True,
    ),
    Metric(
        "engaged_rate",
        SESSIONS,
        mark("Engaged"),
        _share("is_engaged"),
        mark(
            "Share of visits that lasted more than 10 seconds, had 2 or more page views or met a "
            "goal."
        ),
        mark("Do people find what they look for?"),
        mark("The time after the last request of a visit is not in the log."),
        format="share",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "bounce_rate",
        SESSIONS,
        mark("Bounces"),
        _share("is_bounce"),
        mark("Share of visits with exactly one page view."),
        mark("Where do people leave at once?"),
        mark("A visit with one page view may have been a long and happy one."),
        format="share",
        good="down",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "conversions",
        SESSIONS,
        mark("Conversions"),
        "count(*) filter (where conversions > 0)",
        mark("Visits that met at least one goal; each visit counts once."),
        mark("How many visits lead to something?"),
        mark("The goals are those of the settings; what happens in a café is not in the log."),
        is_additive=True,
    ),
    Metric(
        "conversion_rate",
        SESSIONS,
        mark("Conversion rate"),
        _share("conversions > 0"),
        mark("Share of visits that met at least one goal, with its 95 % interval (Wilson)."),
        mark("How well does the site turn visits into orders?"),
        mark("It falls when visits rise that never meant to order, such as of the press."),
        format="share",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "visit_seconds",
        SESSIONS,
        mark("Visit length"),
        "avg(cast(duration_seconds as double))",
        mark("Mean time from the first to the last request of a visit."),
        mark("How long do people stay?"),
        mark("A lower limit: the time after the last request is not in the log."),
        format="seconds",
    ),
    Metric(
        "views",
        PAGE_VIEWS,
        mark("Views"),
        "count(*)",
        mark("How often the page was looked at, in visits that began in the range."),
        mark("Which pages do people see?"),
        mark("Pages that a browser shows from its cache are not in the log."),
        is_additive=True,
    ),
    Metric(
        "time_on_page",
        PAGE_VIEWS,
        mark("Time"),
        "avg(cast(dwell_seconds as double))",
        mark("Mean time on the page; after the last page of a visit it is estimated."),
        mark("Which pages hold people?"),
        mark("docs/sessions.md says how the estimate is made."),
        format="seconds",
    ),
    Metric(
        "exit_rate",
        PAGE_VIEWS,
        mark("Exits"),
        _share("is_exit_page"),
        mark("Share of the page's views that were the last of their visit."),
        mark("Where do people leave?"),
        mark("Every visit ends somewhere: an exit from a receipt is a good one."),
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "goal_visits",
        GOALS,
        mark("Visits"),
        "count(*)",
        mark("Visits that met the goal; each visit counts once."),
        mark("How often is each goal met?"),
        mark("A visit that meets two goals counts for both."),
        is_additive=True,
    ),
    Metric(
        "lines",
        HOURS,
        mark("Lines"),
        "coalesce(sum(lines), 0)",
        mark("Lines of the web servers' logs in the published hours of the range."),
        mark("How much was logged?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "rejected",
        HOURS,
        mark("Rejected"),
        "coalesce(sum(rejected), 0)",
        mark("Lines that could not be read; they are kept with the reason."),
        mark("Is anything lost?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "assets",
        HOURS,
        mark("Assets"),
        "coalesce(sum(assets), 0)",
        mark("Requests for pictures, styles and scripts, by people and bots."),
        mark("How much of the log is not pages?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "bots",
        HOURS,
        mark("Bots"),
        "coalesce(sum(bots), 0)",
        mark("Requests by recognized bots, without assets; no visit counts them."),
        mark("How much of the traffic is machines?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "people",
        HOURS,
        mark("People"),
        "coalesce(sum(page_requests + downloads + redirects + client_errors + server_errors"
        " + health_checks + api_calls + others), 0)",
        mark("Every other request: pages, forms, downloads and errors, by people."),
        mark("How much of the log is people?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "late_lines",
        HOURS,
        mark("Late lines"),
        "coalesce(sum(late_lines), 0)",
        mark("Lines that came after their hour had been published; the hour was built again."),
        mark("Did numbers change after I saw them?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "waiting_lines",
        HOURS,
        mark("Waiting"),
        "coalesce(sum(waiting_lines), 0)",
        mark("Lines that came when their hour could not be built again; no number has them."),
        mark("What is missing from the numbers?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "incomplete_hours",
        HOURS,
        mark("Lack a server"),
        "count(missing_sources)",
        mark("Published hours whose lines of some server are still missing; it could not be read."),
        mark("Does every server send its log?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "server_errors",
        HOURS,
        mark("Server errors"),
        "coalesce(sum(server_errors), 0)",
        mark("Requests of people that the server answered with a 5xx status."),
        mark("Did the site work?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "published_hours",
        HOURS,
        mark("Hours"),
        "count(*)",
        mark("Published hours."),
        mark("Which hours are in the numbers?"),
        is_additive=True,
    ),
    Metric(
        "first_hour",
        HOURS,
        mark("First hour"),
        "min(hour_at)",
        mark("The first published hour, UTC."),
        mark("How far back do the numbers go?"),
        format="moment",
        good="neither",
    ),
    Metric(
        "newest_hour",
        HOURS,
        mark("Newest hour"),
        "max(hour_at)",
        mark("The newest published hour, UTC."),
        mark("How recent are the numbers?"),
        format="moment",
        good="neither",
    ),
    Metric(
        "source_lines",
        SOURCES,
        mark("Lines"),
        "coalesce(sum(lines), 0)",
        mark("Lines that the source brought for the range."),
        mark("Does every server send its log?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "source_newest",
        SOURCES,
        mark("Newest hour"),
        "max(hour_at)",
        mark("The newest hour of which the source brought lines."),
        mark("Does every server send its log?"),
        format="moment",
        good="neither",
    ),
    Metric(
        "source_late",
        SOURCES,
        mark("Late"),
        "coalesce(sum(late_lines), 0)",
        mark("Lines of the source that came after their hour had been published."),
        mark("Which server is slow to send its log?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "bot_requests",
        BOTS,
        mark("Requests"),
        "coalesce(sum(requests), 0)",
        mark("Requests by bots of the class, without assets."),
        mark("Which machines read the site?"),
        good="neither",
        is_additive=True,
    ),
    Metric(
        "errors",
        ERRORS,
        mark("Errors"),
        "coalesce(sum(requests), 0)",
        mark("Requests of people that were answered with a 4xx or 5xx status."),
        mark("What went wrong for people?"),
        good="down",
        is_additive=True,
    ),
    Metric(
        "people_with_errors",
        ERRORS,
        mark("People"),
        "count(distinct visitor_id)",
        mark("Different people who met the error."),
        mark("How many people were hit?"),
        mark("Over a rotation of the visitor keys a person counts again."),
        good="down",
    ),
    Metric(
        "rejected_lines",
        REJECTS,
        mark("Lines"),
        "coalesce(sum(lines), 0)",
        mark("Lines that could not be read, by the reason."),
        mark("Why could lines not be read?"),
        good="down",
        is_additive=True,
    ),
)
"""Each metric by its name."""
