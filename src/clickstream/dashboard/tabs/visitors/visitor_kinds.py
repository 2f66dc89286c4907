"""New and returning visitors: the visits of each kind, their conversions, and both over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from clickstream.dashboard.charts.columns import ColumnChart
from clickstream.dashboard.formats import NO_VALUE
from clickstream.dashboard.questions.intervals import known_share, wilson
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.panel import grain_of
from clickstream.dashboard.tabs.visitors.panels import NEW_AND_RETURNING
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.course import summarize
from clickstream.dashboard.widgets.lists import KINDS, value_name
from clickstream.dashboard.widgets.notes import rotation_moments
from clickstream.dashboard.widgets.page import PageContext
from clickstream.dashboard.widgets.stacked_columns import stacked_columns, stacks_of

VISITS = METRICS["visits"]
MOST_ROTATIONS = 3
"""Maximum number of key changes whose dates are shown, the newest ones."""


@dataclass(frozen=True)
class VisitorKind:
    """One kind of visitors. `query` filters by it, or removes that filter."""

    key: str
    name: str
    visits: int
    share: str
    rate: str
    interval: str
    query: str
    is_chosen: bool


@dataclass(frozen=True)
class KindsPanel:
    """Both kinds, their columns over time, and the same as a table.

    `returning` states how many people also came on an earlier day, `rotated` after which changes of
    visitor keys returning visitors count as new. `summary` describes the returning visits over
    time.
    """

    returning: str
    kinds: Sequence[VisitorKind]
    wide: ColumnChart
    narrow: ColumnChart
    rows: Sequence[Sequence[str]]
    rotated: str
    summary: str


def build_kinds(page: PageContext) -> KindsPanel | None:
    """Ask for both kinds; return None without a visit."""
    whole, over_time = page.questions(NEW_AND_RETURNING)
    kinds = {one["visitor_kind"]: one for one in page.ask(whole).records()}
    total = sum(one["visits"] for one in kinds.values())
    if not total:
        return None
    buckets = buckets_of(page.period, grain_of(page.view, page.period))
    keys = [*reversed(KINDS)]  # the returning ones first, at the bottom
    of_kinds = ((row["visitor_kind"], row) for row in page.ask(over_time).records())
    stacks = stacks_of(page, buckets, VISITS, of_kinds, keys)
    names = [KINDS[key] for key in keys]
    return KindsPanel(
        _say_returning(page, kinds),
        [_kind(page, key, kinds.get(key, {}), total) for key in KINDS],
        *stacked_columns(page, buckets, VISITS, names, stacks),
        _rotated(page),
        summarize(page, buckets, stacks[0], VISITS),
    )


def _say_returning(page: PageContext, kinds: Mapping[str, Mapping[str, Any]]) -> str:
    """State how many people also came on an earlier day."""
    returning = kinds["returning"]["visitors"] if "returning" in kinds else 0
    if not returning:
        return "No visitor is known to have come on an earlier day."
    visitors = page.answer(("visitors",)).single()["visitors"]
    return page.formats.plural(
        "At least {number} of {visitors} visitors also came on an earlier day.",
        "At least {number} of {visitors} visitors also came on an earlier day.",
        returning,
        visitors=page.formats.count(visitors),
    )


def _kind(page: PageContext, key: str, found: Mapping[str, Any], total: int) -> VisitorKind:
    formats, view = page.formats, page.view
    visits, conversions = found.get("visits", 0), found.get("conversions", 0)
    rate = known_share(conversions, visits)
    low, high = wilson(conversions, visits)
    interval = NO_VALUE if rate is None else f"{formats.share(low)} – {formats.share(high)}"
    return VisitorKind(
        key,
        value_name(page, "visitor_kind", key),
        visits,
        formats.share(known_share(visits, total)),
        formats.share(rate),
        interval,
        view.toggled("visitor_kind", key).query,
        view.chooses("visitor_kind", key),
    )


def _rotated(page: PageContext) -> str:
    """State when keys changed in the range, or shortly before it, so visitors seem to be new."""
    first = page.period.first - timedelta(days=page.key_days)
    moments = rotation_moments(page, replace(page.period, first=first, until_hour=None))
    if not moments:
        return ""
    days = ", ".join(page.formats.day(moment.date()) for moment in moments[-MOST_ROTATIONS:])
    return f"Visitor keys changed on {days}; after that, everybody counts as new at first."
