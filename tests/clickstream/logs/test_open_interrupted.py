"""Ctrl-C and SIGTERM end `clickstream open` at any moment, and leave a usable cache."""

from __future__ import annotations

import re
import signal
import socket
from itertools import product
from pathlib import Path

import httpx
import pytest
from tests.support.open_command import OpenCommand, finish, lines, visits_of
from tests.support.tiers import first_in_make_test

MOMENTS = [1.2, 0.3, 0.8, 2.0]
"""CPU seconds: imports take the first half, then the log is read, and figures are computed."""


@pytest.mark.lake
@pytest.mark.parametrize(
    ("seconds", "number"),
    first_in_make_test(product(MOMENTS, (signal.SIGINT, signal.SIGTERM)), 1),
)
def test_a_signal_ends_it_quietly_and_the_next_start_works(
    command: OpenCommand, tmp_path: Path, number: int, seconds: float
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(lines(250)))
    started = command.start(
        *(log, "--html", "overview.html"), signal_number=number, cpu_seconds=seconds
    )
    _, errors = started.communicate(timeout=300)
    # During the first imports, SIGTERM ends the process at once.
    assert started.returncode in (0, 128 + number, -signal.SIGTERM), errors
    assert "Traceback" not in errors
    assert "Exception" not in errors
    assert command.leftovers == []
    assert len(visits_of(command.export(log, "facts"))) == 250


@pytest.mark.parametrize("number", first_in_make_test([signal.SIGTERM, signal.SIGINT], 1))
def test_a_signal_is_the_normal_end_of_an_open_dashboard(
    command: OpenCommand, tmp_path: Path, number: int
) -> None:
    log = tmp_path / "access.log"
    log.write_text("".join(lines(3)))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = command.start(log, "--no-browser", "--port", str(port))
    assert process.stdout
    link = process.stdout.readline().strip()
    assert re.match(rf"http://127.0.0.1:{port}/", link)
    assert httpx.get(link, follow_redirects=True).status_code == 200
    process.send_signal(number)
    finish(process, 0)
    assert command.leftovers == []
