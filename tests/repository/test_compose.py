"""docker-compose.yaml is valid, and runs what the Procfile runs with the settings it has there."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from clickstream.demo.stack import Ports, StackLayout
from clickstream.demo.stack.dotenv import fill
from clickstream.demo.stack.environment import airflow_environment
from clickstream.demo.stack.layout import HOST, Secrets
from clickstream.demo.stack.processes import read_procfile

ROOT = Path(__file__).parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yaml").read_text())
SERVICES = COMPOSE["services"]
PROCFILE = read_procfile(ROOT / "Procfile")
ENVIRONMENT = airflow_environment(StackLayout(ROOT), Ports(), Secrets.new(), {})
AIRFLOW = ["api-server", "scheduler", "dag-processor", "triggerer"]
# What differs because a container has other paths, and its API another address, than a laptop.
ELSEWHERE = {
    "AIRFLOW__API__HOST",
    "AIRFLOW__CORE__DAGS_FOLDER",
    "AIRFLOW__CORE__PLUGINS_FOLDER",
    "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    "AIRFLOW__LOGGING__BASE_LOG_FOLDER",
}
DOTENV = dict(
    line.split("=", 1)
    for line in (ROOT / ".env.example").read_text().splitlines()
    if line and not line.startswith("#")
)


def compose_command() -> list[str] | None:
    """Compose v2: as a plugin of docker, or as the plugin's program where docker is absent."""
    plugin = Path.home() / ".docker" / "cli-plugins" / "docker-compose"
    for command in (["docker", "compose"], [str(plugin)]):
        if shutil.which(command[0]) and _succeeds([*command, "version"]):
            return command
    return None


def _succeeds(command: list[str]) -> bool:
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


@pytest.fixture(scope="module")
def resolved(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The file as docker compose understands it, with a fresh .env beside it."""
    compose = compose_command()
    if not compose:
        pytest.skip("compose is missing: install docker-cli and docker-compose 2 (CONTRIBUTING.md)")
    directory = tmp_path_factory.mktemp("compose")
    shutil.copy(ROOT / "docker-compose.yaml", directory)
    (directory / ".env").write_text(fill((ROOT / ".env.example").read_text(), Secrets.new()))
    command = [*compose, "config", "--format", "json"]
    run = subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout)  # type: ignore[no-any-return]


def test_docker_compose_accepts_the_compose_file(resolved: dict[str, Any]) -> None:
    assert set(resolved["services"]) == {*PROCFILE, "pod", "airflow-init"}


def test_ports_are_published_on_this_machine_only(resolved: dict[str, Any]) -> None:
    ports = [port for service in resolved["services"].values() for port in service.get("ports", [])]
    published = [(port["host_ip"], port["published"]) for port in ports]
    assert published == [(HOST, "8080"), (HOST, "8095")]


def test_all_airflow_containers_have_the_same_secrets(resolved: dict[str, Any]) -> None:
    secret = [name for name, value in DOTENV.items() if value == "GENERATE"]
    environments = [resolved["services"][name]["environment"] for name in AIRFLOW]
    assert all(environments[0][name] not in ("", "GENERATE") for name in secret)
    assert all({e[name] for e in environments} == {environments[0][name]} for name in secret)


def test_every_process_of_the_procfile_has_its_service() -> None:
    assert set(SERVICES) - {"pod", "airflow-init"} == set(PROCFILE)


@pytest.mark.parametrize("name", AIRFLOW)
def test_a_service_runs_what_the_procfile_runs(name: str) -> None:
    assert (
        " ".join(SERVICES[name]["entrypoint"]) == PROCFILE[name].split("-- ")[-1].split("exec ")[-1]
    )


def test_the_local_aws_is_that_of_the_procfile_and_has_the_settings() -> None:
    command = PROCFILE["localaws"].replace('"$STACK_AWS"', "/opt/airflow/state/aws")
    assert SERVICES["localaws"]["entrypoint"] == [*command.split()[:-1], "4566"]
    settings = SERVICES["localaws"]["environment"]["CLICKSTREAM_SETTINGS"]
    assert f"./clickstream.toml:{settings}:ro" in SERVICES["localaws"]["volumes"]


def test_the_api_s_migration_is_a_service_of_its_own() -> None:
    assert "airflow db migrate" in PROCFILE["api-server"]
    assert "exec airflow db migrate" in SERVICES["airflow-init"]["command"][0]
    assert SERVICES["api-server"]["depends_on"] == {
        "airflow-init": {"condition": "service_completed_successfully"}
    }


def test_the_dashboard_listens_on_the_port_that_is_published() -> None:
    command = " ".join(SERVICES["dashboard"]["entrypoint"])
    laptop = PROCFILE["dashboard"].split("-- ")[1]
    assert command == laptop.replace('"$STACK_DASHBOARD_PORT"', "8095").replace(
        "--port", "--host 0.0.0.0 --port"
    )
    assert SERVICES["pod"]["ports"][1] == f"{HOST}:${{DASHBOARD_PORT:-8095}}:8095"


def test_the_dashboard_of_the_containers_keeps_its_accounts_in_a_volume() -> None:
    directory = SERVICES["dashboard"]["environment"]["CLICKSTREAM_DASHBOARD__DIRECTORY"]
    assert f"dashboard:{directory}" in SERVICES["dashboard"]["volumes"]
    assert directory in (ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", ["scheduler", "dag-processor", "triggerer"])
def test_who_waits_for_the_api_waits_there_too(name: str) -> None:
    assert "wait_for api" in PROCFILE[name]
    assert SERVICES[name]["depends_on"]["api-server"] == {"condition": "service_healthy"}


def test_airflow_has_the_same_settings() -> None:
    ours = {k: v for k, v in ENVIRONMENT.items() if k.startswith(("AIRFLOW__", "SCARF_"))}
    theirs = {**SERVICES["scheduler"]["environment"], **DOTENV}
    assert sorted(set(ours) - set(theirs)) == []
    generated = {name for name, value in DOTENV.items() if value == "GENERATE"}
    same = set(ours) - ELSEWHERE - generated
    expanded = {name: theirs[name].replace("${AIRFLOW_PORT:-8080}", "8080") for name in same}
    assert expanded == {name: ours[name] for name in same}


def test_the_image_has_the_locked_airflow() -> None:
    pin = next(
        line
        for line in (ROOT / "requirements.txt").read_text().splitlines()
        if line.startswith("apache-airflow==")
    )
    assert (
        f"FROM apache/airflow:{pin.split('==')[1]}-python3.12" in (ROOT / "Dockerfile").read_text()
    )
