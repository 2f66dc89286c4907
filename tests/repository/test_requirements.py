"""The files of pinned packages have all that the project needs, and are installed with hashes."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from scripts import packages

ROOT = Path(__file__).parents[2]
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PROJECT = PYPROJECT["project"]
EXTRAS = ["airflow", "local", "dashboard"]


def pins(name: str, python: str) -> dict[str, str]:
    """Return the versions of the packages that a file pins for a version of Python."""
    environment = {"python_version": python, "python_full_version": f"{python}.0"}
    return {
        canonicalize_name(pin.name): str(pin.specifier).removeprefix("==")
        for pin in map(Requirement, packages.pins((ROOT / name).read_text()))
        if pin.marker is None or pin.marker.evaluate(environment)
    }


def requirements_of(extras: list[str]) -> list[Requirement]:
    """Return the requirements of the project with extras; an extra may name others."""
    texts = [*PROJECT["dependencies"]]
    for extra in extras:
        texts += PROJECT["optional-dependencies"][extra]
    requirements = [*map(Requirement, texts)]
    of_others = [each for each in requirements if each.name == PROJECT["name"]]
    if new := {extra for each in of_others for extra in each.extras} - {*extras}:
        return requirements_of([*extras, *new])
    return [each for each in requirements if each not in of_others]


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


@pytest.mark.parametrize("python", ["3.11", "3.12", "3.13"])
def test_pins_meet_what_the_project_asks_for(python: str) -> None:
    pinned, of_tests = pins("requirements.txt", python), pins("requirements-dev.txt", python)
    assert pinned.items() <= of_tests.items()
    for versions, extras in ((pinned, EXTRAS), (of_tests, [*EXTRAS, "dev", "spark"])):
        for requirement in requirements_of(extras):
            version = versions.get(canonicalize_name(requirement.name))
            assert version, f"{requirement} is missing; run: make lock"
            assert requirement.specifier.contains(version, prereleases=True), requirement


def test_every_package_is_in_the_wheel() -> None:
    wheel = PYPROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    found = sorted(path.parent for path in (ROOT / "src").glob("*/__init__.py"))
    assert [ROOT / name for name in wheel["packages"]] == found
