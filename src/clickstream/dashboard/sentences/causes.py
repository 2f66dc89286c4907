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
        failures = (failure for failure in changes.clear if failure.metric == FAILED)
        if cause := next((f for f in failures if step_of(page.settings, f.value)), None):
            return Event(change, cause=cause)
    pair = _find_pair(page, days, change, changes)
    if pair:
        return Event(change, pair, min(pair.excess / change.excess, 1.0))
    return _explain_whole(page, change, changes) if change.is_total else Event(change)


def _explain_whole(page: PageContext, change: Candidate, changes: Changes) -> Event:
    """Find the value that explains a change of the whole best."""
    candidates = [value for value in changes.clear if _may_explain(change, value)]
    fitting = [
        (min(part, 1.0), candidate)
        for candidate in candidates
        if (part := candidate.excess / change.excess) >= LEAST_PART
        and part - _usual_part(change, candidate) >= LEAST_SURPLUS
        and is_shown(page, candidate)
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


def _may_explain(change: Candidate, candidate: Candidate) -> bool:
    is_single = len(candidate.scope) == 1 and not candidate.is_beside_others
    return candidate.metric == change.metric and is_single and candidate.is_up == change.is_up


def _usual_part(change: Candidate, candidate: Candidate) -> float:
    return candidate.compared.usual / change.compared.usual if change.compared.usual else 0.0


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
        for first, second in combinations(dict.fromkeys(s.dimension for s in singles), 2)
        for pair in _pairs(
            page, days, change, [s for s in singles if s.dimension in (first, second)]
        )
    ]
    unusual = find_unlikely(np.array([pair.compared.chance for pair in pairs]), FALSE_SHARE)
    exact = [
        pair
        for pair, is_unusual in zip(pairs, unusual, strict=True)
        if is_unusual and _is_exact(change, pair, singles) and is_shown(page, pair)
    ]
    return max(exact, key=lambda pair: abs(pair.excess), default=None)


def _promising(change: Candidate, changes: Changes) -> list[Candidate]:
    """Return the values that changed like the event; the event's own value and others' with it."""
    candidates = [
        candidate
        for candidate in changes.candidates
        if _may_explain(change, candidate)
        and candidate.compared.chance <= PROMISING
        and DIMENSIONS[candidate.dimension].is_filter
        and (candidate.dimension != change.dimension or candidate.scope == change.scope)
    ]
    by_dimension: dict[str, list[Candidate]] = {}
    for candidate in sorted(candidates, key=lambda candidate: -abs(candidate.excess)):
        by_dimension.setdefault(candidate.dimension, []).append(candidate)
    return [candidate for members in by_dimension.values() for candidate in members[:MOST_PAIRED]]


def _pairs(
    page: PageContext, days: Days, change: Candidate, singles: Sequence[Candidate]
) -> Iterator[Candidate]:
    """Compare the pairs of values of two dimensions."""
    by = tuple(dict.fromkeys(single.dimension for single in singles))
    chosen = [Filter(name, tuple(s.value for s in singles if s.dimension == name)) for name in by]
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
    own: dict[Scope, Candidate] = {single.scope: single for single in singles}
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
