"""Laws of the plans of holdout tests. A plan of a few regions takes about 0.3 s of CPU time."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.insight.panels import (
    BEFORE,
    FIRST,
    TEST,
    ATest,
    draw_values,
    panel_of,
    seeds,
)

from clickstream.insight.holdout import Lift, evaluate
from clickstream.insight.holdout_plan import (
    LEAST_PLACEBO_TESTS,
    MOST_SHARE,
    POWER,
    HoldoutOption,
    plan,
    propose_regions,
    smallest_found,
)
from clickstream.insight.holdout_texts import describe_plan
from clickstream.insight.placebo import estimate_test, fit_test
from clickstream.insight.synthetic_control import ALPHA

DAYS = 126
MEANS = [30.0, 5.0, 12.0, 25.0, 9.0, 60.0]


def options_of(seed: int, days: int = DAYS, weeks: tuple[int, ...] = (2, 4)) -> list[HoldoutOption]:
    values = draw_values(seed, MEANS, days)
    found = plan(panel_of(values, days - TEST), values * 0.3, weeks, before_days=BEFORE)
    return [*found.options]


@given(seeds, st.integers(3, 5))
def test_an_effect_is_found_from_the_smallest_on(seed: int, regions: int) -> None:
    values = draw_values(seed, MEANS[: regions + 1])
    weeks = np.arange(BEFORE) // 7
    fitted = fit_test(values[0], values[1:], weeks, BEFORE)
    smallest = smallest_found(fitted, TEST)
    for effect, is_found in ((smallest + 1e-6, True), (smallest - 1e-6, False)):
        if effect > 0:
            tested = values[0].copy()
            tested[BEFORE:] -= effect * fitted.tested.synthetic[BEFORE:]
            own = replace(fitted.tested, observed=tested)
            estimated = estimate_test(replace(fitted, tested=own), TEST)
            assert (estimated.estimate.low > 0) == is_found


def test_the_smallest_effect_is_that_of_evaluations_at_earlier_dates() -> None:
    days, test_days = 112, 14
    values = draw_values(8, MEANS, days)
    for option in options_of(8, days, weeks=(2,)):
        test = ATest(option.regions, last=FIRST + timedelta(days=test_days - 1))
        effects = []
        for start in range(days - test_days, BEFORE - 1, -7):
            panel = panel_of(values[:, start - BEFORE : start + test_days], BEFORE)
            result = evaluate(panel, test)
            assert isinstance(result, Lift)
            effects.append(max(0.0, -result.low))
        assert len(effects) == option.placebo_tests
        assert option.smallest_effect is not None
        found = sum(effect <= option.smallest_effect + 1e-9 for effect in effects)
        smaller = sum(effect <= option.smallest_effect - 1e-9 for effect in effects)
        assert found / (len(effects) + 1) >= POWER > smaller / (len(effects) + 1)


@given(seeds)
def test_sets_of_regions_grow_and_leave_a_control(seed: int) -> None:
    values = draw_values(seed, MEANS, DAYS)
    sets = [*propose_regions(values)]
    assert sets
    for fewer, more in pairwise(sets):
        assert [*more[:-1]] == [*fewer]
    for chosen in sets:
        assert len({*chosen}) == len(chosen) <= len(MEANS) - 3
        assert values[chosen].sum() <= MOST_SHARE * values.sum()


def test_an_option_has_the_shares_of_its_regions() -> None:
    values = draw_values(3, MEANS, DAYS)
    found = plan(panel_of(values, DAYS - TEST), values * 0.3, (2,), before_days=BEFORE)
    for one in found.options:
        places = [int(name.split()[1]) for name in one.regions]
        assert one.share == pytest.approx(values[places].sum() / values.sum())
        assert one.campaign_share == pytest.approx(0.3)
        assert one.cost == pytest.approx(one.share * 0.3)


def test_incomplete_dates_are_not_used() -> None:
    values = draw_values(4, MEANS, DAYS)
    panel = panel_of(values, DAYS - TEST)
    damaged = values.copy()
    damaged[:, [20, 60]] = 10**6
    missing = {panel.dates[day]: "2 hours missing" for day in (20, 60)}
    plans = [
        plan(
            replace(panel, values=some, incomplete=missing), values * 0.3, (2,), before_days=BEFORE
        )
        for some in (values, damaged)
    ]
    assert plans[0] == plans[1]
    assert plans[0].days == DAYS - 2


def test_the_best_option_would_find_the_campaign_at_the_least_cost() -> None:
    values = draw_values(5, MEANS, DAYS)
    panel = panel_of(values, DAYS - TEST)
    found = plan(panel, values * 0.9, (2, 4), before_days=BEFORE)
    best = found.best
    assert best is not None
    assert best.smallest_effect is not None
    assert best.smallest_effect <= best.campaign_share / 2
    enough = [one for one in found.options if one.is_enough]
    assert best.cost * best.weeks == min(one.cost * one.weeks for one in enough)
    assert "would be found; the campaign has 90 % of them, and" in describe_plan(found, "orders")
    tiny = plan(panel, values * 0.001, (2, 4), before_days=BEFORE)
    assert tiny.best is None
    assert "no test would find the campaign" in describe_plan(tiny, "orders")


@pytest.mark.parametrize(
    ("means", "days", "says"),
    [
        (MEANS, 69, "has 69 complete dates, and placebo tests need 70"),
        ([9.0] * 3, DAYS, "3 regions"),
    ],
)
def test_too_little_history_has_a_reason(means: list[float], days: int, says: str) -> None:
    values = draw_values(6, means, days)
    found = plan(panel_of(values, days - TEST), values, (2, 4), before_days=BEFORE)
    assert (found.best, [*found.options]) == (None, [])
    assert says in describe_plan(found, "orders")


def test_an_option_with_few_placebo_tests_has_no_smallest_effect() -> None:
    of_weeks = {one.weeks: one for one in options_of(7, days=70)}
    assert (of_weeks[2].placebo_tests, of_weeks[4].placebo_tests) == (LEAST_PLACEBO_TESTS, 3)
    assert of_weeks[2].smallest_effect is not None
    assert of_weeks[4].smallest_effect is None


@pytest.mark.deep
def test_tests_after_a_plan_have_about_its_power() -> None:
    """A test has an effect of the smallest one of its plan; with 80 % power, it is found so often.

    An effect of 0 is found in 10 % of tests at most, so it can't be the effect of any other size.
    """
    found, plans, false = 0, 40, 0
    for seed in range(plans):
        values = draw_values(seed, MEANS, DAYS + 4 * 7)
        history = values[:, :DAYS]
        panel = panel_of(history, DAYS)
        option = plan(panel, history, (4,), before_days=BEFORE).options[0]
        assert option.smallest_effect is not None
        place = panel.regions.index(option.regions[0])
        whole = panel_of(values, DAYS)
        test = ATest(option.regions, last=FIRST + timedelta(days=4 * 7 - 1))
        false += is_found(evaluate(whole, test))
        values[place, DAYS:] *= 1 - option.smallest_effect
        found += is_found(evaluate(replace(whole, values=values), test))
    assert false <= 2 * ALPHA * plans
    assert 0.7 * plans <= found <= 0.97 * plans, found


def is_found(result: object) -> bool:
    assert isinstance(result, Lift)
    return result.is_found
