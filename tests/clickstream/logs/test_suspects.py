"""Machines with a browser's user agent are left out of a log's people, with a warning."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest
from benchmarks.people.lines import DAY, combined
from benchmarks.people.machines import without_assets
from benchmarks.people.sites import SHOP, simulated_log
from rich.console import Console
from tests.clickstream.logs.builders import SETTINGS

from clickstream.logs.trial import read_figures, run_trial
from clickstream.settings import Settings
from clickstream.settings.labels import PeopleSettings

START, PEOPLE, MACHINES = 20_600 * DAY, 120, 360


@pytest.fixture(scope="module")
def people() -> bytes:
    return simulated_log(SHOP, 3, START, PEOPLE)


@pytest.fixture(scope="module")
def with_fleet(people: bytes) -> bytes:
    return people + combined(without_assets(Random(4), SHOP, START, MACHINES))


def figures_of(path: Path, log: bytes, settings: Settings = SETTINGS) -> dict[str, Any]:
    path.write_bytes(log)
    figures, _ = read_figures([str(path)], "auto", settings, Console(stderr=True))
    assert figures
    return figures


def test_a_fleet_three_times_the_people_changes_no_figure_of_people_by_5_percent(
    tmp_path: Path, people: bytes, with_fleet: bytes
) -> None:
    without, mixed = (figures_of(tmp_path / "log", one) for one in (people, with_fleet))
    assert without["suspected"]["visitors"] <= 0.005 * PEOPLE
    for name in ("visitors", "sessions", "page_views"):
        found, expected = (figures[name] for figures in (mixed, without))
        assert found == pytest.approx(expected, rel=0.05)
    counted = mixed["visitors"] + mixed["suspected"]["visitors"]
    assert counted == without["visitors"] + MACHINES
    fleet = mixed["suspected"]["cohorts"][0]
    assert fleet["visitors"] == pytest.approx(MACHINES, rel=0.05)
    keeping = SETTINGS.model_copy(update={"people": PeopleSettings(kept_cohorts=(fleet["label"],))})
    kept = figures_of(tmp_path / "log", with_fleet, keeping)["suspected"]
    assert fleet["label"] not in {cohort["label"] for cohort in kept["cohorts"]}
    assert kept["visitors"] == mixed["suspected"]["visitors"] - fleet["visitors"]


def test_the_page_warns_of_them(page, log, with_fleet: bytes) -> None:
    log.write_bytes(with_fleet)
    shown = page(log)
    assert "more visitors are left out" in shown
    assert "no images, style sheets or scripts" in shown
    with (log.parent / "page").open("w", encoding="ascii") as out:
        run_trial([str(log)], "auto", False, Console(file=out, width=80), SETTINGS)
    assert "more visitors are left out" in (log.parent / "page").read_text(encoding="ascii")
