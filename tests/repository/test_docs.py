"""Links, file names, commands and examples of the documentation are right."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from scripts.compile_views import COMPILED, compile_views
from tests.support.cases import each_case

from clickstream import settings
from clickstream.parse.formats import compile_format

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *DOCS,
    *sorted((ROOT / "docs" / "decisions").glob("*.md")),
]
TARGETS = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))


def anchors(page: Path) -> set[str]:
    """Return the names by which a page's headings are linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


def test_the_fact_views_of_log_files_are_compiled_from_those_of_a_lake() -> None:
    assert COMPILED.read_text() == compile_views(), "run `make docs`"


@each_case("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    for target, heading in re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text()):
        if "://" not in target:
            linked = page.parent / target if target else page
            assert linked.exists(), target
            assert not heading or heading in anchors(linked), f"{target}#{heading}"


@each_case("page", PAGES)
def test_files_and_make_targets_of_a_page_exist(page: Path) -> None:
    text = page.read_text()
    files = re.findall(r"`((?:src|dags|plugins|include|tests|scripts|docs)/[\w./-]*)`", text)
    assert [name for name in files if not (ROOT / name).exists()] == []
    assert {*re.findall(r"(?:^|`)make ([a-z-]+)", text, re.MULTILINE)} <= TARGETS


@each_case("page", DOCS)
def test_examples_of_settings_are_read(page: Path, tmp_path: Path) -> None:
    for example in re.findall(r"^```toml\n(\[.*?)^```$", page.read_text(), re.M | re.S):
        file = tmp_path / "clickstream.toml"
        file.write_text(example)
        for name, text in settings.load(file, {}).formats.items():
            assert compile_format(name, text).name == name
