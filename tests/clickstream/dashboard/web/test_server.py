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

from clickstream.core.errors import InputError
from clickstream.dashboard.web.server import listen

SERVE = """
import sys
from pathlib import Path
from tests.clickstream.dashboard.access.builders import build_app
from clickstream.dashboard.web.server import listen, serve
with listen("127.0.0.1", int(sys.argv[2])) as listener:
    serve(build_app(Path(sys.argv[1])), listener, lambda: print("up", flush=True))
"""
ROOT = Path(__file__).parents[4]


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def server(tmp_path: Path, port: int) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", SERVE, str(tmp_path), str(port)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def test_the_server_announces_itself_answers_and_ends_at_ctrl_c_without_a_word(
    server: subprocess.Popen[str], port: int
) -> None:
    """A client that leaves in the middle of a form writes nothing to the log either."""
    assert server.stdout is not None
    assert server.stdout.readline() == "up\n"
    answer = httpx.get(f"http://127.0.0.1:{port}/healthz")
    assert answer.text == "ok"
    assert "server" not in answer.headers
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


def test_a_reserved_port_is_one_sentence_before_the_first_server_answers(port: int) -> None:
    taken = pytest.raises(InputError, match=f"Can't listen on port {port} of 127.0.0.1: Address")
    with listen("127.0.0.1", port), taken, listen("127.0.0.1", port):
        pass
