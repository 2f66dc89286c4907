"""The packages for Amazon MWAA: our constraints hold for all that we need with its Airflow."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from scripts.packages import pins

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
REQUIRED = ("pyproject.toml", "infra/mwaa-requirements.txt")
EXTRAS = ("--extra", "lake", "--extra", "sales", "--extra", "dashboard")
IMAGE = ("--python-version", "3.12", "--python-platform", "x86_64-manylinux_2_28")


def resolve(*options: str) -> subprocess.CompletedProcess[str]:
    """Resolve the requirements for the image of MWAA with the cache of uv, or else the index."""
    command = [UV, "pip", "compile", *REQUIRED, *EXTRAS, *IMAGE, "--quiet", "--no-header"]
    command += ["--constraint", "infra/mwaa-constraints.txt", "--no-annotate", *options]
    return subprocess.run(command, check=False, cwd=ROOT, capture_output=True, text=True)


def test_requirements_resolve_to_the_constraints_for_mwaa() -> None:
    done = resolve("--offline")
    if done.returncode:
        done = resolve()
    assert done.returncode == 0, done.stderr
    assert pins(done.stdout) == pins((ROOT / "infra/mwaa-constraints.txt").read_text())


def test_mwaa_gets_the_providers_of_the_extra_airflow() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extra = {*map(Requirement, project["optional-dependencies"]["airflow"])}
    ours = {one for one in extra if one.name not in ("apache-airflow", "clickstream")}
    mwaa = {*map(Requirement, pins((ROOT / "infra/mwaa-requirements.txt").read_text()))}
    assert ours <= mwaa
