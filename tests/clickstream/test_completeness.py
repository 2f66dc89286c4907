"""Hours with unusually few lines: rarely a complete hour, and reliably one that was cut to half."""

from __future__ import annotations

from collections.abc import Mapping
from math import isclose
from typing import TypeVar
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray
from tests.support.cases import each_case

from clickstream.completeness import HISTORY, LowHour, chance_of_at_most, find_low_hours
from clickstream.core.hours import Hour, HourSpan, hour_range

Value = TypeVar("Value")
LONDON = ZoneInfo("Europe/London")
UTC = ZoneInfo("UTC")
FIRST = Hour.parse("2026-06-01T00")
HISTORY_HOURS = 24 * HISTORY.days
WEEKS = 4
CHECKED = HourSpan(FIRST.plus(HISTORY_HOURS), FIRST.plus(HISTORY_HOURS + 168 * WEEKS - 1))
ALL = [*hour_range(FIRST, CHECKED.last)]
OF_DAY = np.array([1] * 7 + [4, 6, 8, 8, 8, 10, 9, 7, 6, 6, 6, 6, 5, 4, 3, 2, 1], dtype=float)
OF_WEEK = np.array([0.85, 0.8, 0.85, 0.95, 1.15, 1.3, 1.1])
SHAPE = np.outer(OF_WEEK, OF_DAY).ravel()


def simulate(level: float, variation: float, seed: int) -> NDArray[np.int64]:
    """Lines of all hours: `level` on average, with a relative variation beyond Poisson's."""
    random = np.random.default_rng(seed)
    mean = level * np.tile(SHAPE / SHAPE.mean(), len(ALL) // 168 + 1)[: len(ALL)]
    if variation:
        mean = mean * random.gamma(1 / variation**2, variation**2, len(ALL))
    return random.poisson(mean)


def found(
    lines: NDArray[np.int64],
    more: Mapping[str, Mapping[Hour, int]] | None = None,
    lacking: Mapping[Hour, list[str]] | None = None,
    checked: HourSpan = CHECKED,
) -> list[LowHour]:
    of_hosts = {"web-1": dict(zip(ALL, map(int, lines), strict=True)), **(more or {})}
    return find_low_hours(
        {host: by_number(some) for host, some in of_hosts.items()},
        by_number(dict.fromkeys(ALL)),
        by_number(lacking or {}),
        checked,
        LONDON,
    )


def by_number(values: Mapping[Hour, Value]) -> dict[int, Value]:
    return {hour.number: value for hour, value in values.items()}


@each_case("level", [0.5, 5.0, 20.0, 100.0, 1000.0])
@each_case("variation", [0.0, 0.15, 0.4])
def test_fewer_than_one_in_a_thousand_complete_hours_is_flagged(level, variation) -> None:
    """The aim is one in a hundred; a quiet site and its nights are checked like any other."""
    runs = 2
    flagged = sum(len(found(simulate(level, variation, seed))) for seed in range(runs))
    assert flagged <= 0.001 * runs * len(CHECKED)


@each_case("variation, least", [(0.0, 0.999), (0.1, 0.85)])
def test_an_hour_of_500_lines_that_was_cut_to_half_is_flagged(variation, least) -> None:
    cut = times = 0
    for seed in range(3):
        lines = simulate(700, variation, seed)
        # One hour in each second day, at noon, whose usual number of lines is above 500.
        for place in range(HISTORY_HOURS + 12, len(ALL), 48):
            lines[place] = np.random.default_rng(place).binomial(lines[place], 0.5)
        flagged = {one.hour for one in found(lines)}
        expected = [ALL[place] for place in range(HISTORY_HOURS + 12, len(ALL), 48)]
        times += len(expected)
        cut += len(flagged.intersection(expected))
    assert cut >= least * times


def test_four_hours_that_lack_nearly_half_of_their_lines_are_flagged_at_12_percent() -> None:
    """One such hour may be chance, if weeks differ by 12 %; four in a row are not."""
    cut = times = 0
    for seed in range(3):
        lines = simulate(700, 0.12, seed)
        for noon in range(HISTORY_HOURS + 10, len(ALL), 216):
            some = slice(noon, noon + 4)
            lines[some] = np.random.default_rng(noon).binomial(lines[some], 0.57)
        flagged = {one.hour for one in found(lines)}
        for noon in range(HISTORY_HOURS + 10, len(ALL), 216):
            times += 1
            cut += len(flagged.intersection(ALL[noon : noon + 4])) >= 2
    assert cut >= 0.9 * times


def test_a_flag_does_not_depend_on_the_range() -> None:
    lines = simulate(800, 0.1, 1)
    lines[HISTORY_HOURS + 200 :: 97] //= 3
    whole = found(lines)
    assert len(whole) > 3
    for day in {one.hour.start.astimezone(LONDON).date() for one in whole}:
        of_day = [one for one in whole if one.hour.start.astimezone(LONDON).date() == day]
        hours = [hour for hour in ALL if hour.start.astimezone(LONDON).date() == day]
        assert found(lines, checked=HourSpan(hours[0], hours[-1])) == of_day


def test_an_hour_without_three_earlier_weeks_is_not_checked() -> None:
    lines = simulate(800, 0.0, 2)
    short = dict.fromkeys(ALL[-168 * 3 :], 800) | {ALL[-1]: 0}
    assert [one.host for one in found(lines, {"new": short})] == []
    long = dict.fromkeys(ALL[-168 * 4 :], 800) | {ALL[-1]: 0}
    assert found(lines, {"old": long}) == [LowHour(ALL[-1], "old", 0, 800)]


def test_traffic_that_another_host_takes_over_is_not_missed() -> None:
    lines = simulate(800, 0.0, 3)
    gone = dict.fromkeys(ALL[: -168 * 2], 400)
    taken = dict.fromkeys(ALL[-168 * 2 :], 400)
    assert found(lines, {"blue": gone, "green": taken}) == []
    assert {one.host for one in found(lines, {"blue": gone})} == {"blue"}


def test_a_host_that_an_hour_lacks_is_not_checked_there() -> None:
    lines = simulate(800, 0.0, 4)
    lines[-1] = 0
    assert [one.hour for one in found(lines)] == [ALL[-1]]
    assert found(lines, lacking={ALL[-1]: ["web-1"]}) == []


def test_hours_are_compared_by_local_time_across_a_change_of_clocks() -> None:
    """A site that starts at 9:00 in London: at 8:00 UTC until 25 October, then at 9:00."""
    hours = [*hour_range(Hour.parse("2026-08-10T00"), Hour.parse("2026-11-15T23"))]
    lines = {hour: 900 if 9 <= hour.start.astimezone(LONDON).hour < 17 else 0 for hour in hours}
    checked = HourSpan(Hour.parse("2026-10-19T00"), hours[-1])
    assert find_low_hours({"web-1": by_number(lines)}, by_number(lines), {}, checked, LONDON) == []


def test_a_morning_that_comes_an_hour_late_is_not_low() -> None:
    """A site whose time zone is not set, in a country that changes its clocks."""
    hours = [*hour_range(Hour.parse("2026-08-10T00"), Hour.parse("2026-11-15T23"))]
    lines = {hour: 100 * int(OF_DAY[hour.start.astimezone(LONDON).hour]) for hour in hours}
    checked = HourSpan(Hour.parse("2026-10-19T00"), hours[-1])
    assert find_low_hours({"web-1": by_number(lines)}, by_number(lines), {}, checked, UTC) == []


def test_the_chance_is_that_of_the_distribution() -> None:
    """Size 2 and mean 3: P(0) = 0.16, P(1) = 0.192. A tiny dispersion: Poisson's."""
    assert isclose(chance_of_at_most(0, 3, 0.5), 0.16)
    assert isclose(chance_of_at_most(1, 3, 0.5), 0.352)
    assert isclose(chance_of_at_most(2, 4, 1e-9), 0.238103, rel_tol=1e-5)
