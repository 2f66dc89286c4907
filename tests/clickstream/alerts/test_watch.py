"""The watch outside Airflow: outages of AWS and of Airflow, certificates, and mail with a login."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from tests.clickstream.alerts.conftest import HOUR, HttpServer
from tests.support.lakes import aws_session
from tests.support.smtp_server import MailServer, self_signed

from clickstream.alerts.machine import certificate_end
from clickstream.alerts.senders import send_mail
from clickstream.alerts.store import INCIDENTS
from clickstream.alerts.texts import build_test
from clickstream.alerts.watch import Watch
from clickstream.core.errors import AwsUnavailable, ClickstreamError
from clickstream.lake import Lake
from clickstream.settings import AlertSettings, Settings, SiteSettings

NOW = HOUR.end + timedelta(minutes=20)
DOWN = "site: the lake can't be read"
SILENT = "site: Airflow does not work"


def watch_for(
    settings: Settings, directory: Path, webhook: HttpServer, airflow: str = ""
) -> Settings:
    alerts = AlertSettings(
        webhook=SecretStr(webhook.url),
        directory=str(directory),
        airflow_url=airflow,
        reject_share=1,
        error_share=1,
        disk_percent=100,
    )
    return settings.model_copy(update={"alerts": alerts})


class Night:
    """A lake that can be away, and checks of a process that restarts before each of them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.lake = Lake(settings, aws_session())
        self.is_away = False
        self.error: Exception = AwsUnavailable("S3 does not answer.")

    def open_lake(self, _: Settings) -> Lake:
        if self.is_away:
            raise self.error
        return self.lake

    def check(self, *minutes: int) -> None:
        for one in minutes:
            found = Watch(lambda: self.settings, self.open_lake).check(NOW + timedelta(minutes=one))
            assert (found.error is not None) == self.is_away


@pytest.fixture
def clean(wave_settings: Settings) -> Iterator[None]:
    yield
    INCIDENTS.delete(Lake(wave_settings, aws_session()), "incidents")


@pytest.mark.usefixtures("clean")
def test_an_outage_of_aws_is_one_alert_after_ten_minutes_and_one_recovery(
    wave_settings: Settings, tmp_path: Path, webhook: HttpServer
) -> None:
    night = Night(watch_for(wave_settings, tmp_path, webhook))
    night.is_away = True
    night.check(0, 9)
    night.is_away = False
    night.check(11)
    night.is_away = True
    night.check(12, 20)
    assert webhook.titles == []
    night.check(22, 24)
    night.error = RuntimeError("odd")
    night.check(60)
    assert webhook.titles == [DOWN]
    night.is_away = False
    night.check(62, 64)
    assert webhook.titles == [DOWN]
    night.check(72, 74)
    assert webhook.titles == [DOWN, f"site: over: {DOWN.removeprefix('site: ')}"]
    assert "(CS-401)" in webhook.posts[0]["text"]


@pytest.mark.usefixtures("clean")
def test_a_dead_scheduler_and_a_dead_airflow_are_one_alert(
    wave_settings: Settings, tmp_path: Path, webhook: HttpServer, airflow: HttpServer
) -> None:
    night = Night(watch_for(wave_settings, tmp_path, webhook, airflow.url))

    def beat(minute: int) -> None:
        heartbeat = (NOW + timedelta(minutes=minute)).isoformat()
        airflow.answer = {"scheduler": {"latest_scheduler_heartbeat": heartbeat}}

    beat(0)
    night.check(0, 4, 9)
    assert webhook.titles == []
    night.check(10)
    airflow.status = 500
    night.check(12, 30)
    assert webhook.titles == [SILENT]
    assert "the scheduler's last heartbeat was at 2026-11-20 06:20 UTC" in webhook.posts[0]["text"]
    airflow.status = 200
    beat(31)
    night.check(31)
    beat(41)
    night.check(41)
    assert webhook.titles == [SILENT, f"site: over: {SILENT.removeprefix('site: ')}"]


@pytest.mark.usefixtures("clean")
def test_the_time_for_which_all_was_stopped_is_no_silence_of_airflow(
    wave_settings: Settings, tmp_path: Path, webhook: HttpServer, airflow: HttpServer
) -> None:
    night = Night(watch_for(wave_settings, tmp_path, webhook, airflow.url))
    heartbeat = (NOW - timedelta(hours=5)).isoformat()
    airflow.answer = {"scheduler": {"latest_scheduler_heartbeat": heartbeat}}
    night.check(0, 4, 9)
    assert webhook.titles == []
    night.check(10)
    assert webhook.titles == [SILENT]
    airflow.answer = {"scheduler": {"latest_scheduler_heartbeat": str(NOW + timedelta(minutes=11))}}
    night.check(11, 16, 21)
    night.check(200, 205)  # after a stop of three hours
    assert len(webhook.titles) == 2


@contextmanager
def tls_server(context: ssl.SSLContext) -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            while True:
                try:
                    plain = listener.accept()[0]
                except OSError:
                    return
                try:
                    context.wrap_socket(plain, server_side=True).close()
                except OSError:
                    plain.close()

        threading.Thread(target=answer, daemon=True).start()
        yield listener.getsockname()[1]
        listener.shutdown(socket.SHUT_RDWR)


@pytest.mark.parametrize("ends_in", [timedelta(days=3), timedelta(hours=-1)])
def test_the_end_of_a_certificate_is_read_also_if_it_has_ended(
    tmp_path: Path, ends_in: timedelta
) -> None:
    server = self_signed(tmp_path, ends_in)
    trusting = ssl.create_default_context(cafile=str(tmp_path / "mail-server.pem"))
    trusting.check_hostname = False
    with tls_server(server) as port:
        end = certificate_end("127.0.0.1", port, trusting)
        assert end is not None
        assert (end > datetime.now(UTC)) == (ends_in > timedelta())
        assert certificate_end("127.0.0.1", port) is None
    assert certificate_end("127.0.0.1", port, trusting) is None


def test_a_mail_server_with_a_login_gets_the_password_and_a_wrong_one_is_an_error(
    mail_server: MailServer,
) -> None:
    mail_server.rules.login = ("alerts", "secret")
    alert = build_test(Settings(), NOW)

    def send(password: str) -> None:
        given: Any = {"mail_password": SecretStr(password)}
        chosen = AlertSettings(
            recipients=("ana@cafe.example",),
            sender="alerts@cafe.example",
            mail_server=f"smtp://alerts@127.0.0.1:{mail_server.port}",
            **given,
        )
        send_mail(chosen, SiteSettings(), alert)

    send("secret")
    assert mail_server.received[0].message["Subject"] == "site: test of the alerts"
    with pytest.raises(ClickstreamError, match="refused the login"):
        send("wrong")
