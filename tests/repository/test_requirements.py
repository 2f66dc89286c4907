"""requirements.txt pins everything that pyproject.toml asks for, for every Python we support."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.11", "3.12", "3.13"]


def pins(name: str, python: str) -> dict[str, str]:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] != "#"]
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    found = [Requirement(line) for line in lines]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in found
        if pin.marker is None or pin.marker.evaluate(environment)
    }


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_line_is_a_pin(name: str) -> None:
    lines = [line for line in (ROOT / name).read_text().splitlines() if line and line[0] != "#"]
    assert [line for line in lines if "==" not in line] == []


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize(
    ("name", "extras"),
    [
        ("requirements.txt", ["airflow", "local", "dashboard"]),
        ("requirements-dev.txt", ["airflow", "local", "dashboard", "dev", "spark"]),
    ],
)
def test_pins_meet_what_the_project_asks_for(name: str, extras: list[str], python: str) -> None:
    pinned = pins(name, python)
    wanted = [*PROJECT["dependencies"]]
    for extra in extras:
        wanted += PROJECT["optional-dependencies"][extra]
    for requirement in map(Requirement, wanted):
        version = pinned.get(canonicalize_name(requirement.name))
        assert version, f"{requirement.name} is missing from {name}; run: make lock"
        assert requirement.specifier.contains(version, prereleases=True), (
            f"{requirement}: {version}"
        )


@pytest.mark.parametrize("python", PYTHONS)
def test_both_files_pin_the_same_versions(python: str) -> None:
    dev = pins("requirements-dev.txt", python)
    assert {k: dev.get(k) for k in pins("requirements.txt", python)} == pins(
        "requirements.txt", python
    )
