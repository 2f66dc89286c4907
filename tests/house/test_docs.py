"""What is written agrees with what is."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from clickstream.parse import FORMATS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def test_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text())
    missing = [t for t in targets if "://" not in t and not (page.parent / t).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:src|dags|plugins|include|tests|scripts|docs)/[\w./-]*)`", page.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = set(re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE))
    assert named <= targets


@pytest.mark.parametrize("page", ["docs/formats.md", "CHANGELOG.md"])
def test_every_log_format_is_named(page: str) -> None:
    words = set(re.findall(r"\w+", (ROOT / page).read_text()))
    assert set(FORMATS) <= words


@pytest.mark.parametrize("name", FORMATS)
def test_the_example_of_a_log_format_is_the_one_it_recognises(name: str) -> None:
    text = (ROOT / "docs" / "formats.md").read_text()
    assert all(line in text for line in FORMATS[name].example.splitlines())


def test_every_decision_has_its_three_parts() -> None:
    for record in (ROOT / "docs" / "decisions").glob("*.md"):
        text = record.read_text()
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), (
            record
        )
