"""Key figures of a tab: a number, its change, and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.formats import NO_VALUE, Change
from clickstream.dashboard.questions.intervals import (
    SHARE_MINIMUM,
    count_moved,
    share_moved,
    wilson,
)
from clickstream.dashboard.questions.metrics import METRICS, Metric
from clickstream.dashboard.texts import mark
from clickstream.dashboard.widgets.page import PageContext

ShareParts = tuple[int, int]
"""A number of visits, and the number of visits that it is a part of."""


@dataclass(frozen=True)
class KeyFigure:
    """A key figure. A change that chance explains counts as neither good nor bad.

    `before` is the compared value, empty if nothing is compared.
    """

    label: str
    definition: str
    value: str
    change: Change | None
    hint: str
    spark: Sequence[str] = ()
    before: str = ""


def count_figure(
    page: PageContext,
    label: str,
    definition: str,
    now: int,
    before: int | None,
    like: str = "goal_visits",
) -> KeyFigure:
    """Build a count of visits; the metric `like` defines whether more is good."""
    formats, metric = page.formats, METRICS[like]
    change = None if before is None else formats.change(metric, now, before)
    if change and before is not None and not count_moved(now, before):
        change = replace(change, is_good=None)
    compared = "" if before is None else formats.count(before)
    hint = _was(page, compared) if compared else ""
    return KeyFigure(label, definition, formats.count(now), change, hint, before=compared)


def share_figure(
    page: PageContext,
    label: str,
    definition: str,
    now: ShareParts,
    before: ShareParts | None,
    like: str = "conversion_rate",
) -> KeyFigure:
    """Build a share of visits with its 95 % interval; `like` defines whether more is good."""
    formats, (some, of) = page.formats, now
    if of < SHARE_MINIMUM:
        too_little = formats.text(mark("too little data"))
        return KeyFigure(label, definition, NO_VALUE, None, too_little)
    low, high = wilson(some, of)
    change = _share_change(page, METRICS[like], now, before)
    hint = f"{formats.share(low)} – {formats.share(high)}"
    is_compared = before is not None and before[1] >= SHARE_MINIMUM
    compared = formats.share(before[0] / before[1]) if before and is_compared else ""
    return KeyFigure(label, definition, formats.share(some / of), change, hint, before=compared)


def _share_change(
    page: PageContext, metric: Metric, now: ShareParts, before: ShareParts | None
) -> Change | None:
    if before is None or before[1] < SHARE_MINIMUM:
        return None
    shares = now[0] / now[1], before[0] / before[1]
    change = page.formats.change(metric, *shares)
    if change and not share_moved(shares[0], now[1], shares[1], before[1]):
        return replace(change, is_good=None)
    return change


def _was(page: PageContext, value: str) -> str:
    return page.formats.text(mark("was %(value)s"), value=value)
