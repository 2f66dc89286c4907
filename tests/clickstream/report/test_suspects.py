"""Machines with a browser's user agent are left out of a log's people, with a warning."""

from __future__ import annotations

from random import Random

import pytest
from benchmarks.people.lines import DAY, combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import SHOP, simulated_log
from rich.console import Console

from clickstream.report import read_logs
from clickstream.settings import Settings
from clickstream.settings.labels import PeopleSettings

START, PEOPLE, MACHINES = 20_600 * DAY, 120, 360


@pytest.fixture(scope="module")
def people() -> bytes:
    return simulated_log(SHOP, 3, START, PEOPLE)


@pytest.fixture(scope="module")
def with_fleet(people: bytes) -> bytes:
    return people + combined(without_assets(Random(4), SHOP, START, MACHINES))


def test_a_fleet_three_times_the_people_changes_no_figure_of_people_by_5_percent(
    report, log, people: bytes, with_fleet: bytes
) -> None:
    log.write_bytes(people)
    _, without, _ = report(log)
    log.write_bytes(with_fleet)
    _, mixed, _ = report(log)
    assert without["suspected"]["visitors"] <= 0.005 * PEOPLE
    for name in ("visitors", "sessions", "page_views"):
        assert mixed[name] == pytest.approx(without[name], rel=0.05)
    counted = mixed["visitors"] + mixed["suspected"]["visitors"]
    assert counted == without["visitors"] + MACHINES
    (fleet, *_) = mixed["suspected"]["cohorts"]
    assert fleet["visitors"] == pytest.approx(MACHINES, rel=0.05)


def test_a_kept_cohort_counts_as_people(report, log, with_fleet: bytes) -> None:
    log.write_bytes(with_fleet)
    _, found, _ = report(log)
    (fleet, *_) = found["suspected"]["cohorts"]
    keeping = Settings(people=PeopleSettings(kept_cohorts=(fleet["label"],)))
    tally, _ = read_logs([str(log)], "auto", keeping, Console(stderr=True))
    kept = tally.figures().suspects
    assert fleet["label"] not in {one.label for one in kept.cohorts}
    assert kept.visitors == found["suspected"]["visitors"] - fleet["visitors"]


def test_the_page_warns_of_them(page, log, with_fleet: bytes) -> None:
    log.write_bytes(with_fleet)
    shown = page(log)
    assert "more visitors are left out" in shown
    assert "no images, style sheets or scripts" in shown
