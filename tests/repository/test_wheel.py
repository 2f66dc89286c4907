"""The wheel has every package of src/, and the image is built from what the wheel needs."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
WHEEL = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["hatch"]["build"]["targets"]
PACKAGES = sorted(path.parent for path in (ROOT / "src").glob("*/__init__.py"))


def test_every_package_is_in_the_wheel() -> None:
    assert [ROOT / name for name in WHEEL["wheel"]["packages"]] == PACKAGES


def test_the_image_is_built_from_all_that_the_wheel_contains() -> None:
    copied = (ROOT / "Dockerfile").read_text().partition("--no-deps /opt/clickstream")[0]
    assert " src /opt/clickstream/src\n" in copied
    assert "!src" in (ROOT / ".dockerignore").read_text().splitlines()
