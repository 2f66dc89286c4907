"""Evaluations of simulated cafés whose true effect is known.

A world takes about 3.5 s of CPU time: 60,000 visits.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from tests.clickstream.insight.cafe_worlds import draw_world, rules_of
from tests.clickstream.insight.panels import ATest

from clickstream.insight.holdout import Lift, evaluate

REGIONS = frozenset({"England", "New York"})
BEFORE_DAYS = 56
TEST = ATest(tuple(sorted(REGIONS)), date(2026, 9, 28), date(2026, 10, 25), BEFORE_DAYS)
METRICS = ("visits", "orders")
MANY = 20


def results(seeds: range, is_off: bool) -> Iterator[tuple[str, Lift, float]]:
    """Yield the metric, the result and the true share of each world and metric."""
    for seed in seeds:
        rules = rules_of(seed, is_off, REGIONS, visitors_per_hour=30)
        world = draw_world(rules, BEFORE_DAYS, REGIONS)
        for metric in METRICS:
            result = evaluate(world.panels[metric], TEST)
            assert isinstance(result, Lift)
            yield metric, result, world.true_shares[metric]


def test_a_campaign_that_causes_visits_is_found_and_one_that_is_on_is_not() -> None:
    for is_off in (True, False):
        for metric, result, true in results(range(1), is_off):
            assert (true > 0.1) == is_off
            assert result.low <= true <= result.high, metric
            if metric == "visits":
                assert result.is_found == is_off


@pytest.mark.deep
@pytest.mark.parametrize("is_off", [True, False])
def test_intervals_hold_the_true_effect(is_off: bool) -> None:
    held = dict.fromkeys(METRICS, 0)
    found = dict.fromkeys(METRICS, 0)
    for metric, result, true in results(range(MANY), is_off):
        held[metric] += result.low <= true <= result.high
        found[metric] += result.is_found
    assert min(held.values()) >= 16, held
    if is_off:
        assert found["visits"] >= 17, found
    else:
        assert max(found.values()) <= 3, found
