"""The containers of the host are those of docker-compose.yaml, as compose combines both files."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.compose import resolve

from clickstream.demo.stack.dotenv import fill
from clickstream.demo.stack.layout import Secrets

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yaml", "docker-compose.host.yaml")
LAKE = {f"CLICKSTREAM_LAKE__{name}" for name in ("BUCKET", "DATABASE", "KEY_SECRET", "WORKGROUP")}
REPORTS = {"CLICKSTREAM_ALERTS__SNS_TOPIC", "CLICKSTREAM_METRICS__NAMESPACE"}
DASHBOARD = {
    f"CLICKSTREAM_DASHBOARD__{name}" for name in ("LOAD_BALANCER", "PROXY_NETWORKS", "URL")
}
CHANGED = {
    "api-server": LAKE,
    "scheduler": {*LAKE, *REPORTS, "AIRFLOW__CORE__PARALLELISM"},
    "dashboard": {*LAKE, *DASHBOARD},
    "watch": {*LAKE, *REPORTS},
}
"""The variables that differ if the host has no load balancer."""
PORTS = {
    "api-server": [("8080", 8080), ("8081", 8080)],
    "dashboard": [("8095", 8095), ("8096", 8095)],
}


@pytest.fixture(scope="module")
def services(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The services of docker-compose.yaml, and those of the host, with values for the lake."""
    directory = tmp_path_factory.mktemp("compose")
    for name in FILES:
        shutil.copy(ROOT / name, directory)
    values = "".join(f"{name}=x\n" for name in LAKE)
    dotenv = fill((ROOT / ".env.example").read_text(), Secrets.new()) + values
    (directory / ".env").write_text(dotenv)

    return [resolve(directory, *files)["services"] for files in (FILES[:1], FILES)]


def test_services_of_the_host_differ_only_in_the_lake_the_tasks_and_second_ports(
    services: list[dict[str, Any]],
) -> None:
    usual, host = services
    assert {*host} == {*usual}
    for name, service in host.items():
        before = usual[name]
        may_differ = {"environment", "ports", "mem_limit"}
        assert {k: v for k, v in service.items() if k not in may_differ} == {
            k: v for k, v in before.items() if k not in may_differ
        }, name
        own, others = service.get("environment") or {}, before.get("environment") or {}
        changed = {key for key in {*own, *others} if own.get(key, "") != others.get(key, "")}
        assert {key for key in changed if own[key] is not None} == CHANGED.get(name, set()) - (
            DASHBOARD | REPORTS
        )
        assert {*own} - {*others} <= CHANGED.get(name, set()), name
        ports = [(port["published"], port["target"]) for port in service.get("ports", ())]
        assert sorted(ports) == PORTS.get(name, []), name
        assert {port["host_ip"] for port in service.get("ports", ())} <= {"127.0.0.1"}
