"""A lake with one hour in which a page failed, and servers of the channels on 127.0.0.1."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from pydantic import SecretStr
from tests.support.access_log import Client, append
from tests.support.lakes import built, settings_of_a_lake
from tests.support.localaws_process import CREDENTIALS
from tests.support.smtp_server import MailServer

from clickstream.core.hours import Hour
from clickstream.settings import AlertSettings, Settings

HOUR = Hour.parse("2026-11-20T05")
TOPIC = "arn:aws:sns:eu-central-1:123456789012:clickstream-alerts"


@dataclass
class HttpServer:
    """A server on 127.0.0.1 that keeps the bodies of POST; a test chooses its answer."""

    status: int = 200
    answer: Any = None
    posts: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    @property
    def titles(self) -> list[str]:
        """The first lines of the messages, in order."""
        return [post["text"].splitlines()[0].strip("*") for post in self.posts]


@contextmanager
def serving() -> Iterator[HttpServer]:
    state = HttpServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if state.status == 200:
                state.posts.append(body)
            self._reply()

        def do_GET(self) -> None:
            self._reply()

        def _reply(self) -> None:
            self.send_response(state.status)
            self.send_header("Location", state.url)
            self.end_headers()
            self.wfile.write(json.dumps(state.answer).encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    state.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture
def webhook() -> Iterator[HttpServer]:
    with serving() as state:
        yield state


@pytest.fixture
def airflow() -> Iterator[HttpServer]:
    with serving() as state:
        yield state


@pytest.fixture
def mail_server() -> Iterator[MailServer]:
    with MailServer() as server:
        yield server


@pytest.fixture
def sns(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[tuple[Any, ...]]]:
    """What moto's SNS has sent to the topic: message id, text and subject at the first places."""
    from moto import mock_aws
    from moto.sns import sns_backends

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    with mock_aws():
        backend = sns_backends["123456789012"]["eu-central-1"]
        yield backend.create_topic("clickstream-alerts").sent_notifications


@pytest.fixture(scope="session")
def wave_settings(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Settings of the lake, which is built once."""
    logs = tmp_path_factory.mktemp("wave")
    clients = [Client(f"192.0.2.{number}") for number in range(1, 101)]
    moment = f"{HOUR}:10:00"
    lines = [one.get(moment, "/order", 503) for one in clients[:25]]
    lines += [one.get(moment, "/menu") for one in clients[25:-1]]
    lines += [clients[-1].get(moment, "/order")]
    append(logs / "access.log", [*lines, *["cut in the mid"] * 10])
    settings = settings_of_a_lake(local_aws.endpoint, logs)
    built(settings, HOUR, HOUR)
    return settings


def with_channels(
    settings: Settings, mail: MailServer, webhook: HttpServer, **more: Any
) -> Settings:
    """The settings with three channels."""
    alerts = AlertSettings(
        sns_topic=TOPIC,
        webhook=SecretStr(f"{webhook.url}/services/T0/secret"),
        recipients=("Ana <ana@cafe.example>", "ben@cafe.example"),
        sender="alerts@cafe.example",
        mail_server=f"smtp://127.0.0.1:{mail.port}",
        disk_percent=100,
    )
    return settings.model_copy(update={"alerts": alerts})
