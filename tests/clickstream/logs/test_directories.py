"""A directory of logs is read as the demo reads one: every access log in it, by name."""

from __future__ import annotations

import bz2
import gzip
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.clickstream.logs.builders import LINES

from clickstream.lake import Lake
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import SourceSettings

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


def test_every_access_log_is_read_as_if_it_was_named_and_the_other_files_are_named(
    logs: Path, report: Callable[..., Any]
) -> None:
    files = sorted(logs.glob("access*"))
    code, by_directory, errors = report(logs)
    assert (code, by_directory["lines"]) == (0, 4 * len(LINES))
    assert errors == (
        "3 files set aside, because none of the first lines has a known format: "
        "error.log, error.log.2.gz, wtmp.\n"
    )
    _, by_files, _ = report(*files)
    del by_directory["cpu_seconds"], by_files["cpu_seconds"]
    assert by_directory == by_files


def test_a_file_named_beside_its_directory_is_read_once(
    logs: Path, reading: Callable[..., Any]
) -> None:
    code, figures, _ = reading(logs / "access.log", logs)
    assert (code, figures["lines"]) == (0, 4 * len(LINES))


def test_a_file_that_is_named_is_never_set_aside(logs: Path, reading: Callable[..., Any]) -> None:
    code, _, errors = reading(logs / "error.log", logs)
    assert code == 1
    assert f"{logs / 'error.log'}: No line of the log has a known format" in errors


def test_a_file_called_access_in_an_unknown_format_is_an_error(
    logs: Path, reading: Callable[..., Any]
) -> None:
    (logs / "Access-odd.txt").write_text(ERROR)
    code, figures, errors = reading(logs)
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
    logs: Path, page: Callable[..., str], capsys: pytest.CaptureFixture[str], lake: Lake
) -> None:
    """With those set aside and those refused, in the groups that a pull counts as well."""
    cut = gzip.compress("".join(LINES * 99).encode())[:-50]
    (logs / "access.log.4.gz").write_bytes(cut)
    (logs / "wtmp").unlink()  # it has no finished line, so a pull does not decide about it yet
    shown = page(logs, width=200)
    set_aside = "2 set aside: error.log, error.log.2.gz"
    assert f" lines in 5 files; {set_aside}; 1 refused: access.log.4.gz " in shown
    pulled = pull_source(lake, SourceSettings(name="logs", path=str(logs), pattern="*"))
    assert f"{len(pulled.set_aside)} set aside: {', '.join(pulled.set_aside)}" == set_aside
    assert (pulled.files, [one.partition(":")[0] for one in pulled.refused]) == (
        5,
        ["access.log.4.gz"],
    )
    capsys.readouterr()
    assert "12 lines in 1 file; 1 refused: nosuch " in page(logs / "access.log", "/nosuch")
    assert "/nosuch does not exist" in capsys.readouterr().err


def test_the_whole_lines_of_a_damaged_file_are_lines_of_a_file(
    logs: Path, page: Callable[..., str]
) -> None:
    damaged = logs / "access.log.4.gz"
    damaged.write_bytes(gzip.compress("".join(LINES * 99).encode())[:-50])
    assert re.search(r"[1-9]\d* lines in \S*access\.log\.4\.gz ", page(damaged, width=200))
