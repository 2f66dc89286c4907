"""Biggest changes: the values of dimensions whose counts differ most from their usual values."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.changes.candidates import Candidate, is_shown
from clickstream.dashboard.changes.verdicts import find_changes
from clickstream.dashboard.pages.overview.panels import MOVED
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext

MOST_MOVERS = 6

NOTHING_MOVED = "No value that can be listed has a clear change."


@dataclass(frozen=True)
class Mover:
    """A value of a dimension with its count and its usual count, and the query that filters by it.

    A rise from nothing has no usual count.
    """

    dimension: str
    value: str
    title: str
    now: int
    usual: int
    query: str

    @property
    def step(self) -> int:
        """The difference between the two counts."""
        return self.now - self.usual


def find_movers(page: PageContext) -> list[Mover] | None:
    """Return the largest clear changes; None if no value can be compared."""
    changes = page.once(find_changes)
    if changes.days is None:
        return None
    (metric,), by = page.parts(MOVED)
    shown = {*by, *MOVED.also_by}
    compared = [
        candidate
        for candidate in changes.candidates
        if candidate.metric == metric and len(candidate.scope) == 1 and candidate.dimension in shown
        if candidate.compared.usual >= DIMENSIONS[candidate.dimension].smallest_group
    ]
    if not compared:
        return None
    unusual = [candidate for candidate in compared if candidate.is_clear]
    largest = sorted(unusual, key=lambda candidate: (-abs(candidate.excess), candidate.scope))
    movers = [_mover(page, candidate) for candidate in largest if is_shown(page, candidate)]
    return sorted(movers[:MOST_MOVERS], key=lambda mover: -mover.step)


def _mover(page: PageContext, candidate: Candidate) -> Mover:
    return Mover(
        DIMENSIONS[candidate.dimension].label,
        value_name(page, candidate.dimension, candidate.value),
        value_title(page, candidate.dimension, candidate.value),
        round(candidate.compared.value),
        round(candidate.compared.usual),
        page.view.with_filter(candidate.dimension, candidate.value).query,
    )
