"""Words and arrows of changes: how a number of a page differs from its usual value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.changes.candidates import Candidate, Scope
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.formats import Change
from clickstream.dashboard.widgets.page import PageContext

_COUNTS = {"more": "more than usual ({usual})", "less": "less than usual ({usual})"}
_SHARES = {"more": "higher than usual ({usual})", "less": "lower than usual ({usual})"}
_DAILY = {"more": "more a day than usual", "less": "fewer a day than usual"}
"""Visitors of several days are compared by day, because those of the days can't be added up."""

MOST_WEEKS = 3
"""Maximum number of weeks before whose numbers are listed."""


def change_of(
    page: PageContext, name: str, scope: Scope = (), like: Metric | None = None
) -> Change | None:
    """Return how a number differs from its usual value; None if it is not compared.

    `like` is the metric that defines its format and whether more is good, if that is not the
    metric `name`.
    """
    candidate = page.once(find_changes).find(name, scope)
    if candidate is None:
        return None
    metric, compared = like or METRICS[name], candidate.compared
    usual = _usual(page, candidate, metric)
    change = page.formats.change(metric, compared.value, compared.usual)
    words = describe_verdict(page, candidate, metric)
    if not candidate.is_clear:
        text, weeks = change.signed_text if change else "", list_weeks(page, candidate)
        is_open = candidate.verdict in ("unknown", "unclear") and candidate.compared.has_interval
        if weeks and is_open:
            words = f"last weeks {weeks} · {words}"
        return Change(text, "same", None, words, usual)
    if change is None or _is_new(candidate, metric):
        is_good = None if metric.good == "neither" else metric.good == "up"
        return Change("new", "up", is_good, words, usual)
    return replace(change, words=words, usual=usual)


def _is_new(candidate: Candidate, metric: Metric) -> bool:
    return metric.format == "count" and candidate.compared.usual < 1


def describe_verdict(page: PageContext, candidate: Candidate, metric: Metric) -> str:
    """State the verdict on a number with its usual value; an open one with its interval."""
    is_daily = candidate.metric == "visitors" and page.period.days > 1
    usual = "" if is_daily else _usual(page, candidate, metric)
    interval, verdict = describe_interval(page, candidate), candidate.verdict
    if verdict in ("more", "less"):
        if _is_new(candidate, metric):
            return "new"
        texts = _DAILY if is_daily else _SHARES if metric.format == "share" else _COUNTS
        return texts[verdict].format(usual=usual)
    if verdict == "growth":
        return describe_growth(page, candidate)
    if verdict == "usual":
        return f"as usual ({'; '.join(filter(None, [usual, interval]))})"
    words = "can't tell yet" if verdict == "unknown" else "no clear change"
    if not interval:
        return f"{words} (usually {usual})"
    if candidate.compared.low > 0 or candidate.compared.high < 0:
        likely = "more" if candidate.is_up else "less"
        rest = words if verdict == "unknown" else "not clearly"
        words = f"probably {likely}, {rest}"
    return f"{words} ({interval})"


def describe_interval(page: PageContext, candidate: Candidate) -> str:
    """Return the interval of a change, such as between −7% and +6%; empty without one."""
    if not candidate.compared.has_interval:
        return ""
    low, high = (_signed(page, end) for end in (candidate.compared.low, candidate.compared.high))
    return f"between {low} and {high}"


def _signed(page: PageContext, share: float) -> str:
    return f"{'−' if share < 0 else '+'}{page.formats.share(abs(share), 0)}"


def describe_growth(page: PageContext, candidate: Candidate, verbs: str = "grows falls") -> str:
    """State the growth a week of a number with a trend, by one of two verbs."""
    growth = 100 * _weekly_growth(candidate)
    step = 5 if abs(growth) >= 9.5 else 1
    share = page.formats.share(step * round(abs(growth) / step) / 100, 0)
    return f"{verbs.split()[growth < 0]} about {share} a week"


def _weekly_growth(candidate: Candidate) -> float:
    """Return the growth a week that is stated: the model's, or that of the listed weeks.

    The model's is of all days before. A number that was constant before it grew has grown more in
    the weeks that are listed beside it; then the rate is theirs, so that both agree.
    """
    compared = candidate.compared
    weeks = [*candidate.weeks[-MOST_WEEKS:], compared.value]
    if len(weeks) < 3 or min(weeks) <= 0:
        return compared.growth
    listed: float = (weeks[-1] / weeks[0]) ** (1 / (len(weeks) - 1)) - 1
    agrees = compared.growth_low <= listed <= compared.growth_high
    return compared.growth if agrees or listed * compared.growth < 0 else listed


def list_weeks(page: PageContext, candidate: Candidate) -> str:
    """List the numbers of the last weeks; empty without them, and for readers of a share link.

    These weeks may have fewer visitors than such a reader may see.
    """
    if page.identity.shared or len(candidate.weeks) < 2:
        return ""
    metric = METRICS[candidate.metric]
    weeks: Sequence[float] = candidate.weeks[-MOST_WEEKS:]
    return ", ".join(page.formats.brief(metric, week) for week in weeks)


def _usual(page: PageContext, candidate: Candidate, metric: Metric) -> str:
    """Format the usual value; a place with few visitors is not shown by its number."""
    least = max(
        (DIMENSIONS[dimension].smallest_group for dimension, _ in candidate.scope), default=0
    )
    if metric.format == "count" and candidate.compared.usual < least:
        return f"under {page.formats.count(least)}"
    return page.formats.brief(metric, candidate.compared.usual)
