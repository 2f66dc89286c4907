"""A trial and `--explain` see a line that is too long as the lake does."""

from __future__ import annotations

import gzip
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.support.long_lines import combined_line, long_line, write_log

from clickstream.logs.explain import explain, show_explanation
from clickstream.settings import Settings
from clickstream.settings.labels import CleanSettings

Reading = Callable[..., tuple[int, Any, str]]
MEGABYTE = 1 << 20


@pytest.mark.parametrize(("size", "packs"), [(65_537, True), (9 * MEGABYTE, False)])
def test_a_long_line_is_one_reject(
    reading: Reading, tmp_path: Path, size: int, packs: bool
) -> None:
    log = tmp_path / "access.log"
    write_log(log, b"{", size)
    if packs:
        log.write_bytes(gzip.compress(log.read_bytes()))
    code, found, _ = reading(log)
    assert (code, found["lines"], found["parsed"]) == (0, 21, 20)
    assert found["rejected"]["by_reason"] == {"line too long": 1}


@pytest.mark.parametrize("size", [2 * MEGABYTE - 1, 9 * MEGABYTE])
def test_the_format_is_that_of_the_lines_behind_a_long_first_line(
    reading: Reading, tmp_path: Path, size: int
) -> None:
    """With 2 MB - 1 byte and its newline, the line is a block of its own."""
    log = tmp_path / "access.log"
    log.write_bytes(b"x" * size + b"\n" + b"".join(map(combined_line, range(5))))
    code, found, _ = reading(log)
    assert (code, found["lines"], found["parsed"]) == (0, 6, 5)


def test_small_files_are_read_alike(reading: Reading, tmp_path: Path) -> None:
    for number in range(5):
        write_log(tmp_path / f"access.log.{number}", b'"', 70_000)
    code, found, _ = reading(tmp_path)
    assert (code, found["lines"]) == (0, 5 * 21)
    assert found["rejected"]["by_reason"] == {"line too long": 5}


def explained(number: int, log: Path) -> tuple[int, str]:
    out = io.StringIO()
    console = Console(file=out, width=200)
    return show_explanation(str(number), [str(log)], "auto", Settings(), console), out.getvalue()


@pytest.mark.parametrize("size", [65_537, 5 * MEGABYTE])
def test_line_numbers_count_a_long_line_once(tmp_path: Path, size: int) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(combined_line(1) + long_line(b"\0", size) + combined_line(2))
    code, text = explained(2, log)
    assert code == 1
    assert "line too long" in text
    assert "first 256 bytes are kept" in text
    code, text = explained(3, log)
    assert code == 0
    assert "2026-11-20 17:00:02 UTC" in text


def test_a_long_first_line_of_a_block_of_its_own_is_explained(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(b"x" * (2 * MEGABYTE - 1) + b"\n" + combined_line(1))
    code, text = explained(1, log)
    assert code == 1
    assert "line too long" in text
    assert explained(2, log)[0] == 0


def test_a_long_line_that_is_given_is_explained_without_a_format() -> None:
    steps = [*explain(b" " * 70_000, "auto", Settings())]
    assert [(step.name, step.result) for step in steps] == [("Rejected", "line too long")]


def test_the_limit_is_that_of_the_settings() -> None:
    line = combined_line(1).replace(b"/1 ", b"/" + b"a" * 5_000 + b" ")
    shorter = Settings(clean=CleanSettings(longest_line_bytes=4_096))
    assert [step.name for step in explain(line, "auto", shorter)] == ["Rejected"]
    assert len([*explain(line, "auto", Settings())]) > 1
