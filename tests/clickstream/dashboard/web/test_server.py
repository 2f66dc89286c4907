"""The dashboard's server as a process: it announces itself, answers, and stops."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

SERVE = """
import sys
from pathlib import Path
from tests.clickstream.dashboard.access.builders import build_app
from clickstream.dashboard.web.server import serve
from clickstream.errors import ClickstreamError
try:
    app = build_app(Path(sys.argv[1]))
    serve(app, "127.0.0.1", int(sys.argv[2]), lambda: print("up", flush=True))
except ClickstreamError as error:
    sys.exit(str(error))
"""
ROOT = Path(__file__).parents[4]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start(directory: Path, port: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE, str(directory), str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = start(tmp_path, port)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_server_answers_once_it_announces_itself(
    server: subprocess.Popen[str], port: int
) -> None:
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz")
    assert answer.text == "ok"
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("number", "status"), [(signal.SIGINT, 0), (signal.SIGTERM, -signal.SIGTERM)]
)
def test_a_signal_ends_it_quietly(
    server: subprocess.Popen[str], port: int, number: int, status: int
) -> None:
    assert server.stdout is not None
    server.stdout.readline()
    httpx.get(f"http://127.0.0.1:{port}/healthz")
    server.send_signal(number)
    _, complaints = server.communicate(timeout=300)
    assert (server.returncode, complaints) == (status, "")


def test_a_client_that_leaves_in_a_form_writes_nothing_to_the_log(
    server: subprocess.Popen[str], port: int
) -> None:
    assert server.stdout is not None
    server.stdout.readline()
    form = (
        f"POST /login HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nSec-Fetch-Site: same-origin\r\n"
        "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\nname=ana"
    )
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(form.encode())
        # The server has begun to read the form when it answers a later request.
        assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok"
    assert httpx.get(f"http://127.0.0.1:{port}/healthz").text == "ok"
    server.send_signal(signal.SIGINT)
    _, complaints = server.communicate(timeout=300)
    assert (server.returncode, complaints) == (0, "")


def test_a_taken_port_is_one_sentence(tmp_path: Path, port: int) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", port))
        other.listen()
        refused = start(tmp_path, port)
        shown, complaint = refused.communicate(timeout=300)
    assert (refused.returncode, shown) == (1, "")
    assert complaint.startswith(f"Can't listen on port {port} of 127.0.0.1: Address already in use")
    assert "--port" in complaint
