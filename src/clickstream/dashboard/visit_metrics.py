"""The metrics of visits, page views and goals."""

from __future__ import annotations

from clickstream.dashboard.fact_views import GOALS, PAGE_VIEWS, SESSION_ERRORS, SESSIONS
from clickstream.dashboard.metric import Metric
from clickstream.dashboard.texts import mark

SHARE_MINIMUM = 30
"""A share of fewer visits is not shown: its 95 % interval may be wider than 30 points."""


def share_of(condition: str) -> str:
    """SQL for the share of rows that meet a condition; null without rows."""
    return f"cast(count(*) filter (where {condition}) as double) / nullif(count(*), 0)"


VISIT_METRICS = (
    Metric(
        "visitors",
        SESSIONS,
        mark("Visitors"),
        "count(distinct visitor_id)",
        mark("Number of different people with a visit that began in the range."),
        mark("How many people come?"),
        mark(
            "A person is recognized by network address and browser until the "
            "visitor keys change. After a change, a returning person is counted "
            "again, so the number is an upper limit."
        ),
    ),
    Metric(
        "visits",
        SESSIONS,
        mark("Visits"),
        "count(*)",
        mark(
            "Visits of people that began in the range. A visit ends with a pause "
            "longer than the session timeout, 30 minutes by default."
        ),
        mark("How often do people come?"),
        mark("Recognized bots are not counted; a bot that hides well counts as a person."),
        is_additive=True,
    ),
    Metric(
        "page_views",
        SESSIONS,
        mark("Page views"),
        "coalesce(sum(page_views), 0)",
        mark("Pages viewed in the visits that began in the range, reloads included."),
        mark("How much do people look at?"),
        mark("Pages that a browser shows from its cache are not in the log."),
        is_additive=True,
    ),
    Metric(
        "engaged_rate",
        SESSIONS,
        mark("Engaged"),
        share_of("is_engaged"),
        mark(
            "Share of visits that lasted more than 10 seconds, had at least 2 page views, or met a "
            "goal."
        ),
        mark("Do people find what they want?"),
        mark("The time after the last request of a visit is not in the log."),
        format="share",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "bounce_rate",
        SESSIONS,
        mark("Bounces"),
        share_of("is_bounce"),
        mark("Share of visits with exactly one page view."),
        mark("Where do people leave at once?"),
        mark("A visit with one page view can still be a long and useful one."),
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
        mark(
            "The goals are those of the settings; what happens in the café itself "
            "is not in the log."
        ),
        is_additive=True,
    ),
    Metric(
        "conversion_rate",
        SESSIONS,
        mark("Conversion rate"),
        share_of("conversions > 0"),
        mark("Share of visits that met at least one goal, with a 95 % interval (Wilson)."),
        mark("How well does the site turn visits into orders?"),
        mark(
            "It falls when more people visit without meaning to order, for example "
            "after a press article."
        ),
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
        mark("This is a lower limit: the time after the last request is not in the log."),
        format="seconds",
    ),
    Metric(
        "views",
        PAGE_VIEWS,
        mark("Views"),
        "count(*)",
        mark("How often the page was viewed, in visits that began in the range."),
        mark("Which pages do people see?"),
        mark("Pages that a browser shows from its cache are not in the log."),
        is_additive=True,
    ),
    Metric(
        "page_visits",
        PAGE_VIEWS,
        mark("Visits"),
        "count(distinct session_id)",
        mark("Visits in which the page was viewed at least once."),
        mark("How many visits include a page, or an item on the menu?"),
        mark("A visit that saw two pages counts for both."),
    ),
    Metric(
        "time_on_page",
        PAGE_VIEWS,
        mark("Time"),
        "avg(cast(dwell_seconds as double))",
        mark("Mean time on the page; after the last page of a visit it is estimated."),
        mark("On which pages do people stay?"),
        mark("docs/sessions.md explains the estimate."),
        format="seconds",
    ),
    Metric(
        "estimated_share",
        PAGE_VIEWS,
        mark("Estimated"),
        share_of("is_estimated"),
        mark("Share of the times on the page that are estimated: those of last pages of visits."),
        mark("How much of the time on a page is measured?"),
        mark("The log does not show when a visitor leaves the last page of a visit."),
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "exit_rate",
        PAGE_VIEWS,
        mark("Exits"),
        share_of("is_exit_page"),
        mark("Share of the page's views that were the last view of their visit."),
        mark("Where do people leave?"),
        mark("Every visit ends somewhere; an exit from the receipt page is a good one."),
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "goal_visits",
        GOALS,
        mark("Visits"),
        "count(*)",
        mark("Visits that met the goal. Each visit counts once."),
        mark("How many visits meet each goal?"),
        mark("A visit that meets two goals counts for both goals."),
        is_additive=True,
    ),
    Metric(
        "failed_visits",
        SESSION_ERRORS,
        mark("Visits"),
        "count(distinct session_id)",
        mark("Visits in which the server answered a request with an error (status 4xx or 5xx)."),
        mark("How many visits met an error?"),
        mark(
            "Only visits with at least one page view; the Trust page shows the "
            "errors of all people."
        ),
        good="down",
    ),
    Metric(
        "visits_with_5xx",
        SESSION_ERRORS,
        mark("Visits with 5xx"),
        "count(distinct session_id) filter (where status >= 500)",
        mark("Visits in which the server failed to answer a request (status 5xx)."),
        mark("In how many visits did the server fail?"),
        mark(
            "Only visits with at least one page view; the Trust page shows the "
            "errors of all people."
        ),
        good="down",
    ),
    Metric(
        "failed_requests",
        SESSION_ERRORS,
        mark("Errors"),
        "coalesce(sum(requests), 0)",
        mark("Requests of visits that the server answered with an error (status 4xx or 5xx)."),
        mark("What went wrong on the way to an order?"),
        mark("Requests for static assets, such as images and style sheets, are not counted."),
        good="down",
        is_additive=True,
    ),
    Metric(
        "failed_visitors",
        SESSION_ERRORS,
        mark("People"),
        "count(distinct visitor_id)",
        mark("Different people who met an error in a visit."),
        mark("How many people were affected?"),
        mark("After a change of the visitor keys, a person counts again."),
        good="down",
    ),
)
