"""A directory of logs is read as the demo reads one: every access log in it, by name."""

from __future__ import annotations

import bz2
import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.report.builders import LINES

ERROR = "2026/11/20 17:00:00 [error] 7#7: *1 open() failed (2: No such file)\n"


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """As a distribution leaves it."""
    text = "".join(LINES)
    (tmp_path / "access.log").write_text(text)
    (tmp_path / "access.log.1").write_text(text)
    (tmp_path / "access.log.2.gz").write_bytes(gzip.compress(text.encode()))
    (tmp_path / "access.log.3.bz2").write_bytes(bz2.compress(text.encode()))
    (tmp_path / "error.log").write_text(ERROR * 5)
    (tmp_path / "error.log.2.gz").write_bytes(gzip.compress((ERROR * 5).encode()))
    (tmp_path / "wtmp").write_bytes(b"\x08" + bytes(5_000))
    (tmp_path / "other_vhosts_access.log").touch()
    (tmp_path / "old").mkdir()
    return tmp_path


def test_every_access_log_is_read_and_the_other_files_are_named(
    logs: Path, report: Callable[..., Any]
) -> None:
    code, figures, errors = report(logs)
    assert (code, figures["lines"]) == (0, 4 * len(LINES))
    assert errors == (
        "3 files set aside, because none of the first lines has a known format: "
        "error.log, error.log.2.gz, wtmp.\n"
    )


def test_the_figures_are_those_of_the_files_named_one_by_one(
    logs: Path, report: Callable[..., Any]
) -> None:
    files = sorted(logs.glob("access*"))
    _, by_directory, _ = report(logs)
    _, by_files, _ = report(*files)
    del by_directory["cpu_seconds"], by_files["cpu_seconds"]
    assert by_directory == by_files


def test_a_file_named_beside_its_directory_is_read_once(
    logs: Path, report: Callable[..., Any]
) -> None:
    code, figures, _ = report(logs / "access.log", logs)
    assert (code, figures["lines"]) == (0, 4 * len(LINES))


def test_a_file_that_is_named_is_never_set_aside(logs: Path, report: Callable[..., Any]) -> None:
    code, _, errors = report(logs / "error.log", logs)
    assert code == 1
    assert f"{logs / 'error.log'}: No line of the log has a known format" in errors


def test_a_file_called_access_in_an_unknown_format_is_an_error(
    logs: Path, report: Callable[..., Any]
) -> None:
    (logs / "Access-odd.txt").write_text(ERROR)
    code, figures, errors = report(logs)
    assert (code, figures["lines"]) == (1, 4 * len(LINES))
    assert "Access-odd.txt: No line of the log has a known format" in errors


def test_a_directory_without_an_access_log_is_an_error(
    logs: Path, report: Callable[..., Any]
) -> None:
    for path in logs.glob("*access*"):
        path.unlink()
    code, figures, errors = report(logs)
    assert (code, figures) == (1, None)
    assert "error.log" in errors
    assert "None of the files is an access log" in errors


def test_a_directory_without_files_is_an_error(tmp_path: Path, report: Callable[..., Any]) -> None:
    code, figures, errors = report(tmp_path)
    assert (code, figures) == (1, None)
    assert (
        errors
        == f"{tmp_path} has no files: name a directory with access logs, or a log. (CS-102)\n"
    )


def test_only_files_that_were_read_are_counted(
    logs: Path, page: Callable[..., str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert "48 lines in 4 files" in page(logs)
    assert "12 lines in 2 files" not in page(logs / "access.log", "/nosuch", width=200)
    assert "/nosuch does not exist" in capsys.readouterr().err
