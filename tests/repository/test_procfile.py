"""The Procfile is one honcho reads, and every command and service it names exists."""

from __future__ import annotations

import importlib.util
import shlex
from pathlib import Path

import pytest
from airflow.cli.cli_parser import get_parser

from clickstream.demo.stack.processes import ENDED_LATER, read_procfile
from clickstream.demo.stack.wait_for import CHECKS

PROCFILE = read_procfile(Path(__file__).parents[2] / "Procfile")
COMMANDS = [
    shlex.split(part.removeprefix("exec "))
    for line in PROCFILE.values()
    for half in line.split(" && ")
    for part in half.split(" -- ")
]


def test_processes_that_end_last_are_in_the_procfile() -> None:
    assert {name for wave in ENDED_LATER for name in wave} < set(PROCFILE)


def test_the_dashboard_ends_before_what_it_reads_from() -> None:
    assert "dashboard" in PROCFILE
    assert "dashboard" not in {name for wave in ENDED_LATER for name in wave}
    assert "wait_for aws" in PROCFILE["dashboard"]


def test_the_scheduler_waits_for_the_api() -> None:
    assert "wait_for api" in PROCFILE["scheduler"]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_of_the_procfile_exists(command: list[str]) -> None:
    if command[0] == "env":  # variables of this command alone
        command = [word for word in command[1:] if "=" not in word]
    if command[0] == "airflow":
        get_parser().parse_args(command[1:])
        return
    assert command[:2] == ["python", "-m"]
    assert importlib.util.find_spec(command[2])
    if command[2].endswith("wait_for"):
        assert set(command[3:]) <= set(CHECKS)
