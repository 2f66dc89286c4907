"""Laws of plans of locations: the ranking, its intervals, and the explanation."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.insight.markets import RANGE, candidates_of, draw_market, markets, seeds
from tests.support.examples import examples

from clickstream.insight.huff import distances_km, share_orders, weights
from clickstream.insight.location_demand import by_people_alone
from clickstream.insight.location_explanation import LEAST_ORDERS_SHOWN, explain_location
from clickstream.insight.location_market import Market, Point, fit_market, points_of
from clickstream.insight.location_plan import (
    TOP,
    CafeCandidate,
    LocationPlan,
    plan_locations,
    propose_candidates,
)
from clickstream.insight.location_texts import describe_check, describe_flag, describe_locations


def plan_of(market: Market, candidates: list[CafeCandidate] | None = None) -> LocationPlan:
    return plan_locations(fit_market(market, RANGE), candidates or candidates_of(market))


@given(markets, st.randoms(use_true_random=False))
def test_the_order_of_candidates_changes_nothing(market: Market, order: object) -> None:
    candidates = candidates_of(market)
    one = plan_of(market, candidates)
    order.shuffle(candidates)  # type: ignore[attr-defined]
    two = plan_of(market, candidates)
    assert [found.candidate for found in one.ranked] == [found.candidate for found in two.ranked]
    for found, again in zip(one.ranked, two.ranked, strict=True):
        assert found.orders == pytest.approx(again.orders)
        assert found.top_share == again.top_share


@given(markets)
def test_another_candidate_does_not_change_the_orders_of_the_others(market: Market) -> None:
    candidates = candidates_of(market)
    all_of_them = {one.candidate.name: one for one in plan_of(market, candidates).ranked}
    for one in plan_of(market, candidates[1:]).ranked:
        assert one.orders == pytest.approx(all_of_them[one.candidate.name].orders)


@given(markets)
def test_the_ranking_is_by_the_middle_and_five_are_among_the_first_five(market: Market) -> None:
    plan = plan_of(market)
    middles = [one.orders.middle for one in plan.ranked]
    assert middles == sorted(middles, reverse=True)
    assert sum(one.top_share for one in plan.ranked) == pytest.approx(min(TOP, len(plan.ranked)))
    for one in plan.ranked:
        assert 0 <= one.orders.low <= one.orders.middle <= one.orders.high
        assert 0 <= one.own_share <= 1


@given(seeds)
def test_without_own_cafes_none_loses_an_order(seed: int) -> None:
    plan = plan_of(draw_market(seed, cafes=0))
    assert {one.own_share for one in plan.ranked} == {0.0}


@given(markets)
def test_competitors_at_a_candidate_cost_it_orders(market: Market) -> None:
    one = candidates_of(market)[0]
    alone, beside_two = (
        plan_of(market, [one._replace(competition=number)]).ranked[0].orders for number in (0, 2)
    )
    assert beside_two.middle < alone.middle


@given(seeds)
def test_orders_that_follow_people_are_ranked_by_people(seed: int) -> None:
    market = draw_market(seed)
    alike = np.round(2000 * market.people / market.people.sum())
    model = fit_market(replace(market, fixed=alike, held_back=np.round(alike / 4)), RANGE)
    assert not model.check.is_better
    assert "ranked by people" in describe_check(model.check)
    expected = by_people_alone(alike, market.people).mean
    ratio = model.demand.mean / expected
    assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))


@given(markets)
def test_an_explanation_has_the_orders_of_the_candidate_and_of_own_cafes(market: Market) -> None:
    model = fit_market(market, RANGE)
    for one in candidates_of(market)[:2]:
        found = explain_location(model, one._replace(competition=1))
        decay, online = model.huff.middle
        new = weights(distances_km(points_of([one.point]), market.points), decay)
        own = weights(model.own_distances, decay).sum(axis=0)
        shares = share_orders(model.demand.mean, own, new / 2, online)
        assert found.at_cafe == pytest.approx(shares.at_cafe[0])
        assert sum(lost.orders for lost in found.lost) == pytest.approx(shares.from_own[0])
        seen = [town.seen for town in found.towns if town.seen is not None]
        assert min(seen, default=LEAST_ORDERS_SHOWN) >= LEAST_ORDERS_SHOWN


@given(markets)
@examples(times=1)
def test_a_proposal_has_the_towns_that_gain_most(market: Market) -> None:
    model = fit_market(market, RANGE)
    proposed = propose_candidates(model, 3)
    every = [CafeCandidate(one.name, one.point) for one in market.towns]
    gained = [
        found.at_cafe - sum(lost.orders for lost in found.lost)
        for found in (explain_location(model, one) for one in every)
    ]
    best = sorted(range(len(every)), key=lambda n: -gained[n])[:3]
    assert [one.name for one in proposed] == [every[n].name for n in best]


@given(seeds)
def test_a_second_cafe_at_one_place_gains_less_than_it_sells(seed: int) -> None:
    market = draw_market(seed)
    model = fit_market(market, RANGE)
    beside = CafeCandidate("beside", market.cafes[0].point)
    found = plan_locations(model, [beside]).ranked[0]
    assert found.orders.middle < 0.7 * explain_location(model, beside).at_cafe
    assert found.own_share > 0.3


def test_without_candidates_nothing_is_ranked() -> None:
    plan = plan_locations(fit_market(draw_market(1), RANGE), [])
    assert plan.ranked == ()
    assert describe_locations(plan) == "No candidate can be ranked."


def test_flags_name_own_cafes_and_candidates_that_share_customers() -> None:
    market = draw_market(3)
    cafe = market.cafes[0]
    near = Point(cafe.point.latitude + 0.02, cafe.point.longitude)
    plan = plan_of(market, [CafeCandidate("here", cafe.point), CafeCandidate("near", near)])
    flags = {one.candidate.name: [*map(describe_flag, one.flags)] for one in plan.ranked}
    first, second = (one.candidate.name for one in plan.ranked)
    assert "own café here: café 0" in flags["here"]
    assert f"shares customers with {first}" in flags[second]
    assert not any("shares" in text for text in flags[first])
    far = plan_of(market, [CafeCandidate("far", Point(53.0, 4.0))]).ranked[0]
    assert [*map(describe_flag, far.flags)] == ["few orders nearby"]
