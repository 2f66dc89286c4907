"""The options that name a port: their limits, their help, and a port that is in use."""

from __future__ import annotations

import os
import re
import socket
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import typer
from typer.testing import CliRunner

from clickstream.cli import app
from clickstream.core.errors import InputError

NO_PORTS = ("0", "-1", "65536", "99999999")


def commands_with_ports(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], str]]:
    for option in command.params:
        if option.metavar == "PORT":
            yield path, option.opts[0]
    for name, one in getattr(command, "commands", {}).items():
        yield from commands_with_ports(one, (*path, name))


WITH_PORTS = [*commands_with_ports(typer.main.get_command(app))]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that is in use."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield int(other.getsockname()[1])


@pytest.fixture(autouse=True)
def _unchanged_process(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("ARROW_DEFAULT_MEMORY_POOL", "system")
    before = os.umask(0o022)
    yield
    os.umask(before)


def test_all_commands_with_ports_are_found() -> None:
    assert {path[0] for path, _ in WITH_PORTS} == {"open", "dashboard", "up", "demo", "aws"}


@pytest.mark.parametrize(("path", "option"), WITH_PORTS)
def test_a_number_that_is_no_port_is_refused_with_the_range(
    path: tuple[str, ...], option: str
) -> None:
    for number in NO_PORTS:
        needed = ["access.log"] if path == ("open",) else []
        done = CliRunner().invoke(app, [*path, *needed, f"{option}={number}"])
        assert done.exit_code == 2
        said = " ".join(done.output.replace("│", " ").split())
        assert re.search(r"(greater than or equal to 1|less than or equal to 65535)\b", said)


def test_the_help_of_open_has_nothing_about_the_owners_dashboard() -> None:
    assert "owner" not in CliRunner().invoke(app, ["open", "--help"]).output


def test_a_port_in_use_is_named_before_a_log_is_read(taken: int, tmp_path: Path) -> None:
    log = tmp_path / "no-access.log"
    log.write_text("No line of a log.\n")
    done = CliRunner().invoke(app, ["open", str(log), "--port", str(taken)])
    assert isinstance(done.exception, InputError)
    assert f"port {taken} of 127.0.0.1" in str(done.exception)
    assert "no-access.log" not in done.output
