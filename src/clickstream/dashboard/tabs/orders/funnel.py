"""The funnel: visits that reached each step, visits lost before it, and errors on its pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.changes.wording import change_of
from clickstream.dashboard.formats import Change
from clickstream.dashboard.questions.intervals import known_share
from clickstream.dashboard.questions.metrics import METRICS
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.tabs.orders.questions import failing_pages, step_error_questions
from clickstream.dashboard.widgets.page import PageContext

MOST_FILTERED = 20
"""Maximum number of pages with errors in one link's filter; the errors panel has them all."""


@dataclass(frozen=True)
class StepErrors:
    """Errors on the pages of a step: affected visits, and those that never reached the step.

    `statuses` are pairs of a status and its visits, in order of their visits.
    """

    visits: int
    stopped: int
    requests: int
    statuses: Sequence[tuple[int, int]]
    query: str


@dataclass(frozen=True)
class FunnelStep:
    """A step, numbered from 1, and the visits that reached it.

    `of_before` is their share of the visits that reached the step before, for the first step their
    share of all visits; None if there are too few of those. `change` is the change of this share to
    its usual value. `lost` is the number of visits that reached the step before and not this one.
    """

    number: int
    name: str
    visits: int
    of_all: float | None
    of_before: float | None
    change: Change | None
    lost: int
    width: float
    errors: StepErrors | None
    query: str
    lost_query: str


@dataclass(frozen=True)
class Funnel:
    """All visits, and the steps in order."""

    visits: int
    steps: Sequence[FunnelStep]

    @property
    def completed(self) -> int:
        """The number of visits that reached the last step."""
        return self.steps[-1].visits if self.steps else 0

    @property
    def worst(self) -> FunnelStep | None:
        """The step after the first that loses the largest share of the visits before it."""
        known = [step for step in self.steps[1:] if step.of_before is not None]
        return min(known, key=lambda step: step.of_before or 0.0, default=None)


def build_funnel(page: PageContext) -> Funnel:
    """Ask for the visits that reached each step."""
    names = [step.name for step in page.settings.funnel]
    reached = _reached(page, len(names))
    steps = [_step(page, number, names, reached) for number in range(1, len(names) + 1)]
    return Funnel(reached[0], steps)


def _reached(page: PageContext, steps: int) -> list[int]:
    """Return the visits that reached each number of steps, from 0 (all visits)."""
    answer = page.answer(("visits",), ("furthest_step",))
    furthest = {int(step): int(visits) for step, visits in answer.rows}
    return [
        sum(visits for step, visits in furthest.items() if step >= least)
        for least in range(steps + 1)
    ]


def _step(
    page: PageContext, number: int, names: Sequence[str], reached: Sequence[int]
) -> FunnelStep:
    visits, earlier = reached[number], reached[number - 1]
    largest = max(reached[1], 1)
    return FunnelStep(
        number,
        names[number - 1],
        visits,
        known_share(visits, reached[0]),
        known_share(visits, earlier),
        change_of(page, "step_rate", (("furthest_step", str(number)),), METRICS["conversion_rate"]),
        earlier - visits,
        round(100 * visits / largest, 1),
        _errors(page, number),
        _furthest(page.view, range(number, len(names) + 1)).query,
        _furthest(page.view, [number - 1]).query,
    )


def _furthest(view: View, steps: Sequence[int]) -> View:
    """Return the view of the visits whose furthest step is one of `steps`."""
    others = tuple(one for one in view.filters if one.dimension != "furthest_step")
    view = replace(view, filters=others)
    for step in steps:
        view = view.with_filter("furthest_step", str(step))
    return view


def _errors(page: PageContext, number: int) -> StepErrors | None:
    asked, failing = step_error_questions(page, number), failing_pages(page, number)
    if not asked:
        return None
    by_step, by_status = (page.ask(question).records() for question in asked)
    if not by_step:
        return None
    view = page.view
    for name in failing:
        view = view.with_filter("failed_page", name)
    statuses = [(int(row["failed_status"]), int(row["failed_visits"])) for row in by_status]
    return StepErrors(
        sum(int(row["failed_visits"]) for row in by_step),
        sum(int(row["failed_visits"]) for row in by_step if int(row["step_of_failed"]) < number),
        sum(int(row["failed_requests"]) for row in by_step),
        sorted(statuses, key=lambda one: (-one[1], one[0])),
        view.query if len(failing) <= MOST_FILTERED else "",
    )
