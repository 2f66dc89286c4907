"""Plans of locations in simulated countries whose true demand is known.

A world takes about 0.8 s of CPU time, 0.6 s of it for the plan of 150 candidates and 500 towns.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from tests.clickstream.insight.town_worlds import DAYS, DECAY_KM, TownWorld, draw_town_world

from clickstream.insight.location_demand import by_people_alone
from clickstream.insight.location_market import DAYS_PER_MONTH, fit_market
from clickstream.insight.location_plan import TOP, LocationPlan, plan_locations

MONTHS = DAYS / DAYS_PER_MONTH


class Outcome(NamedTuple):
    """Values of the first five of a ranking, as shares of the best ones, and interval hits."""

    value: float
    by_people: float
    by_counts: float
    held: float
    openings: list[bool]


def first_names(plan: LocationPlan) -> list[str]:
    return [one.candidate.name for one in plan.ranked[:TOP]]


def evaluate_world(world: TownWorld) -> Outcome:
    """Plan in a world, and compare with its truth; the first two candidates are opened."""
    model = fit_market(world.market, DECAY_KM)
    plan = plan_locations(model, world.candidates)
    assert model.check.is_better
    people = replace(model, demand=by_people_alone(world.market.fixed, world.market.people))
    counts = [world.candidates[n].name for n in np.argsort(-world.seen)[:TOP]]
    places = {one.name: n for n, one in enumerate(world.candidates)}
    order = [places[one.candidate.name] for one in plan.ranked]
    limits = MONTHS * np.array([one.orders for one in plan.ranked])
    truth, opened = world.gained[order], world.opened[order]
    return Outcome(
        world.value_of(first_names(plan)),
        world.value_of(first_names(plan_locations(people, world.candidates))),
        world.value_of(counts),
        float(((limits[:, 0] <= truth) & (truth <= limits[:, 2])).mean()),
        ((limits[:2, 0] <= opened[:2]) & (opened[:2] <= limits[:2, 2])).tolist(),
    )


@pytest.mark.parametrize("seed", [1, 5])
def test_five_picks_are_worth_about_as_much_as_the_best_five(seed: int) -> None:
    outcome = evaluate_world(draw_town_world(seed))
    assert outcome.value >= 0.9
    assert outcome.value > max(outcome.by_people, outcome.by_counts)
    assert outcome.held >= 0.8


@pytest.mark.deep
def test_picks_and_intervals_hold_over_twelve_worlds() -> None:
    outcomes = [evaluate_world(draw_town_world(seed)) for seed in range(12)]
    values, by_people, by_counts, held = (
        np.array([one[column] for one in outcomes], float) for column in range(4)
    )
    assert values.mean() >= 0.95
    assert values.min() >= 0.9
    assert values.mean() > max(by_people.mean(), by_counts.mean())
    assert 0.85 <= held.mean() <= 0.97
    openings = [hit for one in outcomes[:10] for hit in one.openings]
    assert sum(openings) >= 16


@pytest.mark.deep
def test_picks_beat_people_with_an_assumed_distance() -> None:
    """Without sales by café, a distance at the edge of what is assumed makes picks worse."""
    worlds = [draw_town_world(seed, has_sales_by_cafe=False) for seed in range(12)]
    outcomes = [evaluate_world(world) for world in worlds]
    assert np.mean([one.value for one in outcomes]) >= 0.9
    assert min(one.value for one in outcomes) >= 0.8
    assert np.mean([one.value - one.by_people for one in outcomes]) > 0.05
    assert np.mean([one.held for one in outcomes]) >= 0.85


@pytest.mark.deep
def test_orders_without_a_pattern_of_their_own_do_not_beat_people() -> None:
    """Rates of towns are equal here; only shares of mobile orders and placing errors differ."""
    checks = [
        fit_market(draw_town_world(seed, 300, spread=0.0).market, DECAY_KM).check
        for seed in range(12)
    ]
    assert sum(one.is_better for one in checks) <= 3
