"""Explains events: the value, or the pair of values, that changed a number, and failing steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from clickstream.dashboard.ask.dimensions import DIMENSIONS
from clickstream.dashboard.ask.view import Filter
from clickstream.dashboard.changes.candidates import (
    Candidate,
    Compared,
    Number,
    Scope,
    compare_numbers,
    is_shown,
)
from clickstream.dashboard.changes.days import Days, ask_days
from clickstream.dashboard.changes.failures import FAILED, step_of
from clickstream.dashboard.changes.verdicts import Changes
from clickstream.dashboard.widgets.page import PageContext
from clickstream.insight.verdicts import find_unlikely

ORDERS = {"conversions", "conversion_rate", "goal_visits"}

OF_SHOP = {"orders", "net_sales"}
"""The numbers of the shop that change with those of ORDERS."""

CLARITY = {
    "": 1.3,
    "campaign": 1.25,
    "city": 1.4,
    "channel": 1.1,
    "source": 1.05,
    "country": 1.05,
    "bot_class": 1.1,
    "goal": 1.1,
}
"""Factor on the score by dimension: of similar changes, the clearest becomes the event."""

LEAST_PART, LEAST_SURPLUS = 0.3, 0.15
"""A value explains a change of the whole if it has at least the first number as its share of the
change, and this share exceeds its share of the whole by at least the second number."""

FALSE_SHARE = 0.05
"""Maximum share of the pairs that are reported although chance explains their change."""

PROMISING = 0.05
"""A value whose own change has a larger chance is not combined with others."""

MOST_PAIRED = 4
"""Maximum number of values of one dimension that are combined, those that changed most."""

LEAST_REST, MOST_REST_CHANGE = 0.1, 0.25
"""A pair is the cause if at least the first share of the visits of each of its values is outside
the pair, and these changed by at most the second part of the pair's relative change."""


@dataclass(frozen=True)
class Event:
    """An event, the value that explains most of the change, and the errors that caused it.

    `part` is the share of the change that is due to `mover`, which may be a pair of values.
    """

    change: Candidate
    mover: Candidate | None = None
    part: float = 0.0
    cause: Candidate | None = None


def explain(page: PageContext, days: Days, change: Candidate, changes: Changes) -> Event:
    """Find the group that explains a change, and the failing step that lost orders."""
    if change.metric in ORDERS | OF_SHOP and not change.is_up and not change.is_beside_others:
        failures = (each for each in changes.clear if each.metric == FAILED)
        cause = next((each for each in failures if step_of(page.settings, each.value)), None)
        if cause:
            return Event(change, cause=cause)
    pair = _find_pair(page, days, change, changes)
    if pair:
        return Event(change, pair, min(pair.excess / change.excess, 1.0))
    return _explain_whole(page, change, changes) if change.is_total else Event(change)


def _explain_whole(page: PageContext, change: Candidate, changes: Changes) -> Event:
    """Find the value that explains a change of the whole best."""
    parts = [
        (each.excess / change.excess, each) for each in changes.clear if _may_explain(change, each)
    ]
    fitting = [
        (min(part, 1.0), each)
        for part, each in parts
        if part >= LEAST_PART
        and part - _usual_part(change, each) >= LEAST_SURPLUS
        and is_shown(page, each)
    ]
    if not fitting:
        return Event(change)
    part, mover = max(
        fitting,
        key=lambda pair: (
            (pair[0] - _usual_part(change, pair[1])) * CLARITY[""]
            + CLARITY.get(pair[1].dimension, 1.0)
        ),
    )
    return Event(change, mover, part)


def _may_explain(change: Candidate, each: Candidate) -> bool:
    is_single = len(each.scope) == 1 and not each.is_beside_others
    return each.metric == change.metric and is_single and each.is_up == change.is_up


def _usual_part(change: Candidate, each: Candidate) -> float:
    return each.compared.usual / change.compared.usual if change.compared.usual else 0.0


def _find_pair(
    page: PageContext, days: Days, change: Candidate, changes: Changes
) -> Candidate | None:
    """Find the pair of values that explains a change of visits or conversions better than one.

    Each pair of promising values is compared with the days before, with false-discovery control
    over all pairs. A pair is the cause if the visits of either value without the other are as
    usual. A cause of two dimensions shows in both, so values that are as usual are not combined.
    """
    if change.metric not in ("visits", "conversions") or change.is_beside_others:
        return None
    singles = _promising(change, changes)
    pairs = [
        pair
        for first, second in combinations(dict.fromkeys(each.dimension for each in singles), 2)
        for pair in _pairs(
            page, days, change, [s for s in singles if s.dimension in (first, second)]
        )
    ]
    unusual = find_unlikely(np.array([each.compared.chance for each in pairs]), FALSE_SHARE)
    exact = [
        each
        for each, is_unusual in zip(pairs, unusual, strict=True)
        if is_unusual and _is_exact(change, each, singles) and is_shown(page, each)
    ]
    return max(exact, key=lambda each: abs(each.excess), default=None)


def _promising(change: Candidate, changes: Changes) -> list[Candidate]:
    """Return the values that changed like the event; the event's own value and others' with it."""
    candidates = [
        each
        for each in changes.candidates
        if _may_explain(change, each)
        and each.compared.chance <= PROMISING
        and DIMENSIONS[each.dimension].is_filter
        and (each.dimension != change.dimension or each.scope == change.scope)
    ]
    kept: dict[str, list[Candidate]] = {}
    for each in sorted(candidates, key=lambda each: -abs(each.excess)):
        kept.setdefault(each.dimension, []).append(each)
    return [each for members in kept.values() for each in members[:MOST_PAIRED]]


def _pairs(
    page: PageContext, days: Days, change: Candidate, singles: Sequence[Candidate]
) -> Iterator[Candidate]:
    """Compare the pairs of values of two dimensions."""
    by = tuple(dict.fromkeys(each.dimension for each in singles))
    chosen = [
        Filter(name, tuple(each.value for each in singles if each.dimension == name)) for name in by
    ]
    metrics = tuple(dict.fromkeys(("visits", change.metric)))
    groups = ask_days(page, days, metrics, by, (*page.view.filters, *chosen))
    numbers = [
        Number(change.metric, tuple(zip(by, values, strict=True)), series[change.metric])
        for values, series in groups.items()
    ]
    for pair in compare_numbers(days, numbers):
        is_own = change.is_total or change.scope[0] in pair.scope
        if is_own and pair.excess * change.excess > 0:
            yield pair


def _is_exact(change: Candidate, pair: Candidate, singles: Sequence[Candidate]) -> bool:
    """Whether a pair has enough of the change, and the rests of both values have little of it."""
    if pair.excess / change.excess < LEAST_PART:
        return False
    own: dict[Scope, Candidate] = {each.scope: each for each in singles}
    return all(_is_rest_usual(own[(part,)].compared, pair.compared) for part in pair.scope)


def _is_rest_usual(single: Compared, pair: Compared) -> bool:
    """Whether a value has visits outside a pair that changed less than the pair, relatively.

    A cause that is the value alone changes both by the same factor. A value without other visits,
    such as a campaign within its channel, needs no second one.
    """
    now, usual = single.value - pair.value, single.usual - pair.usual
    if now + usual < LEAST_REST * (single.value + single.usual) or usual <= 0:
        return False
    return abs(now / usual - 1) < MOST_REST_CHANGE * abs(pair.change)
