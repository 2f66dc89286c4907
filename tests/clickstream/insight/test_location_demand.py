"""Laws of demand by town, of the Huff model, and of its fit to the sales of cafés."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.insight.markets import RANGE, draw_market, markets, seeds

from clickstream.insight.huff import (
    LEAST_PICKED_UP,
    can_fit,
    distances_km,
    draw_fitted,
    share_orders,
    weights,
)
from clickstream.insight.location_demand import (
    by_people_alone,
    check_held_back,
    expected_by_people,
    shrink,
)
from clickstream.insight.location_market import MOBILE_SPREAD, Market, fit_market, points_of

points = st.tuples(st.floats(-89, 89), st.floats(-179, 179))


@given(markets)
def test_a_shrunk_rate_is_between_that_of_the_town_and_that_of_all(market: Market) -> None:
    expected = expected_by_people(market.fixed.sum(), market.people)
    found = shrink(market.fixed, market.people).mean
    low, high = np.minimum(expected, market.fixed), np.maximum(expected, market.fixed)
    assert (low - 1e-9 <= found).all()
    assert (found <= high + 1e-9).all()


@given(markets)
def test_more_orders_shrink_less(market: Market) -> None:
    for one, more in ((1, 10), (10, 100)):
        few, many = (
            np.abs(shrink(market.fixed * n, market.people).mean / n - market.fixed).sum()
            for n in (one, more)
        )
        assert many <= few + 1e-9
        assert few > 1e-6 * market.fixed.sum()


@given(markets, st.floats(0.1, 10.0))
def test_draws_have_the_mean_of_the_demand_in_any_unit(market: Market, factor: float) -> None:
    for estimate in (shrink, by_people_alone):
        demand = estimate(market.fixed, market.people)
        scaled = demand.scaled(factor)
        assert scaled.mean == pytest.approx(demand.mean * factor)
        draws = scaled.draw(np.random.default_rng(1), 4000)
        error = 6 * draws.std(axis=0) / 4000**0.5
        assert (np.abs(draws.mean(axis=0) - scaled.mean) <= error + 1e-9).all()


@given(markets)
def test_draws_differ_at_least_as_shares_of_mobile_orders_do(market: Market) -> None:
    model = fit_market(market, RANGE)
    spread = model.demand_draws.std(axis=0) / model.demand_draws.mean(axis=0)
    assert (spread > 0.75 * MOBILE_SPREAD).all()


@given(markets)
def test_people_alone_take_no_orders_of_a_town_into_account(market: Market) -> None:
    found = by_people_alone(market.fixed, market.people).mean
    assert found == pytest.approx(expected_by_people(market.fixed.sum(), market.people))


@given(seeds)
def test_held_back_orders_with_the_pattern_of_the_others_are_better_than_people(seed: int) -> None:
    market = draw_market(seed, orders=20_000)
    assert check_held_back(market.fixed, market.fixed, market.people).is_better
    reverse = 1 / (market.fixed + 1)
    other = np.round(5000 * reverse / reverse.sum() * market.people / market.people.mean())
    assert not check_held_back(market.fixed, other, market.people).is_better
    assert not check_held_back(market.fixed, 0 * market.fixed, market.people).is_better


@given(points, points)
def test_a_distance_has_no_direction_and_is_at_most_half_the_globe(
    one: tuple[float, float], two: tuple[float, float]
) -> None:
    there, back = (
        distances_km(*(np.array([p]) for p in (one, two))),
        distances_km(*(np.array([p]) for p in (two, one))),
    )
    assert there == pytest.approx(back, abs=1e-6)
    assert 0 <= there[0, 0] <= 20_016


def test_known_distances() -> None:
    london, paris, sydney = (51.5074, -0.1278), (48.8566, 2.3522), (-33.8688, 151.2093)
    found = distances_km(np.array([london]), np.array([paris, sydney, london]))[0]
    assert found == pytest.approx([343.6, 16_993, 0], abs=2)


@given(markets, st.floats(4, 40), st.floats(0.03, 1))
def test_orders_are_shared_and_none_appears(market: Market, decay: float, online: float) -> None:
    own = weights(distances_km(points_of([o.point for o in market.cafes]), market.points), decay)
    new = weights(distances_km(market.points, market.points), decay)
    shares = share_orders(market.fixed, own.sum(axis=0), new, online)
    assert (shares.from_own <= shares.at_cafe + 1e-9).all()
    assert (shares.from_own >= -1e-9).all()
    assert (shares.at_cafe <= market.fixed.sum() + 1e-9).all()


@given(seeds, st.floats(6, 30), st.floats(0.05, 0.6))
def test_a_fit_finds_the_distance_that_customers_travel(
    seed: int, decay: float, online: float
) -> None:
    market = draw_market(seed, towns=40, cafes=4, orders=40_000)
    distances = distances_km(points_of([one.point for one in market.cafes]), market.points)
    pull = weights(distances, decay)
    picked_up = market.fixed * pull / (pull.sum(axis=0) + online)
    rng = np.random.default_rng(seed)
    huff = draw_fitted(rng, 200, picked_up, market.fixed, distances)
    assert huff.source == "fitted"
    assert huff.middle == pytest.approx((decay, online), rel=0.15)


def test_a_fit_needs_orders_of_two_cafes() -> None:
    enough, few = LEAST_PICKED_UP / 2, LEAST_PICKED_UP / 2 - 1
    assert can_fit(np.array([[enough, enough], [0, 0], [enough, enough]]))
    assert not can_fit(np.array([[enough, enough], [few, enough]]))
