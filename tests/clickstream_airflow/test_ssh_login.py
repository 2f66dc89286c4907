"""Logins from Airflow connections; no other place has their secrets."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

PUBLIC = "AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl"
HOST_KEY = f"ssh-ed25519 {PUBLIC}"
SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----\nk9XzQ0b7uWp2LrT5\n-----END OPENSSH PRIVATE KEY-----"
WORD = "open sesame, please"


@pytest.fixture
def connect(airflow_home, monkeypatch) -> Any:
    def add(kind: str = "ssh", **fields: Any) -> None:
        facts = {"conn_type": kind, "host": "shop-1.example", "login": "logs", **fields}
        monkeypatch.setenv("AIRFLOW_CONN_SHOP_SSH", json.dumps(facts))

    return add


def login(user: str = "") -> Any:
    from clickstream_airflow.ssh_login import connection_login

    return connection_login("shop_ssh", user)


@pytest.mark.parametrize("kind", ["ssh", "sftp"])
def test_every_field_of_a_connection_is_taken(connect, kind: str) -> None:
    from clickstream.collect import HostLogin

    extra = {"private_key": SECRET, "private_key_passphrase": WORD, "host_key": HOST_KEY}
    connect(kind, port=2222, extra={**extra, "key_file": "/keys/id"})
    assert login() == HostLogin(
        "logs", "/keys/id", SECRET, WORD, HOST_KEY, address="shop-1.example", port=2222
    )


def test_the_user_of_the_settings_is_used_where_the_connection_has_none(connect) -> None:
    connect(login=None, extra={"key_file": "/keys/id"})
    assert (login("logs-of-settings").user, login("logs-of-settings").port) == (
        "logs-of-settings",
        22,
    )


@pytest.mark.parametrize("text", [HOST_KEY, PUBLIC, f"{HOST_KEY} a comment", f" {HOST_KEY}\n"])
def test_a_host_key_may_be_written_in_both_forms_of_the_provider(connect, text: str) -> None:
    connect(extra={"key_file": "/keys/id", "host_key": text})
    assert login().host_key == HOST_KEY


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"password": "hunter2"}, "has a password but no key. Logs are pulled with a key only"),
        ({}, "has no key. Logs are pulled with a key only: enter key_file or private_key"),
        ({"login": None, "extra": {"key_file": "k"}}, "has no login"),
        ({"extra": {"key_file": "k", "host_key": "no key"}}, "is not a public key"),
        ({"extra": {"key_file": "k", "host_key": f"ssh-rsa {PUBLIC}"}}, "is not a public key"),
        ({"extra": {"key_file": "k", "host_key": "AAAAC3NzaC1"}}, "is not a public key"),
    ],
)
def test_a_connection_that_can_t_be_used_is_refused_in_a_sentence(
    connect, fields: dict[str, Any], says: str
) -> None:
    from clickstream.core.errors import SettingsError

    connect(**fields)
    with pytest.raises(SettingsError, match="connection shop_ssh") as refused:
        login()
    assert says in str(refused.value)
    assert "hunter2" not in str(refused.value)


def test_a_connection_that_does_not_exist_is_named(airflow_home) -> None:
    from clickstream.core.errors import SettingsError

    with pytest.raises(SettingsError, match="Airflow has no connection shop_ssh"):
        login()


def test_no_representation_of_a_login_has_a_secret(connect) -> None:
    connect(extra={"private_key": SECRET, "private_key_passphrase": WORD})
    assert not [word for word in (SECRET, "k9XzQ0b7", WORD) if word in repr(login())]


def test_a_host_without_a_connection_has_no_login(lake) -> None:
    from clickstream.collect import hosts_of
    from clickstream_airflow.ssh_login import host_login

    (host,) = hosts_of(lake.settings.sources[0])
    assert host_login(lake, host) is None


def test_a_connection_that_can_t_be_used_is_stored_as_the_failure_of_the_host(
    lake, connect
) -> None:
    from clickstream.collect import hosts_of
    from clickstream.core.errors import SettingsError
    from clickstream.lake import pull_states
    from clickstream.settings import SourceSettings
    from clickstream_airflow.ssh_login import host_login

    connect(password="hunter2")
    source = SourceSettings(
        name="web", kind="sftp", path="/var/log", hosts=("shop-1.example",), connection="shop_ssh"
    )
    with pytest.raises(SettingsError):
        host_login(lake, hosts_of(source)[0])
    state = pull_states.pull_state(lake, "web.shop-1.example")
    assert state.failure.startswith("The connection shop_ssh has a password but no key.")


def test_secrets_of_a_connection_are_in_no_log_xcom_or_rendered_field(
    airflow_home, home, few_views, connect, monkeypatch, caplog, capsys
) -> None:
    """Let a worker pull from a host that can't be reached, and search all that it stored.

    The tasks after the pull do not run; they are only marked as successful.
    """
    from airflow.models.renderedtifields import RenderedTaskInstanceFields
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session
    from sqlalchemy import select
    from tests.support.dag_runs import read_dag

    caplog.set_level(logging.DEBUG)
    extra = {"private_key": SECRET, "private_key_passphrase": WORD, "host_key": HOST_KEY}
    connect(host="127.0.0.1", port=1, password="hunter2", extra=extra)
    source = (
        '[{name = "web", kind = "sftp", path = "/no/such", hosts = ["127.0.0.1:1"], '
        'connection = "shop_ssh"}]'
    )
    monkeypatch.setenv("CLICKSTREAM_SOURCES", source)
    dag = read_dag("clickstream_hourly")
    dag.get_task("pull_logs").partial_kwargs["retries"] = 0
    at = datetime(2026, 11, 20, 6, tzinfo=UTC)
    run = dag.test(logical_date=at, mark_success_pattern="(?!list_hosts|pull_logs)")
    with create_session() as session:
        values = session.scalars(select(XComModel.value).filter_by(run_id=run.run_id)).all()
        fields = session.scalars(
            select(RenderedTaskInstanceFields.rendered_fields).filter_by(run_id=run.run_id)
        ).all()
    assert values
    assert "127.0.0.1_1" in caplog.text
    left = json.dumps([values, fields, caplog.text, *capsys.readouterr()], default=str)
    assert not [word for word in ("k9XzQ0b7", WORD, "hunter2") if word in left]
