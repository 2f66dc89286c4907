"""The metrics of visits, page views and goals."""

from __future__ import annotations

from clickstream.dashboard.ask.fact_views import GOALS, PAGE_VIEWS, SESSION_ERRORS, SESSIONS
from clickstream.dashboard.ask.intervals import SHARE_MINIMUM
from clickstream.dashboard.ask.metric_type import Metric


def share_of(condition: str) -> str:
    """SQL for the share of rows that meet a condition; null without rows."""
    return f"cast(count(*) filter (where {condition}) as double) / nullif(count(*), 0)"


def _share_of_days(name: str) -> str:
    return f"cast(coalesce(sum({name}), 0) as double) / nullif(sum(visits), 0)"


VISIT_METRICS = (
    Metric(
        "visitors",
        SESSIONS,
        "Visitors",
        "count(distinct visitor_id)",
        "Number of different people whose visits began in the range.",
        "How many people come?",
        (
            "A person is recognized by network address and browser, but only until the "
            "visitor keys change: for privacy, every 30 days by default. A person who comes"
            " back after a change is counted again, so the number can be too high."
        ),
        days_sql="coalesce(sum(visitors), 0)",
    ),
    Metric(
        "visits",
        SESSIONS,
        "Visits",
        "count(*)",
        (
            "Visits with at least one page view that began in the range. A visit ends with "
            "a pause of more than 30 minutes, unless the settings give another time."
        ),
        "How often do people come?",
        (
            "Visits of programs that are recognized as bots are not counted. A bot that "
            "behaves like a person is counted."
        ),
        is_additive=True,
        days_sql="coalesce(sum(visits), 0)",
    ),
    Metric(
        "page_views",
        SESSIONS,
        "Page views",
        "coalesce(sum(page_views), 0)",
        (
            "Pages viewed in the visits that began in the range. A page that is loaded "
            "again counts again."
        ),
        "How much do people look at?",
        (
            "If a browser shows a page that it has stored earlier, the web server gets no "
            "request, and the view is not counted."
        ),
        is_additive=True,
        days_sql="coalesce(sum(page_views), 0)",
    ),
    Metric(
        "view_squares",
        SESSIONS,
        "Page views, squared",
        "coalesce(sum(page_views * page_views), 0)",
        "Sum over all visits of the squared number of their page views.",
        "How far does chance move the number of page views?",
        "Only comparisons of page views use it: visits with many views change them most.",
        good="neither",
        is_additive=True,
        days_sql="coalesce(sum(view_squares), 0)",
    ),
    Metric(
        "engaged_rate",
        SESSIONS,
        "Engaged",
        share_of("is_engaged"),
        (
            "Share of visits that lasted more than 10 seconds, had at least 2 page views, "
            "or met a goal."
        ),
        "Do people find what they want?",
        (
            "The web server does not see how long a person looks at the last page of a "
            "visit, so this time is not included."
        ),
        format="share",
        smallest_group=SHARE_MINIMUM,
        days_sql=_share_of_days("engaged"),
    ),
    Metric(
        "bounce_rate",
        SESSIONS,
        "Bounces",
        share_of("is_bounce"),
        "Share of visits with exactly one page view.",
        "How many visits end after one page?",
        "A visit with one page view can still be long and useful.",
        format="share",
        good="down",
        smallest_group=SHARE_MINIMUM,
        days_sql=_share_of_days("bounces"),
    ),
    Metric(
        "conversions",
        SESSIONS,
        "Conversions",
        "count(*) filter (where met_goal)",
        "Visits that met the site's main goal, such as an order. Each visit counts once.",
        "How many visits lead to an order?",
        (
            "The main goal is order_goal of [dashboard], or else the first goal of the settings. "
            "What people do outside the site is not included."
        ),
        is_additive=True,
        is_of_goal=True,
        days_sql="coalesce(sum(met), 0)",
    ),
    Metric(
        "conversion_rate",
        SESSIONS,
        "Conversion rate",
        share_of("met_goal"),
        "Share of visits that met the site's main goal, such as an order.",
        "What share of the visits leads to an order?",
        (
            "It falls if more people visit without the intention to order, for example "
            "after a newspaper article."
        ),
        format="share",
        smallest_group=SHARE_MINIMUM,
        interval="The 95 % interval contains the true rate in 95 of 100 cases.",
        is_of_goal=True,
        days_sql=_share_of_days("met"),
    ),
    Metric(
        "visit_seconds",
        SESSIONS,
        "Visit length",
        "avg(cast(duration_seconds as double))",
        "Average time from the first to the last request of a visit.",
        "How long do people stay?",
        (
            "A browser sends a request for each page, image or form. Visits are longer than"
            " this number: the web server does not see how long a person looks at the last "
            "page."
        ),
        format="seconds",
    ),
    Metric(
        "views",
        PAGE_VIEWS,
        "Views",
        "count(*)",
        "How often the page was viewed in the visits that began in the range.",
        "Which pages do people see?",
        (
            "If a browser shows a page that it has stored earlier, the web server gets no "
            "request, and the view is not counted."
        ),
        is_additive=True,
    ),
    Metric(
        "page_visits",
        PAGE_VIEWS,
        "Visits",
        "count(distinct session_id)",
        "Visits in which the page was viewed at least once.",
        "How many visits include a page?",
        "A visit with views of two pages counts for both pages.",
    ),
    Metric(
        "time_on_page",
        PAGE_VIEWS,
        "Time",
        "avg(cast(dwell_seconds as double))",
        "Average time on the page. For the last page of a visit, the time is estimated.",
        "On which pages do people stay?",
        (
            "An estimate is the average of the times measured on the same page on the same "
            "date, or on all pages if fewer than ten were measured. docs/sessions.md has "
            "the details."
        ),
        format="seconds",
    ),
    Metric(
        "estimated_share",
        PAGE_VIEWS,
        "Estimated",
        share_of("is_estimated"),
        (
            "Share of the page's views whose time is estimated, because the page was the "
            "last one of the visit."
        ),
        "How many of the times on a page are estimates?",
        "The web server does not see when a person leaves the last page of a visit.",
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "exit_rate",
        PAGE_VIEWS,
        "Exits",
        share_of("is_exit_page"),
        "Share of the page's views that were the last page view of the visit.",
        "Where do people leave?",
        (
            "Every visit ends on some page. Exits from the page that confirms an order are "
            "a good sign."
        ),
        format="share",
        good="neither",
        smallest_group=SHARE_MINIMUM,
    ),
    Metric(
        "goal_visits",
        GOALS,
        "Visits",
        "count(*)",
        "Visits that met the goal. Each visit counts once.",
        "How many visits meet each goal?",
        "A visit that meets two goals counts for both goals.",
        is_additive=True,
    ),
    Metric(
        "failed_visits",
        SESSION_ERRORS,
        "Visits",
        "count(distinct session_id)",
        (
            "Number of visits in which at least one request failed: for example, the page "
            "does not exist (status 4xx), or the web server has a fault (status 5xx)."
        ),
        "In how many visits did an error occur?",
        (
            "Only visits with at least one page view are counted. The Trust page shows the "
            "errors of all people."
        ),
        good="down",
    ),
    Metric(
        "visits_with_5xx",
        SESSION_ERRORS,
        "Visits with 5xx",
        "count(distinct session_id) filter (where status >= 500)",
        (
            "Number of visits in which at least one request failed because of a fault of "
            "the web server (status 5xx)."
        ),
        "In how many visits did the server fail?",
        (
            "Only visits with at least one page view are counted. The Trust page shows the "
            "errors of all people."
        ),
        good="down",
    ),
    Metric(
        "failed_requests",
        SESSION_ERRORS,
        "Errors",
        "coalesce(sum(requests), 0)",
        (
            "Number of requests in visits that failed: for example, the page does not exist"
            " (status 4xx), or the web server has a fault (status 5xx)."
        ),
        "What went wrong on the way to an order?",
        "Requests for images, style sheets and scripts are not counted.",
        good="down",
        is_additive=True,
    ),
    Metric(
        "failed_visitors",
        SESSION_ERRORS,
        "People",
        "count(distinct visitor_id)",
        "Number of different people who got an error in a visit.",
        "How many people were affected?",
        "A person who comes back after a change of the visitor keys is counted again.",
        good="down",
    ),
)
