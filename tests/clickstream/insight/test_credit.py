"""Laws of the models of credit, and second methods for those that are worked out from data."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from itertools import pairwise, permutations
from math import exp, factorial, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import linprog
from tests.support.examples import examples

from clickstream.insight.credit import (
    FROM_DATA,
    MODELS,
    SCALE,
    Touch,
    channel_name,
    shares,
    split,
)
from clickstream.insight.credit_interval import credit_interval
from clickstream.insight.markov import Outcomes, Path, credit_weights, removal_effects

CHANNELS = ("Direct", "Email", "Paid Search", "Referral")
paths = st.lists(st.sampled_from([*CHANNELS, None]), min_size=1, max_size=6)
journeys = st.dictionaries(
    st.lists(st.sampled_from(CHANNELS), min_size=1, max_size=4).map(tuple),
    st.builds(Outcomes, st.integers(0, 9), st.integers(0, 9)).filter(any),
    min_size=1,
    max_size=6,
)
effects = st.dictionaries(st.sampled_from(CHANNELS), st.integers(0, SCALE))


def touches(path: list[str | None]) -> list[Touch]:
    """One visit a day, the last one now."""
    return [Touch(one, float(len(path) - 1 - place)) for place, one in enumerate(path)]


@given(st.integers(-(10**7), 10**7), st.lists(st.integers(0, 10**6), min_size=1, max_size=9))
@examples(times=10)
def test_parts_sum_to_the_amount_and_differ_from_the_exact_ones_by_less_than_one(
    amount: int, weights: list[int]
) -> None:
    parts = split(amount, weights)
    assert sum(parts) == amount
    total = sum(weights) or len(weights)
    for part, weight in zip(parts, weights if any(weights) else [1] * len(weights), strict=True):
        assert abs(part - Fraction(amount * weight, total)) < 1
    assert split(-amount, weights) == [-part for part in parts]


@given(paths, effects, st.permutations(CHANNELS), st.integers(0, 10**5))
@examples(times=10)
def test_shares_are_whole_and_follow_the_names_of_channels(
    path: list[str | None], known: dict[str, int], names: list[str], cents: int
) -> None:
    found = shares(touches(path), known)
    assert list(found) == list(MODELS)
    assert all(sum(some or []) == SCALE and min(some or [0]) >= 0 for some in found.values())
    assert all(sum(split(cents, some or [])) == cents for some in found.values())
    # The names mean nothing to a model, but for that of direct visits.
    renamed = dict(zip(CHANNELS, names, strict=True)) | {None: None}
    if renamed["Direct"] == "Direct":
        other = {renamed[name]: effect for name, effect in known.items()}
        assert shares(touches([renamed[one] for one in path]), other) == found
    without = shares(touches(path), None)
    assert [without[name] for name in FROM_DATA] == [None, None]
    assert {**found, **without} | dict.fromkeys(FROM_DATA) == without


@given(paths, effects)
def test_a_channel_without_an_effect_gets_nothing_beside_one_that_has_one(
    path: list[str | None], known: dict[str, int]
) -> None:
    of_touches = shares(touches(path), known)["markov"] or []
    by_touch = [known.get(channel_name(one), 0) for one in path]
    for effect, share in zip(by_touch, of_touches, strict=True):
        assert not any(by_touch) or effect or share == 0


@given(paths)
def test_shapley_equals_the_mean_over_all_orders_of_arrival(path: list[str | None]) -> None:
    names = [channel_name(one) for one in path]
    players = sorted({*names})
    credit: Counter[str] = Counter()
    for order in permutations(players):
        seen: set[str] = set()
        for player in order:
            was_whole = {*names} <= seen
            seen.add(player)
            credit[player] += ({*names} <= seen) - was_whole
    of_touches = shares(touches(path), {})["shapley"] or []
    for player in players:
        share = sum(s for s, name in zip(of_touches, names, strict=True) if name == player)
        assert abs(share - SCALE * credit[player] / factorial(len(players))) < len(path)


def order_rate(some: dict[Path, Outcomes], without: str = "") -> Fraction:
    """The probability of an order, by the steps of the chain until almost all journeys ended."""
    visits: Counter[str] = Counter()
    begin: Counter[str] = Counter()
    steps: Counter[tuple[str, str]] = Counter()
    orders: Counter[str] = Counter()
    for path, (bought, nothing) in some.items():
        number = bought + nothing
        begin[path[0]] += number
        orders[path[-1]] += bought
        visits.update(dict.fromkeys(path, 0))
        for name in path:
            visits[name] += number
        for pair in pairwise(path):
            steps[pair] += number
    total = sum(begin.values())
    at = {name: begin[name] / total for name in visits if name != without}
    found = 0.0
    for _ in range(4000):
        found += sum(share * orders[name] / visits[name] for name, share in at.items())
        at = {
            name: sum(share * steps[one, name] / visits[one] for one, share in at.items())
            for name in at
        }
    return Fraction(found)


@given(journeys)
def test_removal_effects_equal_those_of_walks_through_the_chain(
    some: dict[Path, Outcomes],
) -> None:
    found = removal_effects(some)
    whole = order_rate(some)
    for name, effect in found.items():
        wanted = 1 - order_rate(some, name) / whole if whole else 0
        assert abs(effect - SCALE * wanted) <= 2


def credited(some: dict[Path, Outcomes]) -> dict[str, float]:
    """The orders of each channel by the model Markov, over the journeys that it comes from."""
    weights, found = credit_weights(some), Counter[str]()
    for path, (orders, _) in some.items():
        of_path = shares([Touch(name, 0.0) for name in path], weights)["markov"] or []
        for name, share in zip(path, of_path, strict=True):
            found[name] += orders * share
    return {name: number / SCALE for name, number in found.items()}


def parts_of_effects(some: dict[Path, Outcomes]) -> dict[str, float]:
    """All orders, split in proportion to the removal effects."""
    effects, orders = removal_effects(some), sum(outcomes.orders for outcomes in some.values())
    whole = max(sum(effects.values()), 1)
    return {name: orders * effect / whole for name, effect in effects.items()}


@given(journeys)
def test_markov_credits_sum_to_the_parts_of_removal_effects_if_any_shares_do(
    some: dict[Path, Outcomes],
) -> None:
    """A linear program says whether the orders can be shared among their own channels so."""
    found, wanted = credited(some), parts_of_effects(some)
    orders = {path: outcomes.orders for path, outcomes in some.items() if outcomes.orders}
    assert sum(found.values()) == pytest.approx(sum(orders.values()))
    cells = [(path, name) for path in orders for name in {*path}]
    sums = [[of == path for of, _ in cells] for path in orders]
    sums += [[of == name for _, of in cells] for name in wanted]
    limits = [*orders.values(), *wanted.values()]
    if cells and linprog([0] * len(cells), A_eq=sums, b_eq=limits).success:
        for name, number in wanted.items():
            assert found[name] == pytest.approx(number, abs=0.01 * sum(orders.values()))


def test_markov_credits_are_the_published_ones() -> None:
    """C1 0.2, C2 0.4 and C3 0.4: the example of S. Bryl, analyzecore.com, 3 August 2016."""
    some = {
        ("C1", "C2", "C3"): Outcomes(1, 0),
        ("C1",): Outcomes(0, 1),
        ("C2", "C3"): Outcomes(0, 1),
    }
    assert credited(some) == pytest.approx({"C1": 0.2, "C2": 0.4, "C3": 0.4}, abs=1e-5)


def test_a_channel_keeps_the_orders_that_have_no_other_and_the_others_share_the_rest() -> None:
    """Its part of all effects is less, but no share can take an order from its only channel."""
    some = {
        ("Email",): Outcomes(60, 0),
        ("Email", "Direct"): Outcomes(5, 0),
        ("Direct", "Referral"): Outcomes(10, 40),
        ("Referral",): Outcomes(5, 90),
    }
    wanted, found = parts_of_effects(some), credited(some)
    assert wanted["Email"] < 60
    assert found["Email"] == pytest.approx(60, abs=1e-3)
    rest = [found[name] / wanted[name] for name in ("Direct", "Referral")]
    assert rest[0] == pytest.approx(rest[1], rel=1e-3)


def moments(credits: np.ndarray) -> tuple[float, float, float]:
    """The sums of the credits, of their squares and of their cubes."""
    first, second, third = (float((credits**power).sum()) for power in (1, 2, 3))
    return first, second, third


def test_the_interval_is_that_of_a_poisson_bootstrap() -> None:
    chance = np.random.default_rng(1)
    for number in (60, 120, 900):
        credits = np.round(chance.lognormal(7, 0.8, number)) * chance.choice([1, 1, 0.4], number)
        draws = chance.poisson(1, (4000, number)) @ credits
        low, high = np.quantile(draws, [0.05, 0.95])
        found = credit_interval(*moments(credits))
        assert found is not None
        deviation = sqrt(float((credits**2).sum()))
        assert abs(found.low - low) < 0.1 * deviation
        assert abs(found.high - high) < 0.1 * deviation


@pytest.mark.parametrize("spread", [0.0, 0.4, 0.8, 1.1])
def test_intervals_that_are_shown_hold_the_expected_credit(spread: float) -> None:
    """By the number of orders, as in the table of docs/attribution.md; 2,000 draws of each."""
    chance = np.random.default_rng(1)
    for orders in (3, 10, 30, 100, 300):
        expected = orders * exp(7 + spread**2 / 2)
        drawn = [chance.lognormal(7, spread, chance.poisson(orders)) for _ in range(2000)]
        intervals = [credit_interval(*moments(credits)) for credits in drawn]
        shown = [interval for interval in intervals if interval]
        share = len(shown) / len(drawn)
        assert share < (0.02 if orders <= 10 else 1.01)
        assert share > (0.99 if orders == 300 else -1)
        if share > 0.5:
            held = sum(interval.low <= expected <= interval.high for interval in shown)
            assert 0.86 < held / len(shown) < 0.95
