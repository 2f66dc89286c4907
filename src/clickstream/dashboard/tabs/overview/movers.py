"""Biggest changes: the values of dimensions whose counts differ most from the compared period."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.folding import fold, named_rows
from clickstream.dashboard.questions.intervals import is_unlikely_by_chance
from clickstream.dashboard.questions.periods import Period
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.tabs.overview.panels import MOVED
from clickstream.dashboard.widgets.lists import value_name, value_title
from clickstream.dashboard.widgets.page import PageContext

MOST_MOVERS = 6


@dataclass(frozen=True)
class Mover:
    """A value of a dimension with its counts, and the query that filters by it."""

    dimension: str
    value: str
    title: str
    now: int
    before: int
    query: str

    @property
    def step(self) -> int:
        """The difference between the two counts."""
        return self.now - self.before


def find_movers(page: PageContext) -> list[Mover] | None:
    """Return the largest differences that chance does not explain; None without a comparison."""
    compared = page.compared
    if compared is None:
        return None
    found = [mover for mover in all_movers(page, compared) if mover.step]
    likely = [m for m in found if is_unlikely_by_chance(m.now, m.before)]
    largest = sorted(likely, key=lambda m: (-abs(m.step), m.dimension, m.value))[:MOST_MOVERS]
    return sorted(largest, key=lambda m: -m.step)


def all_movers(page: PageContext, compared: Period) -> list[Mover]:
    """Return the counts of all values, now and before."""
    panel = MOVED
    movers = []
    now, before = (page.questions(panel, period) for period in (page.period, compared))
    for asked_now, asked_before in zip(now, before, strict=True):
        dimension = asked_now.dimensions[0]
        counts_now = _counts(fold(page.ask, asked_now))
        counts_before = _counts(fold(page.ask, asked_before))
        for value in dict.fromkeys([*counts_now, *counts_before]):
            if value is None or not _is_known(asked_now, value, counts_now, counts_before):
                continue
            query = page.view.with_filter(dimension, value).query
            movers.append(
                Mover(
                    DIMENSIONS[dimension].label,
                    value_name(page, dimension, value),
                    value_title(page, dimension, value),
                    counts_now.get(value, 0),
                    counts_before.get(value, 0),
                    query,
                )
            )
    return movers


def _counts(answer: Answer) -> dict[str | None, int]:
    return {row[0]: int(row[1]) for row in named_rows(answer)}


def _is_known(question: Question, value: str | None, *counts: dict[str | None, int]) -> bool:
    """Whether both counts of a value are known: a too small group has none."""
    return not question.smallest_group or all(value in one for one in counts)
