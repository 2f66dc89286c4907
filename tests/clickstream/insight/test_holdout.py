"""Laws of the evaluation of holdout tests, and what is said if there is no result."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

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
    panels,
    seeds,
    with_values,
)
from tests.support.examples import examples

from clickstream.insight.holdout import Lift, NoAnswer, evaluate
from clickstream.insight.holdout_panel import RegionHistory, RegionPanel
from clickstream.insight.holdout_texts import describe, notes, notes_on_campaigns
from clickstream.insight.synthetic_control import (
    ALPHA,
    estimate,
    fit_control,
    synthetic_series,
)


def result_of(panel: RegionPanel, test: ATest | None = None) -> Lift:
    """Evaluate a test that has a result."""
    result = evaluate(panel, test or ATest())
    assert isinstance(result, Lift), result
    return result


def numbers(result: Lift) -> list[float]:
    """Return what a result says, in units that do not depend on the scale of the values."""
    return [result.share, result.low, result.high, result.p, result.fit_error, result.widening]


@given(panels)
@examples(times=2)
def test_weights_are_shares(panel: RegionPanel) -> None:
    weeks = np.arange(BEFORE) // 7
    weights = fit_control(panel.values[0, :BEFORE], panel.values[1:, :BEFORE], weeks).weights
    assert weights.min() >= 0
    assert weights.sum() == pytest.approx(1, abs=1e-12)


@given(panels, st.randoms(use_true_random=False))
def test_the_order_of_regions_changes_nothing(panel: RegionPanel, order: object) -> None:
    places = [*range(len(panel.regions))]
    order.shuffle(places)  # type: ignore[attr-defined]
    other = RegionPanel([panel.regions[n] for n in places], panel.dates, panel.values[places])
    one, two = result_of(panel), result_of(other)
    assert numbers(one) == pytest.approx(numbers(two), abs=1e-9)
    assert [d.region for d in one.donors] == [d.region for d in two.donors]


@given(panels, st.sampled_from([0.01, 100.0, 12_345.0]))
def test_the_scale_of_values_scales_the_effect_only(panel: RegionPanel, scale: float) -> None:
    one, two = result_of(panel), result_of(with_values(panel, panel.values * scale))
    assert numbers(one) == pytest.approx(numbers(two), abs=1e-9)
    assert one.effect * scale == pytest.approx(two.effect, rel=1e-6, abs=1e-6 * scale)
    assert one.effect_low * scale == pytest.approx(two.effect_low, rel=1e-6, abs=1e-6 * scale)


@given(panels, st.integers(0, 40))
def test_what_is_missing_each_day_of_the_test_is_the_effect(panel: RegionPanel, daily: int) -> None:
    values = panel.values.copy()
    values[0, BEFORE:] -= daily
    one, two = result_of(panel), result_of(with_values(panel, values))
    added = daily * TEST
    assert two.effect - one.effect == pytest.approx(added, abs=1e-6)
    assert two.synthetic == one.synthetic


@given(panels, st.floats(0.0, 0.9))
def test_a_share_of_the_control_that_is_missing_moves_the_whole_interval(
    panel: RegionPanel, share: float
) -> None:
    one = result_of(panel)
    values = panel.values.copy()
    values[0, BEFORE:] -= share * np.array(one.synthetic[BEFORE:])
    two = result_of(with_values(panel, values))
    moved = [two.share - one.share, two.low - one.low, two.high - one.high]
    assert moved == pytest.approx([share] * 3, abs=1e-9)


@given(panels)
def test_the_days_of_the_test_do_not_change_the_control(panel: RegionPanel) -> None:
    values = panel.values.copy()
    values[:, BEFORE:] = values[::-1, BEFORE:] * 3 + 1
    one, two = result_of(panel), result_of(with_values(panel, values))
    assert one.donors == two.donors
    assert one.fit_error == two.fit_error
    assert one.synthetic[:BEFORE] == two.synthetic[:BEFORE]


@given(panels, st.integers(0, BEFORE // 7 - 1))
def test_a_week_before_the_test_has_a_control_that_is_fitted_without_it(
    panel: RegionPanel, week: int
) -> None:
    values, own = panel.values.copy(), slice(7 * week, 7 * week + 7)
    values[0, own] = 3 * values[0, own] + 1
    one, two = result_of(panel), result_of(with_values(panel, values))
    assert one.synthetic[own] == two.synthetic[own]
    assert one.synthetic != two.synthetic


@given(seeds)
def test_drifts_of_other_regions_widen_the_interval(seed: int) -> None:
    """Drifts of 3 % a day are more than their intervals allow; the control can't follow them."""
    panel = panel_of(draw_values(seed, [900.0] * 7, apart=0.03))
    result = result_of(panel)
    _, series = synthetic_series(panel.values[0], panel.values[1:], np.arange(BEFORE) // 7, BEFORE)
    alone = estimate(panel.values[0], series, BEFORE)
    assert result.widening >= 1
    assert result.share == pytest.approx(alone.share)
    assert result.share - result.low == pytest.approx((alone.share - alone.low) * result.widening)
    assert result.high - result.share == pytest.approx((alone.high - alone.share) * result.widening)


def test_drifts_widen_most_intervals() -> None:
    drifting = [panel_of(draw_values(seed, [900.0] * 7, apart=0.03)) for seed in range(8)]
    assert sum(result_of(panel).widening > 1.05 for panel in drifting) >= 4


@given(seeds, st.floats(1.0, 20.0))
def test_a_region_that_moves_alike_is_the_control(seed: int, size: float) -> None:
    before = 2 * BEFORE
    values = draw_values(seed, [4000.0] * 6, before + TEST, apart=0.1)
    values[3] = values[0] * size
    result = result_of(panel_of(values, before), ATest(before_days=before))
    assert result.donors[0].region == "region 3"
    assert result.donors[0].share > 0.7
    assert abs(result.share) < 0.2


@given(panels)
def test_the_interval_has_the_shares_that_the_permutation_does_not_reject(
    panel: RegionPanel,
) -> None:
    tested, donors = panel.values[0], panel.values[1:]
    _, series = synthetic_series(tested, donors, np.arange(BEFORE) // 7, BEFORE)
    found = estimate(tested, series, BEFORE)
    assert found.low <= found.share <= found.high
    is_test = np.arange(len(series)) >= BEFORE
    for limit, inwards in ((found.low, 1), (found.high, -1)):
        for step, is_accepted in ((1e-6, True), (-1e-6, False)):
            assumed = tested + (limit + inwards * step) * series * is_test
            assert (p_by_counting(assumed, series) > ALPHA) == is_accepted
    assert found.p == pytest.approx(p_by_counting(tested, series))


def p_by_counting(values: np.ndarray, series: np.ndarray) -> float:
    """Count the periods of the test's length that differ as much as the test, one by one."""
    apart = values - series * values.sum() / series.sum()
    sums = [abs(np.roll(apart, shift)[BEFORE:].sum()) for shift in range(len(apart))]
    return sum(one >= sums[0] * (1 - 1e-12) for one in sums) / len(sums)


@given(panels, st.sets(st.integers(0, BEFORE + TEST - 1), min_size=1, max_size=5))
def test_an_incomplete_date_is_named_and_not_used(panel: RegionPanel, places: set[int]) -> None:
    missing = {panel.dates[place]: "3 hours missing" for place in places}
    values = panel.values.copy()
    values[:, [*places]] = 10**6
    one = result_of(replace(panel, incomplete=missing))
    two = result_of(RegionPanel(panel.regions, panel.dates, values, missing))
    assert one == two
    assert {*one.dates} == {*panel.dates} - {*missing}
    assert str(min(missing)) in " ".join(notes(one))


@given(seeds, st.sampled_from([0.3, 1.0, 20.0]), st.sampled_from(["counts", "refunds", "none"]))
@examples(times=5)
@pytest.mark.filterwarnings("error")
def test_sparse_values_and_refunds_have_a_finite_result_or_a_reason(
    seed: int, mean: float, kind: str
) -> None:
    values = draw_values(seed, [mean] * 6)
    if kind == "refunds":
        values = values * 500 - np.random.default_rng(seed).integers(0, 900, values.shape)
    if kind == "none":
        values[1:, BEFORE:] = 0
    result = evaluate(panel_of(values), ATest())
    assert describe(result, ["cakes"], "orders")
    if isinstance(result, Lift):
        assert np.isfinite([*numbers(result), *result.synthetic]).all()


def test_a_test_that_is_not_over_has_the_result_so_far() -> None:
    panel = panel_of(draw_values(1, [30.0] * 6))
    so_far = panel.between(panel.dates[0], FIRST + timedelta(days=9))
    result = result_of(so_far)
    assert (result.test_days, result.days_missing) == (10, 4)
    assert "The test is not over: 4 dates until 2026-11-15 are missing." in [*notes(result)]


def test_regions_of_another_test_are_no_part_of_the_control() -> None:
    panel = panel_of(draw_values(2, [30.0] * 6))
    result = evaluate(panel, ATest(), ["region 1", "region 2"])
    assert isinstance(result, Lift)
    named = {one.region for one in (*result.donors, *result.placebos)}
    assert named == {"region 3", "region 4", "region 5"}


NEXT_YEAR = ATest(first=date(2027, 1, 1), last=date(2027, 1, 31))


@pytest.mark.parametrize(
    ("test", "means", "reason", "says"),
    [
        (ATest(("regio 2",)), [30.0] * 6, "unknown region", "Did you mean region 2"),
        (NEXT_YEAR, [30.0] * 6, "not started", "begins on 2027-01-01"),
        (ATest(last=FIRST + timedelta(days=5)), [30.0] * 6, "few days", "6 complete dates of the"),
        (ATest(before_days=10), [30.0] * 6, "few days", "10 complete dates before the test"),
        (ATest(), [0.1] + [30.0] * 6, "few values", "test more regions"),
        (ATest(), [30.0] * 3 + [0.1], "few regions", "2 other regions"),
    ],
)
def test_without_a_result_the_reason_is_given(
    test: ATest, means: list[float], reason: str, says: str
) -> None:
    result = evaluate(panel_of(draw_values(3, means)), test)
    assert isinstance(result, NoAnswer)
    assert result.reason == reason
    assert says in describe(result, ["cakes"], "orders")


def result_with(share: float, low: float, high: float) -> Lift:
    """Return a result of 28 days, with 1,000 expected."""
    dates = tuple(FIRST + timedelta(days=n) for n in range(28))
    zeros = (0.0,) * 28
    plain = result_of(panel_of(draw_values(4, [30.0] * 6)))
    series = {"dates": dates, "observed": zeros, "synthetic": (1000 / 28,) * 28}
    return replace(plain, share=share, low=low, high=high, regions=("England, GB",), **series)


def test_the_sentence_of_an_effect_names_its_size_and_its_interval() -> None:
    found = result_with(0.12, 0.05, 0.19)
    assert describe(found, ["cakes near me"], "orders") == (
        "Without cakes near me, the region England, GB had 12 % fewer orders than expected (90 % "
        "interval 5 to 19 %): it brings about 120 orders in 4 weeks there."
    )
    assert describe(found, ["a", "b"], "net_sales", "EUR").endswith(
        "had 12 % lower net sales than expected (90 % interval 5 to 19 %): they bring about 1 EUR "
        "in 4 weeks there."
    )


def test_the_sentence_without_an_effect_says_what_would_have_been_seen() -> None:
    assert describe(result_with(0.02, -0.06, 0.1), ["cakes"], "visits") == (
        "No effect found: without cakes, the region England, GB had 2 % fewer visits than "
        "expected, which is within chance (90 % interval −6 to 10 %); an effect under about 8 % "
        "would not have been seen."
    )


def test_more_orders_without_a_campaign_are_no_effect_of_it() -> None:
    sentence = describe(result_with(-0.12, -0.19, -0.05), ["cakes"], "orders")
    assert "had 12 % more orders than expected (90 % interval −19 to −5 %)" in sentence
    assert "look for another cause" in sentence


@pytest.mark.parametrize(
    ("before", "within", "says"),
    [(5, 0, ""), (5, 4, "brought 80 % as much a day"), (0, 0, "check their names"), (20, 3, "")],
)
def test_campaigns_that_are_unknown_or_still_on_are_named(
    before: int, within: int, says: str
) -> None:
    panel = panel_of(draw_values(5, [30.0] * 4))
    of_campaigns = np.zeros(panel.values.shape)
    of_campaigns[0] = [before] * BEFORE + [within] * TEST
    of_campaigns[1] = 9  # another region
    found = [*notes_on_campaigns(RegionHistory(panel, of_campaigns, 0.0), ATest())]
    assert len(found) == bool(says)
    assert says in "".join(found)
