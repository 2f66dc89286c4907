"""The real thing: PostgreSQL, the local AWS and Airflow come up in order, work, and all end."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import astuple
from pathlib import Path
from typing import IO

import psutil
import pytest

from clickstream.demo.stack import AirflowApi, AirflowError, Layout, Ports
from clickstream.demo.stack.layout import HOST, LOGIN, Secrets
from clickstream.hours import Hour

ROOT = Path(__file__).parents[4]
DEADLINE_SECONDS = 240
UP = """
import sys
from pathlib import Path
from clickstream.errors import ClickstreamError
from clickstream.demo.stack import Ports, up
try:
    up(Path(sys.argv[1]), Ports(*map(int, sys.argv[2:])))
except ClickstreamError as error:
    sys.exit(str(error))
"""
DAG = """
from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

@dag(schedule=CronDataIntervalTimetable("0 * * * *", timezone="UTC"), catchup=False)
def small():
    @task
    def loaded_before_the_fork():
        import sys
        assert {"pandas", "pyarrow", "pyiceberg", "clickstream.pipeline"} <= set(sys.modules)
    loaded_before_the_fork()
small()

@dag(schedule=None, catchup=False)
def failing():
    @task
    def refuse():
        import logging
        logging.getLogger("clickstream").error("No line of error.log has a known format.")
        raise ValueError("Give the source another pattern.")
    @task
    def after():
        pass
    refuse() >> after()
failing()
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def poll(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.3)


class Up:
    """A stack with one small DAG, run as `clickstream up` runs it."""

    def __init__(self, root: Path) -> None:
        self.layout = Layout(root)
        self.ports = Ports(free_port(), free_port(), free_port())
        self.output = root / "output"
        shutil.copy(ROOT / "Procfile", root)
        for name in ("dags", "plugins"):
            (root / name).mkdir()
        (root / "dags" / "small.py").write_text(DAG)
        with self.output.open("wb") as output:
            self.process = self.start(output)

    def start(self, output: IO[bytes] | int) -> subprocess.Popen[bytes]:
        arguments = [str(value) for value in (self.layout.root, *astuple(self.ports))]
        return subprocess.Popen(
            [sys.executable, "-c", UP, *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
        )

    def wait_for_output(self, text: str) -> str:
        deadline = time.monotonic() + DEADLINE_SECONDS
        while text not in (shown := self.output.read_text()):
            assert self.process.poll() is None, shown
            assert time.monotonic() < deadline, shown
            time.sleep(0.2)
        return shown

    def airflow(self, password: str | None = None) -> AirflowApi:
        password = password or Secrets.of(self.layout).password
        return AirflowApi(self.ports.airflow_url, LOGIN, password)


@pytest.fixture(scope="module")
def up(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    started = Up(tmp_path_factory.mktemp("stack"))
    try:
        yield started
    finally:
        started.process.terminate()
        started.process.wait(120)


pytestmark = pytest.mark.stack


def test_the_parts_come_up_in_order(up: Up) -> None:
    shown = up.wait_for_output("Ctrl-C stops everything")
    parts = [
        "Local AWS",
        "API is",
        "scheduler",
        "dag processor",
        "triggerer",
        "dashboard is",
        "Login",
    ]
    places = [shown.index(part) for part in parts]
    assert places == sorted(places)
    assert Secrets.of(up.layout).password in shown


def test_only_this_machine_can_connect(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    family = [up.process.pid, *(p.pid for p in psutil.Process(up.process.pid).children(True))]
    listening = [
        c.laddr
        for c in psutil.net_connections("inet")
        if c.pid in family and c.status == psutil.CONN_LISTEN
    ]
    assert {address.port for address in listening} == {*astuple(up.ports)}
    assert {address.ip for address in listening} == {HOST}


def test_the_login_works_and_another_does_not(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    with up.airflow() as api:
        assert api.import_errors() == {}
    with up.airflow("wrong") as api, pytest.raises(AirflowError, match="401"):
        api.import_errors()


def test_a_backfill_runs_with_the_library_loaded_before_the_fork(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    first, last = Hour.parse("2026-11-20T05"), Hour.parse("2026-11-20T06")
    with up.airflow() as api:
        poll(lambda: api.dag_exists("small"))
        assert api.create_backfill("small", first, last) is not None
        poll(lambda: list(api.run_states("small", first, last).values()) == ["success"] * 2)


def test_an_earlier_backfill_does_not_delay_the_next(up: Up) -> None:
    """Airflow itself closes one up to 30 s late."""
    up.wait_for_output("Ctrl-C stops everything")
    first, last = Hour.parse("2026-11-21T05"), Hour.parse("2026-11-21T06")
    with up.airflow() as api:
        poll(lambda: api.dag_exists("small"))
        for hour in (first, last):
            api.close_backfills("small")
            assert api.create_backfill("small", hour, hour) is not None
            poll(lambda: api.count_runs("small", "queued", "running", run_type="backfill") == 0)
        assert list(api.run_states("small", first, last).values()) == ["success"] * 2


def test_the_log_of_a_failed_task_gives_its_reason(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    with up.airflow() as api:
        poll(lambda: api.dag_exists("failing"))
        run_id = api.trigger("failing")
        poll(lambda: api.run_state("failing", run_id) == "failed")
        [refused] = [task for task in api.tasks("failing", run_id) if task["state"] == "failed"]
        said = api.error_lines(refused)
    assert said[0] == "No line of error.log has a known format."
    assert "Give the source another pattern." in said[-1]


def test_the_environment_file_is_there_while_the_stack_runs(up: Up) -> None:
    shown = up.wait_for_output("Ctrl-C stops everything")
    path = up.layout.environment_file
    assert f". {path}" in shown
    assert f"export AWS_ENDPOINT_URL={up.ports.aws_url}" in path.read_text()


def test_a_second_stack_in_the_directory_is_refused(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    second = up.start(subprocess.PIPE)
    shown = second.communicate(timeout=60)[0].decode()
    assert second.returncode == 1
    assert f"A stack already runs in {up.layout.root} (process {up.process.pid})" in shown


def test_sigterm_leaves_nothing_behind(up: Up) -> None:
    up.wait_for_output("Ctrl-C stops everything")
    family = psutil.Process(up.process.pid).children(recursive=True)
    assert any(process.name() == "postgres" for process in family)
    up.process.send_signal(signal.SIGTERM)
    assert up.process.wait(120) == 128 + signal.SIGTERM
    assert [process for process in family if process.is_running()] == []
    assert not up.layout.environment_file.exists()
    assert "database system is shut down" in (up.layout.logs / "postgres.log").read_text()
