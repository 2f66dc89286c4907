"""The real thing: PostgreSQL, the local AWS and Airflow work together, on this machine only."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from dataclasses import astuple
from pathlib import Path

import psutil
import pytest
from tests.stack.runs import ended, states_of, trigger
from tests.support.free_ports import free_ports
from tests.support.tiers import first_in_make_test

from clickstream.demo.stack import AirflowApi, AirflowError
from clickstream.demo.stack.layout import HOST, LOGIN

pytestmark = pytest.mark.usefixtures("outage")

UP = """
import sys
from pathlib import Path
from clickstream.demo.stack import Ports, StackLayout, up
up(StackLayout(Path.cwd()), Ports(*map(int, sys.argv[1:])))
"""
PROCFILE = """
postgres: python -m clickstream.demo.stack.postgres "$STACK_POSTGRES"
localaws: python -m localaws --root "$STACK_AWS" --port "${AWS_ENDPOINT_URL##*:}"
"""
ENDED_SECONDS = 60


def family(pid: int) -> list[psutil.Process]:
    return psutil.Process(pid).children(recursive=True)


def test_only_this_machine_can_connect(stack) -> None:
    pids = stack.processes.pids().values()
    of_stack = {*pids, *(process.pid for pid in pids for process in family(pid))}
    listening = [
        connection.laddr
        for connection in psutil.net_connections("inet")
        if connection.pid in of_stack and connection.status == psutil.CONN_LISTEN
    ]
    assert {address.port for address in listening} == {*astuple(stack.ports)}
    assert {address.ip for address in listening} == {HOST}


def test_the_login_works_and_another_does_not(stack, api) -> None:
    assert api.import_errors() == {}
    wrong = AirflowApi(stack.ports.airflow_url, LOGIN, "wrong")
    with wrong, pytest.raises(AirflowError, match="401"):
        wrong.import_errors()


def test_a_task_has_the_library_loaded_and_the_log_of_a_failed_one_gives_its_reason(
    stack, api
) -> None:
    run_id = trigger(api, "probe")
    assert ended(stack, api, run_id, "probe") == "failed"
    assert states_of(api, run_id, "probe") == {
        ("is_loaded_before_the_fork", ""): "success",
        ("refuse", ""): "failed",
        ("after", ""): "upstream_failed",
    }
    [refused] = [task for task in api.tasks("probe", run_id) if task["state"] == "failed"]
    said = api.error_lines(refused)
    assert said[0] == "No line of error.log has a known format."
    assert "Give the source another pattern." in said[-1]


def test_the_environment_file_is_there_while_the_stack_runs(stack) -> None:
    text = stack.layout.environment_file.read_text()
    assert f"export AWS_ENDPOINT_URL={stack.ports.aws_url}" in text


class Services:
    """The stack's database and local AWS alone, run as `clickstream up` runs them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / "Procfile").write_text(PROCFILE)
        self.output = root / "output"
        ports = map(str, astuple(free_ports()))
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-c", UP, *ports], cwd=root, stdout=output, stderr=output
            )
        self.wait_for(self.output, "Local AWS is ready")
        self.wait_for(root / "var" / "log" / "postgres.log", "ready to accept connections")
        self.family = family(self.process.pid)

    def wait_for(self, file: Path, text: str) -> None:
        deadline = time.monotonic() + ENDED_SECONDS
        while not file.exists() or text not in file.read_text():
            assert self.process.poll() is None, self.output.read_text()
            assert time.monotonic() < deadline, self.output.read_text()
            time.sleep(0.1)


@pytest.mark.parametrize("number", first_in_make_test([signal.SIGKILL, signal.SIGTERM], 1))
def test_a_signal_to_the_stack_leaves_nothing_behind(
    tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
) -> None:
    services = Services(tmp_path_factory.mktemp("u"))
    assert any(process.name() == "postgres" for process in services.family)
    services.process.send_signal(number)
    status = services.process.wait(ENDED_SECONDS)
    _, alive = psutil.wait_procs(services.family, ENDED_SECONDS)
    assert alive == []
    var = services.root / "var"
    assert "database system is shut down" in (var / "log" / "postgres.log").read_text()
    if number == signal.SIGTERM:
        assert status == 128 + signal.SIGTERM
        assert not (var / "env.sh").exists()
