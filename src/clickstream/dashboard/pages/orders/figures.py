"""Key figures of a tab: a number, its change to the usual value, and a hint."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from clickstream.dashboard.ask.intervals import SHARE_MINIMUM, wilson
from clickstream.dashboard.formats import NO_VALUE, Change
from clickstream.dashboard.widgets.page import PageContext

ShareParts = tuple[int, int]
"""A number of visits, and the number of visits that it is a part of."""


@dataclass(frozen=True)
class KeyFigure:
    """A key figure. `interval` is the 95 % interval of a share.

    `visits` is the query of the list of the visits that are counted, empty without one. `before`
    states the value of the period before.
    """

    label: str
    definition: str
    value: str
    change: Change | None
    hint: str
    spark: Sequence[str] = ()
    interval: str = ""
    visits: str = ""
    prefix: str = ""
    before: str = ""


def count_figure(
    page: PageContext, label: str, definition: str, now: int, change: Change | None
) -> KeyFigure:
    """Build a count of visits."""
    hint = change.words if change else ""
    return KeyFigure(label, definition, page.formats.count(now), change, hint)


def share_figure(
    page: PageContext,
    label: str,
    definition: str,
    now: ShareParts,
    change: Change | None = None,
) -> KeyFigure:
    """Build a share of visits with its 95 % interval."""
    formats, (part, whole) = page.formats, now
    if whole < SHARE_MINIMUM:
        return KeyFigure(label, definition, NO_VALUE, None, "too little data")
    low, high = wilson(part, whole)
    interval = f"{formats.share(low)} – {formats.share(high)}"
    hint = change.words if change else ""
    return KeyFigure(
        label, definition, formats.share(part / whole), change, hint, interval=interval
    )
