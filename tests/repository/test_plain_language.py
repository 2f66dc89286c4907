"""Words that a reader stumbles over do not come back; `plain_language.toml` lists them."""

from __future__ import annotations

import re
import subprocess
import tomllib
from fnmatch import fnmatch
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
CHECKED = ["src", "dags", "plugins", "docs", "include", "README.md", "CHANGELOG.md"]
KINDS = {".py", ".md", ".sql", ".yml", ".toml", ".html", ".js", ".css", ".txt"}
RULES = tomllib.loads((Path(__file__).parent / "plain_language.toml").read_text())
WORDS, EXCEPTIONS = RULES["words"], RULES.get("exceptions", [])


@cache
def checked_files() -> dict[str, str]:
    listed = subprocess.run(
        ["git", "ls-files", *CHECKED], cwd=ROOT, capture_output=True, text=True, check=True
    )
    paths = [path for path in listed.stdout.splitlines() if Path(path).suffix in KINDS]
    return {path: (ROOT / path).read_text() for path in paths if (ROOT / path).exists()}


def matches(pattern: str, text: str) -> list[re.Match[str]]:
    return [*re.finditer(rf"(?<![a-z])(?:{pattern})(?![a-z])", text, re.IGNORECASE)]


def is_excepted(path: str, text: str, found: re.Match[str]) -> bool:
    return any(
        fnmatch(path, one["path"])
        and any(
            place.start() <= found.start() and found.end() <= place.end()
            for place in re.finditer(re.escape(one["text"]), text)
        )
        for one in EXCEPTIONS
    )


@pytest.mark.parametrize("word", WORDS, ids=lambda word: word["pattern"])
def test_no_text_has_a_word_to_avoid(word: dict[str, str]) -> None:
    found = [
        f"{path}:{text.count(chr(10), 0, match.start()) + 1}: {match[0]!r}; {word['instead']}"
        for path, text in checked_files().items()
        for match in matches(word["pattern"], text)
        if not is_excepted(path, text, match)
    ]
    assert found == []


@pytest.mark.parametrize("one", EXCEPTIONS, ids=lambda one: one["text"])
def test_every_exception_is_needed_and_has_a_reason(one: dict[str, str]) -> None:
    assert one["reason"]
    texts = [text for path, text in checked_files().items() if fnmatch(path, one["path"])]
    assert any(one["text"] in text for text in texts)
    assert any(matches(word["pattern"], one["text"]) for word in WORDS)


def test_the_files_are_those_that_people_read() -> None:
    folders = {path.split("/")[0] for path in checked_files()}
    assert folders == {*CHECKED}
