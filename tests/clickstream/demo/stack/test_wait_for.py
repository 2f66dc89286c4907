from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from clickstream.demo.stack import StackError
from clickstream.demo.stack.wait_for import main, wait_for

WAIT_FOR = [sys.executable, "-m", "clickstream.demo.stack.wait_for"]


class _Api(BaseHTTPRequestHandler):
    answers: list[int]

    def do_GET(self) -> None:
        known = self.path == "/api/v2/version"
        self.send_response(self.answers.pop(0) if known and self.answers else 200 if known else 404)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def api() -> Iterator[HTTPServer]:
    server = HTTPServer(("127.0.0.1", 0), _Api)
    Thread(target=server.serve_forever).start()
    yield server
    server.shutdown()
    server.server_close()


def run(api: HTTPServer, *arguments: str) -> subprocess.CompletedProcess[str]:
    url = f"http://127.0.0.1:{api.server_port}"
    variables = {"AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/"}
    variables["AWS_ENDPOINT_URL"] = url
    return subprocess.run(
        [*WAIT_FOR, *arguments],
        check=False,
        env=os.environ | variables,
        capture_output=True,
        text=True,
    )


def test_the_command_starts_when_all_answer_well(api: HTTPServer) -> None:
    _Api.answers = [503, 500]
    done = run(api, "api", "aws", "--", "echo", "started")
    assert (done.stdout, done.returncode, _Api.answers) == ("started\n", 0, [])


def test_the_command_s_status_is_the_status(api: HTTPServer) -> None:
    _Api.answers = []
    assert run(api, "api", "--", "sh", "-c", "exit 7").returncode == 7


@pytest.mark.parametrize("wrong", [["api"], ["nobody", "--", "true"], ["api", "--"]])
def test_a_wrong_call_is_refused(wrong: list[str]) -> None:
    with pytest.raises(SystemExit, match=r"Usage: wait_for {postgres,api,aws}... -- COMMAND"):
        main(wrong)


def test_what_never_answers_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN", "postgresql://@/x?host=/nowhere")
    with pytest.raises(StackError, match="postgres did not answer within 0 s"):
        wait_for("postgres", deadline_seconds=0)


def test_real_aws_needs_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    wait_for("aws", deadline_seconds=0)
