"""Errors as the command line prints them."""

from __future__ import annotations

import sys

import pytest

from clickstream.cli import main
from clickstream.core import errors


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["status", "--max-lag", "1h"], "CS-101")],
    ids=["status"],
)
def test_the_command_line_prints_the_code_at_the_end(
    arguments: list[str], code: str, tmp_path, monkeypatch, capsys
) -> None:
    (tmp_path / "clickstream.toml").write_text("[no_such_section]\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["clickstream", *arguments])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code != 0
    printed = capsys.readouterr().err
    assert printed.startswith("clickstream: ")
    assert printed.endswith(f". ({code})\n")
    assert printed.count("CS-") == 1


def test_a_message_in_another_message_has_no_code() -> None:
    inner = errors.InputError("The week is not over.")
    assert errors.SettingsError(f"Not sent: {inner}").printed == (
        "Not sent: The week is not over. (CS-101)"
    )


@pytest.mark.parametrize(
    ("error", "base"),
    [
        (errors.DamagedStagedRows, errors.DamagedObject),
        (errors.OutdatedStagedRows, errors.NewerLake),
        (errors.MissingStagedRows, FileNotFoundError),
    ],
)
def test_errors_of_staged_rows_share_a_code_and_keep_the_behaviour_of_their_kind(
    error: type[errors.ClickstreamError], base: type[Exception]
) -> None:
    assert issubclass(error, base)
    assert error.code == errors.UnusableStagedRows.code
    assert error.is_permanent == getattr(base, "is_permanent", False)
