"""docker-compose.yaml is valid, and gives each service only the secrets and networks it needs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.support.compose import resolve

from clickstream.demo.stack.dotenv import fill
from clickstream.demo.stack.layout import HOST, Secrets
from clickstream.demo.stack.stack import read_procfile

ROOT = Path(__file__).parents[2]
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer"]
SECRETS = {
    "ADMIN_PASSWORD": {"airflow-init"},
    "AIRFLOW__API__SECRET_KEY": {"api-server"},
    "AIRFLOW__API_AUTH__JWT_SECRET": {"api-server", "scheduler"},
    "AIRFLOW__CORE__FERNET_KEY": set(AIRFLOW),
    "AWS_SECRET_ACCESS_KEY": {"api-server", "scheduler", "triggerer", "dashboard", "watch"},
    "POSTGRES_PASSWORD": {*AIRFLOW, "airflow-init", "postgres"},
}
"""The services that may know each secret of .env: for JWT, those that sign or check tokens of users
and tasks; for Fernet, those that store or read connections and triggers."""

NETWORKS = {
    "airflow": {*AIRFLOW, "airflow-init", "postgres", "watch"},
    "aws": {"localaws", "api-server", "scheduler", "dashboard", "watch"},
    "outside": {"api-server", "scheduler", "triggerer", "dashboard", "watch"},
}


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The file as docker compose understands it, with a fresh .env beside it."""
    directory = tmp_path_factory.mktemp("compose")
    shutil.copy(ROOT / "docker-compose.yaml", directory)
    dotenv = fill((ROOT / ".env.example").read_text(), Secrets.new())
    dotenv = dotenv.replace("SECRET_ACCESS_KEY=local", "SECRET_ACCESS_KEY=s3cr3t")
    (directory / ".env").write_text(dotenv)
    return {**resolve(directory, "docker-compose.yaml"), "dotenv": dotenv}


def test_every_process_of_the_procfile_has_its_service(resolved: dict[str, Any]) -> None:
    assert set(resolved["services"]) == {*read_procfile(ROOT / "Procfile"), "airflow-init"}


def test_ports_are_published_on_this_machine_only(resolved: dict[str, Any]) -> None:
    ports = [port for service in resolved["services"].values() for port in service.get("ports", ())]
    assert {port["published"] for port in ports} == {"8080", "8095"}
    assert {port["host_ip"] for port in ports} == {HOST}


def test_a_secret_is_known_to_the_services_that_need_it_and_to_no_other(
    resolved: dict[str, Any],
) -> None:
    """Whatever the name of the variable that has it, and also as a part of an address."""
    texts = {name: json.dumps(service) for name, service in resolved["services"].items()}
    values = dict(line.split("=", 1) for line in resolved["dotenv"].splitlines() if "=" in line)
    for secret, services in SECRETS.items():
        assert len(values[secret]) > 5
        assert {name for name, text in texts.items() if values[secret] in text} == services, secret


def test_a_service_reaches_only_what_it_needs(resolved: dict[str, Any]) -> None:
    services, networks = resolved["services"], resolved["networks"]
    members = {
        network: {name for name, service in services.items() if network in service["networks"]}
        for network in networks
    }
    assert members == NETWORKS
    assert {name for name, network in networks.items() if network.get("internal")} == {
        "airflow",
        "aws",
    }


def test_every_container_is_restricted(resolved: dict[str, Any]) -> None:
    for name, service in resolved["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert not service.get("privileged"), name
        assert "network_mode" not in service, name
        # Compose can't copy a text into a container whose root is read-only.
        assert not service.get("configs"), name
        assert not service.get("secrets"), name
