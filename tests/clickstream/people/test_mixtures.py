"""A sample of the benchmark: machines in the café's log, and in a real log of real people."""

from __future__ import annotations

from functools import cache
from itertools import islice

import pandas as pd
import pytest
from benchmarks.people.__main__ import Mixed, mix
from benchmarks.people.counting import Days
from benchmarks.people.lines import DAY
from benchmarks.people.logs import FIRST_DAY, DayOfLog, elastic_days, iis_days
from benchmarks.people.sites import SHOP, simulated_log
from tests.support.shared_data import shared

from clickstream.people.visitors import MECHANICAL

DATES = 8


@cache
def shop() -> tuple[DayOfLog, Days]:
    days = Days()
    for start in range(FIRST_DAY, FIRST_DAY + DATES * DAY, DAY):
        day = DayOfLog(SHOP, start, simulated_log(SHOP, 11, start, 250))
        if start < FIRST_DAY + (DATES - 1) * DAY:
            days.add(day.event_date, day.people)
    return day, days


def mixed(kind: str, rate: float, seed: int = 5) -> Mixed:
    day, days = shop()
    return mix("shop", day, days, kind, rate, seed)


@pytest.mark.parametrize(
    ("kind", "rate"),
    [
        ("named bots", 3.0),
        ("one busy address", 1.0),
        ("fleet without assets", 0.2),
        ("paced fleet", 0.2),
        ("paced fleet", 3.0),
    ],
)
def test_people_are_counted_within_five_percent(kind: str, rate: float) -> None:
    found = mixed(kind, rate)
    assert found.is_close
    assert found.holds
    assert found.wronged <= 0.005


@pytest.mark.parametrize(
    "kind",
    ["headless fleet with assets", "two pages, three seconds", "previews and prefetch"],
)
def test_people_are_counted_beside_a_fleet_with_a_browser(kind: str) -> None:
    found = mixed(kind, 1.0)
    assert found.is_close
    assert found.holds


@pytest.mark.parametrize("rate", [0.2, 3.0])
def test_perfect_imitation_is_in_the_interval(rate: float) -> None:
    assert mixed("perfect imitation", rate).holds


@pytest.mark.parametrize(
    ("kind", "rate"), [("newspaper", 1.0), ("mail", 0.2), ("post", 0.2), ("post", 3.0)]
)
def test_a_sudden_crowd_is_of_people(kind: str, rate: float) -> None:
    found = mixed(kind, rate)
    assert found.wronged <= 0.005
    assert found.holds


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["elastic-apache-5000", "iis-2009"])
def test_suspects_of_a_real_log_are_machines(name: str) -> None:
    """On one date of the IIS log, five visitors request 9 to 31 pages within 2 seconds each."""
    root = shared(name).parent
    logs = elastic_days(root) if name.startswith("elastic") else iis_days(root, second_half=False)
    days, machines = Days(), []
    for day in islice(logs, 0 if name.startswith("elastic") else 58, None):
        share = days.add(day.event_date, day.people).visitors["share"]
        machines.append(day.people[share < 1])
    found = pd.concat(machines)
    assert len(found) == (0 if name.startswith("elastic") else 5)
    assert set(found["rhythm"]) <= {*MECHANICAL}
    assert set(found["page_views"]) <= {"9", "16", "31"}
