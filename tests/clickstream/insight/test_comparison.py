"""The comparison of a period with the days before, and its verdicts.

The short form of `python -m benchmarks.comparison` has fixed seeds. A page of ten tiles takes about
15 ms of CPU time, one with 174 numbers of lists 80 ms.
"""

from __future__ import annotations

import numpy as np
import pytest
from tests.clickstream.insight.shop_worlds import measure
from tests.support.cases import each_case

from clickstream.insight.comparison import Amounts, Compared, compare
from clickstream.insight.verdicts import TILES_FALSE_SHARE, find_unlikely, judge


def drawn(seed: int, mean: float, days: int, numbers: int = 1) -> np.ndarray:
    """Poisson counts of days."""
    return np.random.default_rng(seed).poisson(mean, (numbers, days)).astype(float)


def with_last(history: np.ndarray, *values: float) -> np.ndarray:
    """The history and a period of these days."""
    return np.column_stack([history, np.tile(values, (len(history), 1))])


def verdict(compared: Compared) -> str:
    return judge(compared, TILES_FALSE_SHARE)[0]


@each_case("shop, days, weeks", [("middle", "quiet", 3), ("middle", "walking", 8)])
def test_tiles_of_null_weeks_are_not_claimed_and_intervals_hold_the_truth(
    shop: str, days: str, weeks: int
) -> None:
    found = measure(1, shop, days, weeks, pages=60)
    assert found.tile_claims <= 0.05
    assert min(found.covered.values()) >= 0.8
    assert found.growths <= 0.1


@each_case("length, weeks", [(28, 8), (7, 3)])
def test_whole_pages_of_small_shops_without_a_change_have_no_claim(length: int, weeks: int) -> None:
    found = measure(2, "small", "quiet", weeks, length, pages=20, has_lists=True)
    assert found.claims <= 0.05


def test_null_weeks_of_600_visits_are_mostly_as_usual_after_eight_weeks() -> None:
    said = measure(3, "middle", "quiet", 8, pages=60).said["visits"]
    assert said["usual"] >= 0.8


def test_half_more_is_found_with_three_weeks_of_history() -> None:
    found = measure(4, "middle", "quiet", 3, times=1.5, pages=60)
    assert found.said["visits"]["more"] >= 0.95
    assert found.said["orders"]["more"] >= 0.9
    assert found.said["net sales"]["more"] >= 0.75


def test_thirty_percent_more_is_found_and_not_called_usual() -> None:
    found = measure(5, "middle", "quiet", 3, times=1.3, pages=60)
    assert found.said["visits"]["more"] >= 0.75
    assert found.said["orders"]["more"] >= 0.55
    assert all(found.said[name]["usual"] <= 0.02 for name in ("visits", "orders", "net sales"))


def test_steady_growth_is_said_with_its_size() -> None:
    found = measure(6, "middle", "growing 25 %", 8, pages=30)
    assert found.said["visits"]["growth"] >= 0.9
    assert found.growth["visits"] == pytest.approx(0.25, abs=0.04)
    assert found.tile_claims <= 0.1


def test_orders_that_nearly_double_each_week_grow() -> None:
    days = np.concatenate([np.full(7, week / 7) for week in (219, 416, 580, 740)])
    compared = compare(np.random.default_rng(1).poisson(days)[None].astype(float), 7)
    assert verdict(compared) in ("growth", "unknown")
    assert compared.usual[0] > 650


def test_no_order_instead_of_27_is_less_and_its_interval_is_exact() -> None:
    compared = compare(with_last(drawn(2, 27 / 7, 56), *[0.0] * 7), 7)
    assert verdict(compared) == "less"
    assert compared.low[0] < -0.99
    assert -0.95 < compared.high[0] < -0.85


@each_case("visits, expected", [(9, "unknown"), (10, "more"), (0, "unknown")])
def test_fewer_than_ten_visits_are_no_claim(visits: int, expected: str) -> None:
    assert verdict(compare(with_last(np.zeros((1, 28)), *[0] * 6, visits), 7)) == expected


def test_days_without_complete_hours_are_no_zeros() -> None:
    counts = drawn(3, 600, 63)
    every = compare(counts, 7)
    counts[0, 20:28] = np.nan
    fewer = compare(counts, 7)
    assert fewer.usual[0] == pytest.approx(every.usual[0], rel=0.02)
    assert fewer.history_days[0] == 48
    counts[0, -1] = np.nan
    shorter = compare(counts, 7)
    assert shorter.usual[0] == pytest.approx(every.usual[0] * 6 / 7, rel=0.03)
    assert verdict(shorter) == "usual"


def test_less_than_seven_complete_days_have_no_verdict() -> None:
    for days, expected in ((6, "unknown"), (7, "more")):
        counts = with_last(np.full((1, days), 80.0), 400.0)
        assert verdict(compare(counts, 1)) == expected
    assert verdict(compare(with_last(np.full((1, 20), np.nan), 400.0), 1)) == "unknown"


def test_a_part_of_the_last_day_is_compared_with_its_usual_share() -> None:
    counts = drawn(4, 600, 63)
    whole = compare(counts, 7).usual[0]
    assert compare(counts, 7, part=0.5).usual[0] == pytest.approx(whole * 6.5 / 7, rel=0.01)


def test_one_huge_order_does_not_look_like_many() -> None:
    orders = drawn(5, 6, 63)
    sums, squares = 16.0 * orders, 300.0 * orders
    sums[0, -3] += 400
    squares[0, -3] += 400.0**2
    compared = compare(orders, 7, amounts=Amounts(sums, squares))
    assert verdict(compared) == "unclear"
    assert compared.high[0] > 1.5
    assert compared.events[0] == orders[0, 56:].sum()
    naive = compare(orders, 7, amounts=Amounts(sums, 16 * sums))
    assert naive.high[0] < compared.high[0] / 1.5


def test_an_outlier_in_the_history_is_left_out() -> None:
    counts = drawn(6, 80, 28)
    usual = compare(counts, 7).usual[0]
    counts[0, 12] *= 5
    assert compare(counts, 7).usual[0] == pytest.approx(usual, rel=0.05)


def test_a_share_is_that_of_the_trials() -> None:
    visits = drawn(7, 400, 63)
    visits[:, 5::7] *= 3
    hits = np.random.default_rng(7).binomial(visits.astype(int), 0.1).astype(float)
    hits[0, 56:] = visits[0, 56:] * 0.2
    compared = compare(hits, 7, trials=visits)
    assert compared.usual[0] == pytest.approx(0.1, abs=0.01)
    assert compared.value[0] == pytest.approx(0.2, abs=0.01)
    assert verdict(compared) == "more"


def test_a_saturday_is_compared_as_a_saturday_and_with_twelve_weeks_at_most() -> None:
    counts = drawn(8, 400, 95)
    counts[:, 3::7] *= 3
    for days, usual in ((95, 1200), (94, 400)):
        compared = compare(counts[:, :days], 1)
        assert compared.usual[0] == pytest.approx(usual, rel=0.1)
        assert compared.history_days[0] == 84


def test_numbers_of_a_page_are_compared_as_each_alone() -> None:
    counts = np.vstack([drawn(9, mean, 63) for mean in (0.1, 3.0, 80.0, 5000.0)])
    together = compare(counts, 7)
    for number in range(len(counts)):
        alone = compare(counts[number : number + 1], 7)
        assert together.chance[number] == pytest.approx(alone.chance[0], rel=1e-6)
        assert together.select([number]).usual[0] == pytest.approx(alone.usual[0])


def test_false_discovery_control_lets_a_second_number_pass_after_the_first() -> None:
    chances = np.array([0.02, 0.5, 0.001, 0.04])
    assert find_unlikely(chances, 0.05).tolist() == [True, False, True, False]
    assert not find_unlikely(chances[:0], 0.05).size
