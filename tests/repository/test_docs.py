"""What is written agrees with what is."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support.cases import each_case

from clickstream import settings
from clickstream.parse.registry import FORMATS, compile_format
from clickstream.settings.sales import SalesSettings
from clickstream.tables import TABLES
from clickstream.tables.sales import SALES_TABLES

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "decisions").glob("[0-9]*.md"))
DECISION_INDEX = ROOT / "docs" / "decisions" / "README.md"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md")),
    *DOCS,
    DECISION_INDEX,
    *DECISIONS,
]
SETTINGS = {name.split(".")[0] for name, _, _ in settings.Settings().describe()}


def fenced(page: Path, language: str) -> list[str]:
    """The code blocks of a page in a language; those in none have an empty name."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.MULTILINE | re.DOTALL)
    return [text for found, text in blocks if found == language]


def anchors(page: Path) -> set[str]:
    """The names by which a page's headings are linked, as GitHub makes them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}


def test_generated_pages_are_up_to_date() -> None:
    command = [sys.executable, str(ROOT / "scripts" / "make_docs.py"), "--check"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr


@each_case("page", PAGES)
def test_every_link_of_a_page_leads_to_a_file_and_a_heading(page: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]*)(?:#([^)\s]+))?\)", page.read_text())
    own = [
        (page.parent / to if to else page, heading) for to, heading in targets if "://" not in to
    ]
    assert [to for to, _ in own if not to.exists()] == []
    assert [heading for to, heading in own if heading and heading not in anchors(to)] == []


def test_the_readme_has_the_two_commands_of_a_fresh_machine() -> None:
    commands = [block.strip() for block in fenced(ROOT / "README.md", "")]
    assert {"make demo", "make test"} <= {*commands}


def test_every_page_can_be_found_from_the_first_ones() -> None:
    first = (ROOT / "README.md", ROOT / "docs" / "architecture.md")
    linked = {
        (page.parent / target).resolve()
        for page in first
        for target in re.findall(r"\]\(([^)#\s]+\.md)", page.read_text())
    }
    assert [page.name for page in DOCS if page not in linked] == []


@each_case("page", PAGES)
def test_files_that_are_named_exist(page: Path) -> None:
    named = re.findall(
        r"`((?:src|dags|plugins|include|tests|scripts|docs)/[\w./-]*)`", page.read_text()
    )
    assert [name for name in named if not (ROOT / name).exists()] == []


@each_case("page", PAGES)
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


def test_the_dictionary_has_every_table_and_view() -> None:
    headings = re.findall(r"^### (\w+)$", (ROOT / "docs/data-dictionary.md").read_text(), re.M)
    views = [path.stem for path in sorted((ROOT / "include" / "sql").glob("*.sql"))]
    assert headings == [*(table.name for table in (*TABLES, *SALES_TABLES)), *views]


@pytest.mark.parametrize("page", ["docs/settings.md", "clickstream.toml"])
def test_every_section_of_the_settings_is_there(page: str) -> None:
    headings = re.findall(r"^(?:## )?\[+(\w+)\]+$", (ROOT / page).read_text(), re.MULTILINE)
    assert {*headings} == SETTINGS


@each_case("page", PAGES)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {name for name, _, _ in settings.Settings().describe()}
    known |= {f"sources.{name}" for name in settings.SourceSettings.model_fields}
    known |= {f"sales.{name}" for name in SalesSettings.model_fields}
    named = re.findall(r"`\[+(\w+)\]+(?: (\w+))?`", page.read_text())
    assert [
        f"{s} {k}" for s, k in named if s not in SETTINGS or (k and f"{s}.{k}" not in known)
    ] == []


@each_case("page", DOCS)
def test_examples_of_settings_are_read(page: Path, tmp_path: Path) -> None:
    for example in fenced(page, "toml"):
        if example.startswith("["):
            file = tmp_path / "clickstream.toml"
            file.write_text(example)
            for name, text in settings.load(file, {}).formats.items():
                assert compile_format(name, text).name == name


def test_the_explanation_in_the_readme_is_the_one_that_is_given() -> None:
    readme = ROOT / "README.md"
    command = next(text for text in fenced(readme, "") if "--explain" in text)
    shown = next(text for text in fenced(readme, "text") if text.startswith("Step"))
    given = subprocess.run(
        [sys.executable, "-m", "clickstream.cli", *shlex.split(command)[1:]],
        cwd=ROOT,
        env=os.environ | {"COLUMNS": "80"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    lines = [line.rstrip() for line in given.splitlines()]
    pieces = [piece.strip("\n") for piece in shown.split("…\n")]
    assert [piece for piece in pieces if piece not in "\n".join(lines)] == []


def test_every_decision_has_its_three_parts() -> None:
    for record in DECISIONS:
        text = record.read_text()
        assert all(f"**{part}.**" in text for part in ("Context", "Decision", "Consequences")), (
            record
        )


def test_number_of_a_decision_is_in_its_file_name_and_title() -> None:
    numbers = [int(record.name[:4]) for record in DECISIONS]
    assert len(set(numbers)) == len(numbers)
    for number, record in zip(numbers, DECISIONS, strict=True):
        assert record.read_text().startswith(f"# {number}. ")


def test_index_of_decisions_has_every_record_with_its_title() -> None:
    rows = re.findall(
        r"^\| (\d+) \| \[(.*?)\]\((.*?)\) \|", DECISION_INDEX.read_text(), re.MULTILINE
    )
    listed = sorted((name, f"# {number}. {title}") for number, title, name in rows)
    titles = [(record.name, record.read_text().partition("\n")[0]) for record in DECISIONS]
    assert listed == titles
