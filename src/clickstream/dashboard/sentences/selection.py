"""Selects events from candidates: changes beyond chance, in order of importance, each once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from clickstream.dashboard.questions.dimensions import DIMENSIONS
from clickstream.dashboard.questions.folding import fold, named_rows
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.sentences.candidates import WHOLE, Candidate
from clickstream.dashboard.sentences.errors import FAILED, find_failure, step_of
from clickstream.dashboard.sentences.significance import largest_chance
from clickstream.dashboard.sentences.weeks import Weeks, ask_weeks
from clickstream.dashboard.widgets.page import PageContext

MOST_SENTENCES = 3
MOST_RANKED = 12
"""Maximum number of changes to check, because the comparison of two may need a question."""

LEAST_CHANGE = 0.1
LEAST_GAP = 0.5
"""Minimum relative difference of a campaign's conversion rate to that of all other visits."""

_FAMILIES = {
    **{"visits": "visits", "views": "visits", "conversions": "orders"},
    **{"conversion_rate": "orders", "goal_visits": "orders"},
}
"""Metrics that move together."""

_WEIGHTS = {
    **{"visits": 1.0, "views": 0.3, "engaged_rate": 0.3, "bot_requests": 0.02},
    **{"late_lines": 0.05, "rejected": 0.1},
}
"""Weight of one unit of a metric, in visits; an order counts as the visits that it takes."""

_ORDERS = {"conversions", "conversion_rate", "goal_visits"}
MOST_VISITS_OF_AN_ORDER = 20.0

_CLARITY = {
    **{"": 1.3, "campaign": 1.25, "city": 1.4, "channel": 1.1, "source": 1.05, "country": 1.05},
    **{"bot_class": 1.1, "goal": 1.1},
}
"""Factor on the score by dimension: of similar changes, the clearest becomes the event."""

REPAIR = 2.0
"""Errors weigh more than the visits they cost, because the owner can repair them."""

OWN_CHANGE = 3.0
"""A value changed on its own if its change is this many times that of the whole."""

STANDING_WEIGHT = 0.1
"""Weight of numbers that are unusual beside others, without a change; they rank after changes."""

LEAST_PART, LEAST_SURPLUS = 0.3, 0.15
"""A value explains a change of the whole if it has at least the first number as its share of the
change, and this share exceeds its share of the whole by at least the second number."""


@dataclass(frozen=True)
class Event:
    """An event, the value that explains most of the change, and the errors that caused it.

    `part` is the share of the change that is due to `mover`.
    """

    change: Candidate
    mover: Candidate | None = None
    part: float = 0.0
    cause: Candidate | None = None


def select(page: PageContext, weeks: Weeks, candidates: Sequence[Candidate]) -> list[Event]:
    """Select at most three events."""
    limit = largest_chance([one.compared.chance for one in candidates])
    likely = [one for one in candidates if one.compared.chance <= limit]
    found = [one for one in likely if _is_large(one)]
    weights = dict(_WEIGHTS)
    weights |= dict.fromkeys(_ORDERS, _visits_of_an_order(page, weeks) if found else 1.0)
    ranked = sorted(found, key=lambda one: (-_score(page, weights, one), one.metric, one.scope))
    events: list[Event] = []
    for one in ranked[:MOST_RANKED]:
        if len(events) == MOST_SENTENCES:
            break
        if not any(_covers(page, weeks, other, one) for other in events) and _is_shown(page, one):
            events.append(_explain(page, one, likely))
    return list(_without_causes(events))


def _is_large(one: Candidate) -> bool:
    return abs(one.compared.change) >= (LEAST_GAP if one.is_beside_others else LEAST_CHANGE)


def _visits_of_an_order(page: PageContext, weeks: Weeks) -> float:
    """Return how many visits an order usually takes."""
    series = ask_weeks(page, weeks, WHOLE)[""]
    visits, orders = (sum(series[name].before(weeks)) for name in ("visits", "conversions"))
    return min(visits / orders, MOST_VISITS_OF_AN_ORDER) if orders else 1.0


def _score(page: PageContext, weights: Mapping[str, float], one: Candidate) -> float:
    """Score a change by the equivalent number of visits."""
    weight = weights.get(one.metric, 1.0)
    if one.metric == FAILED:
        lost = weights["conversions"] if step_of(page.settings, one.value) else 1.0
        weight = REPAIR * lost
    if one.is_beside_others:
        weight *= STANDING_WEIGHT
    return abs(one.excess) * weight * _CLARITY.get(one.dimension, 1.0)


def _covers(page: PageContext, weeks: Weeks, event: Event, one: Candidate) -> bool:
    """Whether an event is the same as another change, or explains it."""
    other = event.change
    if one.metric == FAILED:
        return _is_same_failure(page, weeks, event, one)
    if other.is_up != one.is_up or other.metric == FAILED:
        return False
    if _FAMILIES.get(one.metric, one.metric) != _FAMILIES.get(other.metric, other.metric):
        return _brings(other, one)
    if other.scope == one.scope:
        return True
    if other.is_total:
        return _is_part_of(page, weeks, event, one)
    if one.is_total:
        return abs(other.excess) >= abs(one.excess) / 2
    if other.dimension == one.dimension:
        return False
    return _is_mostly_of(page, weeks, other, one)


def _is_part_of(page: PageContext, weeks: Weeks, event: Event, one: Candidate) -> bool:
    """Whether a value changed with the whole, or with the value that changed the whole."""
    if abs(one.compared.change) <= OWN_CHANGE * abs(event.change.compared.change):
        return True
    mover = event.mover
    if mover is None or mover.scope == one.scope:
        return mover is not None
    if mover.dimension == one.dimension:
        return False
    return _is_mostly_of(page, weeks, mover, one)


def _brings(other: Candidate, one: Candidate) -> bool:
    """Whether additional visits explain the orders, or additional orders the engagement."""
    pair = (other.metric, one.metric)
    is_wider = other.is_total or other.scope == one.scope
    return is_wider and pair in {("visits", "conversions"), ("conversion_rate", "engaged_rate")}


def _is_mostly_of(page: PageContext, weeks: Weeks, other: Candidate, one: Candidate) -> bool:
    """Whether at least half of a value's change is in visits of another value, too."""
    filterable = all(DIMENSIONS[each.dimension].is_filter for each in (one, other))
    if not filterable:
        return False
    metric = "conversions" if one.metric in _ORDERS else "visits"
    alone = page.view.with_filter(one.dimension, one.value)
    both = alone.with_filter(other.dimension, other.value)
    moved = _excess(page, weeks, metric, both)
    of = one.excess if one.metric == metric else _excess(page, weeks, metric, alone)
    return moved / of >= 0.5 if of else False


def _excess(page: PageContext, weeks: Weeks, metric: str, view: View) -> float:
    """Return how many more visits or orders than usual a view has."""
    names = tuple(dict.fromkeys(("visits", metric)))
    return ask_weeks(page, weeks, names, filters=view.filters)[""][metric].excess(weeks)


def _is_same_failure(page: PageContext, weeks: Weeks, event: Event, one: Candidate) -> bool:
    """Whether another page failed in the same hours."""
    if event.change.metric != FAILED:
        return False
    mine, other = (find_failure(page, weeks, each.value) for each in (one, event.change))
    return mine.first <= other.last and other.first <= mine.last


def _is_shown(page: PageContext, one: Candidate) -> bool:
    """Whether the group has enough people to be shown; see docs/privacy.md."""
    if one.is_total or not DIMENSIONS[one.dimension].smallest_group:
        return True
    question = page.answer(("visits",), (one.dimension,)).question
    return any(row[0] == one.value for row in named_rows(fold(page.ask, question)))


def _explain(page: PageContext, one: Candidate, likely: Sequence[Candidate]) -> Event:
    """Find the value that explains a change of the whole, and the failing step that lost orders."""
    if one.metric in _ORDERS and not one.is_up and not one.is_beside_others:
        failures = (each for each in likely if each.metric == FAILED)
        cause = next((each for each in failures if step_of(page.settings, each.value)), None)
        return Event(one, cause=cause)
    if not one.is_total:
        return Event(one)
    parts = [(each.excess / one.excess, each) for each in likely if _may_explain(one, each)]
    fitting = [
        (min(part, 1.0), each)
        for part, each in parts
        if part >= LEAST_PART
        and part - _usual_part(one, each) >= LEAST_SURPLUS
        and _is_shown(page, each)
    ]
    if not fitting:
        return Event(one)
    part, mover = max(
        fitting,
        key=lambda pair: (
            (pair[0] - _usual_part(one, pair[1])) * _CLARITY[""]
            + _CLARITY.get(pair[1].dimension, 1.0)
        ),
    )
    return Event(one, mover, part)


def _may_explain(one: Candidate, each: Candidate) -> bool:
    return each.metric == one.metric and not each.is_total and each.is_up == one.is_up


def _usual_part(one: Candidate, each: Candidate) -> float:
    return each.compared.expected / one.compared.expected if one.compared.expected else 0.0


def _without_causes(events: Sequence[Event]) -> Iterator[Event]:
    """Leave out errors that another sentence names as its cause."""
    causes = {one.cause.value for one in events if one.cause}
    named: set[str] = set()
    for one in events:
        if one.change.metric == FAILED and one.change.value in causes:
            continue
        cause = one.cause if one.cause and one.cause.value not in named else None
        named |= {cause.value} if cause else set()
        yield replace(one, cause=cause)
