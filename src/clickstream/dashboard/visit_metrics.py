"""The metrics of visits, page views and goals."""

from __future__ import annotations

from clickstream.dashboard.fact_views import GOALS, PAGE_VIEWS, SESSION_ERRORS, SESSIONS
from clickstream.dashboard.metric import Metric
from clickstream.dashboard.texts import mark

SHARE_MINIMUM = 30
"""A share of fewer visits says too little: its 95 % interval is wider than 30 points."""


def share_of(condition: str) -> str:
    """The share of rows for which a condition holds; null for no rows."""
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
            "A person is recognized by address and browser until the visitor key changes. A person "
            "who returns after a change counts again, so the number is an upper limit."
        ),
    ),
    Metric(
        "visits",
        SESSIONS,
        mark("Visits"),
        "count(*)",
        mark(
            "Visits of people that began in the range. A visit ends with a pause longer than the "
            "session timeout, 30 minutes by default."
        ),
        mark("How often do people come?"),
        mark("Visits of recognized bots are not counted. A bot that is not recognized is counted."),
        is_additive=True,
    ),
    Metric(
        "page_views",
        SESSIONS,
        mark("Page views"),
        "coalesce(sum(page_views), 0)",
        mark("Pages that people viewed in visits that began in the range, reloads included."),
        mark("How many pages do people view?"),
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
        mark("Where do people leave after one page?"),
        mark("A visit with one page view may still be long and successful."),
        format="share",
        good="down",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "conversions",
        SESSIONS,
        mark("Conversions"),
        "count(*) filter (where conversions > 0)",
        mark("Visits that met at least one goal. Each visit counts once."),
        mark("How many visits reach a goal?"),
        mark(
            "Goals are defined in the settings. What happens in the café itself is not in the log."
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
            "It falls if there are more visits without the intent to order, such as from the press."
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
        mark("Number of views of the page in visits that began in the range."),
        mark("Which pages do people see?"),
        mark("Pages that a browser shows from its cache are not in the log."),
        is_additive=True,
    ),
    Metric(
        "page_visits",
        PAGE_VIEWS,
        mark("Visits"),
        "count(distinct session_id)",
        mark("Visits with at least one view of the page."),
        mark("How many visits see a page, or an item of the menu?"),
        mark("A visit to two pages counts for both pages."),
    ),
    Metric(
        "time_on_page",
        PAGE_VIEWS,
        mark("Time"),
        "avg(cast(dwell_seconds as double))",
        mark("Mean time on the page. For the last page of a visit, the time is estimated."),
        mark("On which pages do people spend time?"),
        mark("docs/sessions.md describes the estimate."),
        format="seconds",
    ),
    Metric(
        "estimated_share",
        PAGE_VIEWS,
        mark("Estimated"),
        share_of("is_estimated"),
        mark("Share of the times on the page that are estimated: those of last pages of visits."),
        mark("How much of the time on a page is measured?"),
        mark("The log does not show when a person leaves the last page of a visit."),
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
        mark("Every visit ends on some page. An exit from a receipt is good."),
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
        mark("Visits with errors"),
        "count(distinct session_id)",
        mark("Visits in which a request was answered with a 4xx or 5xx status."),
        mark("How many visits met an error?"),
        mark(
            "Only visits with at least one page view. The Trust page has the errors of all people."
        ),
        good="down",
    ),
    Metric(
        "visits_with_5xx",
        SESSION_ERRORS,
        mark("Visits with 5xx"),
        "count(distinct session_id) filter (where status >= 500)",
        mark("Visits in which a request was answered with a 5xx status."),
        mark("How many visits met an error of the server?"),
        mark(
            "Only visits with at least one page view. The Trust page has the errors of all people."
        ),
        good="down",
    ),
    Metric(
        "failed_requests",
        SESSION_ERRORS,
        mark("Errors"),
        "coalesce(sum(requests), 0)",
        mark("Requests in visits that were answered with a 4xx or 5xx status."),
        mark("What went wrong on the way to an order?"),
        mark("Requests for static assets, such as images and style sheets, are not counted."),
        good="down",
        is_additive=True,
    ),
    Metric(
        "failed_visitors",
        SESSION_ERRORS,
        mark("People with errors"),
        "count(distinct visitor_id)",
        mark("Number of different people who met an error in a visit."),
        mark("How many people met an error?"),
        mark("A person who returns after a change of the visitor key counts again."),
        good="down",
    ),
)
