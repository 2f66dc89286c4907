"""requirements.txt pins everything that pyproject.toml asks for, for every Python we support."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import packages

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PYTHONS = ["3.11", "3.12", "3.13"]


def pins(name: str, python: str) -> dict[str, str]:
    lines = packages.pins((ROOT / name).read_text())
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    found = [Requirement(line) for line in lines]
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in found
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def wanted_by(extras: list[str]) -> list[Requirement]:
    """Return the requirements of the project with extras; an extra may name others."""
    texts = [*PROJECT["dependencies"]]
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    wanted = [*map(Requirement, texts)]
    named = {other for one in wanted if one.name == PROJECT["name"] for other in one.extras}
    if named - {*extras}:
        return wanted_by([*extras, *(named - {*extras})])
    return [one for one in wanted if one.name != PROJECT["name"]]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt"])
def test_every_line_is_a_pin_with_hashes_and_names_no_index(name: str) -> None:
    text = "".join(re.split(r"^#.*\n", (ROOT / name).read_text(), flags=re.MULTILINE))
    hashed = r"[\w.-]+==[^\s:]+( ; [^\\:/]+)? \\\n(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+"
    assert re.sub(hashed, "", text) == ""


def test_hashes_are_required_wherever_these_files_are_installed() -> None:
    for name in ("Makefile", "Dockerfile", "infra/emr.Dockerfile"):
        text = (ROOT / name).read_text().replace("\\\n", "")
        installed = re.findall(r".*pip install.*(?:-r|--requirement) .*", text)
        assert installed
        assert [line for line in installed if "--require-hashes" not in line] == []


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
    for requirement in wanted_by(extras):
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
