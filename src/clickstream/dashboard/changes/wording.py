"""Words and arrows of changes: how a number of a page differs from its usual value."""

from __future__ import annotations

from dataclasses import replace

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.changes.candidates import Candidate, Scope
from clickstream.dashboard.changes.verdicts import Verdict, find_changes
from clickstream.dashboard.formats import Change
from clickstream.dashboard.widgets.page import PageContext

_COUNTS: dict[Verdict, str] = {
    "more": "more than usual ({usual})",
    "unclear": "no clear change (usually {usual})",
    "less": "less than usual ({usual})",
}
_SHARES: dict[Verdict, str] = {
    "more": "higher than usual ({usual})",
    "unclear": "no clear change (usually {usual})",
    "less": "lower than usual ({usual})",
}

_DAILY: dict[Verdict, str] = {
    "more": "more a day than usual",
    "unclear": "no clear change a day",
    "less": "fewer a day than usual",
}
"""Visitors of several days are compared by day, because those of the days can't be added up."""


def change_of(
    page: PageContext, name: str, scope: Scope = (), like: Metric | None = None
) -> Change | None:
    """Return how a number differs from its usual value; None if it is not compared.

    `like` is the metric that defines its format and whether more is good, if that is not the
    metric `name`.
    """
    changes = page.once(find_changes)
    candidate = changes.find(name, scope)
    if candidate is None:
        return None
    return _describe(page, candidate, changes.verdict(candidate), like or METRICS[name])


def _describe(page: PageContext, candidate: Candidate, verdict: Verdict, metric: Metric) -> Change:
    formats, compared = page.formats, candidate.compared
    usual = _usual(page, candidate, metric)
    texts = _SHARES if metric.format == "share" else _COUNTS
    if candidate.metric == "visitors" and page.period.days > 1:
        texts, usual = _DAILY, ""
    words = texts[verdict].format(usual=usual)
    change = formats.change(metric, compared.observed, compared.expected)
    if verdict == "unclear":
        return Change(change.signed_text if change else "", "same", None, words, usual)
    if change is None:  # from zero
        is_good = None if metric.good == "neither" else metric.good == "up"
        change = Change("new", "up", is_good)
    return replace(change, words=words, usual=usual)


def _usual(page: PageContext, candidate: Candidate, metric: Metric) -> str:
    """Format the usual value; a place with few visitors is not shown by its number."""
    least = max(
        (DIMENSIONS[dimension].smallest_group for dimension, _ in candidate.scope), default=0
    )
    if metric.format == "count" and candidate.compared.expected < least:
        return f"under {page.formats.count(least)}"
    return page.formats.brief(metric, candidate.compared.expected)
