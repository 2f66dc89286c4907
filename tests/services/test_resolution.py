"""The packages of other machines: those of Amazon MWAA, and of a host with an ARM processor."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from scripts.packages import pins

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
MWAA = (
    *(
        "pyproject.toml",
        "infra/mwaa-requirements.txt",
        "--constraint",
        "infra/mwaa-constraints.txt",
    ),
    *("--extra", "lake", "--extra", "sales", "--extra", "dashboard"),
    *("--python-platform", "x86_64-manylinux_2_28"),
)
HOST = (
    *("requirements.txt", "--only-binary", ":all:"),
    *("--python-platform", "aarch64-manylinux_2_28"),
)


def resolve(*options: str) -> list[str]:
    """Resolve packages for Python 3.12 with the cache of uv, or else with the index."""
    command = [UV, "pip", "compile", *options, "--python-version", "3.12", "--quiet"]
    command += ["--no-header", "--no-annotate"]
    done = _run([*command, "--offline"])
    if done.returncode:
        done = _run(command)
    assert done.returncode == 0, done.stderr
    return pins(done.stdout)


def _run(command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


def test_requirements_resolve_to_the_constraints_for_mwaa() -> None:
    assert resolve(*MWAA) == pins((ROOT / "infra/mwaa-constraints.txt").read_text())


def test_the_image_for_arm_has_wheels_of_all_packages() -> None:
    locked = pins((ROOT / "requirements.txt").read_text())
    assert {*resolve(*HOST)} <= {pin.partition(" ;")[0] for pin in locked}


def test_mwaa_gets_the_providers_of_the_extra_airflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {*map(Requirement, project["optional-dependencies"]["airflow"])}
    ours = {one for one in extra if one.name not in ("apache-airflow", "clickstream")}
    mwaa = {*map(Requirement, pins((ROOT / "infra/mwaa-requirements.txt").read_text()))}
    assert ours <= mwaa
