from math import exp, lgamma, log

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from clickstream.dashboard.ask.intervals import poisson_interval, wilson


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    # Newcombe 1998, table I, method 3: score intervals without continuity correction.
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_gives_the_published_intervals(successes, trials, low, high) -> None:
    assert wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


@given(st.integers(1, 10_000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
@example((0, 561))
@example((561, 561))
def test_an_interval_holds_its_share(pair) -> None:
    low, high = wilson(*pair)
    assert 0 <= low <= pair[0] / pair[1] <= high <= 1


def test_nothing_is_known_of_no_trials() -> None:
    assert wilson(0, 0) == (0, 1)


def tail(at_most: int, mean: float) -> float:
    """The exact chance of a Poisson count of at most `at_most`."""
    return sum(exp(n * log(mean) - mean - lgamma(n + 1)) for n in range(at_most + 1))


@given(st.integers(10, 3000))
def test_a_poisson_interval_leaves_five_percent_on_each_side(count) -> None:
    low, high = poisson_interval(count)
    assert 1 - tail(count - 1, low) == pytest.approx(0.05, abs=0.001)
    assert tail(count, high) == pytest.approx(0.05, abs=0.001)
