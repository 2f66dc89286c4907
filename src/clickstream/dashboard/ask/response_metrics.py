"""The metrics of response times: how long people wait for a page, and how many then leave."""

from __future__ import annotations

from clickstream.dashboard.ask.fact_views import PAGE_VIEWS
from clickstream.dashboard.ask.metric_type import Metric

SLOW_MS = 1000
"""An answer is slow if it takes as long or longer: a person's flow of thought is interrupted after
about a second (Nielsen, Response Times: The 3 Important Limits, 1993)."""

FEWEST_VISITS = 300
"""Response times of pages with fewer visits are not shown: of 300 visits, 15 are slower than the
95 % limit, which is few enough."""

_TIMED_VISITS = "count(distinct session_id) filter (where response_ms is not null)"
_SLOW = f"response_ms >= {SLOW_MS}"
_QUICK = f"response_ms < {SLOW_MS}"


def _time_within(name: str, label: str, percent: int, definition: str, answers: str) -> Metric:
    """Build the metric of the smallest time that is at least as long as a percentage of the times.

    The SQL is one that Athena and DuckDB compute alike; approx_percentile is not exact.
    """
    times = "array_agg(response_ms order by response_ms) filter (where response_ms is not null)"
    number = f"cast(ceil({percent} * count(response_ms) / 100e0) as integer)"
    return Metric(
        name,
        PAGE_VIEWS,
        label,
        f"({times})[nullif({number}, 0)]",
        definition,
        answers,
        (
            "The time is the server's. The way to the browser, and the time that the browser needs "
            "to show the page, are not included."
        ),
        format="milliseconds",
        good="down",
        smallest_group=FEWEST_VISITS,
        size_sql=_TIMED_VISITS,
    )


RESPONSE_METRICS = (
    Metric(
        "timed_visits",
        PAGE_VIEWS,
        "Visits",
        _TIMED_VISITS,
        "Visits with a view of the page whose response time is in the log.",
        "How many visits does the response time describe?",
        good="neither",
    ),
    _time_within(
        "median_response",
        "Median",
        50,
        "Half of the page's views were answered within this time.",
        "How long do people usually wait for a page?",
    ),
    _time_within(
        "p95_response",
        "95% within",
        95,
        "95 of 100 views of the page were answered within this time.",
        "How long do the people wait who wait longest?",
    ),
    Metric(
        "timed_views",
        PAGE_VIEWS,
        "Views",
        "count(response_ms)",
        "Views of the page whose response time is in the log.",
        "How many views does the response time describe?",
        good="neither",
        is_additive=True,
    ),
    Metric(
        "slow_views",
        PAGE_VIEWS,
        "Slow views",
        f"count(*) filter (where {_SLOW})",
        "Views of the page that were answered after a second or later.",
        "How often do people have to wait?",
        good="down",
        is_additive=True,
    ),
    Metric(
        "slow_exits",
        PAGE_VIEWS,
        "Exits after slow views",
        f"count(*) filter (where {_SLOW} and is_exit_page)",
        "Slow views of the page after which the visit ended.",
        "How many people leave after they had to wait?",
        "Visits end after quick views, too; compare the shares.",
        good="down",
        is_additive=True,
    ),
    Metric(
        "quick_exits",
        PAGE_VIEWS,
        "Exits after quick views",
        f"count(*) filter (where {_QUICK} and is_exit_page)",
        "Views of the page that were answered within a second, and after which the visit ended.",
        "How many people leave although they did not have to wait?",
        good="neither",
        is_additive=True,
    ),
)
