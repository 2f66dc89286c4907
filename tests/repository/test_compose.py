"""docker-compose.yaml is valid, and runs what the Procfile runs with the settings it has there."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from scripts.packages import pins
from tests.support.free_ports import free_ports
from tests.support.localaws_process import LocalAwsProcess

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
    "AIRFLOW__CORE__EXECUTION_API_SERVER_URL",
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

CHANNELS = {"CLICKSTREAM_ALERTS__MAIL_PASSWORD", "CLICKSTREAM_ALERTS__WEBHOOK"}
OF_WATCH = {"CLICKSTREAM_ALERTS__AIRFLOW_URL", "CLICKSTREAM_ALERTS__DIRECTORY"}

NETWORKS = {
    "airflow": {*AIRFLOW, "airflow-init", "postgres", "watch"},
    "aws": {"localaws", "api-server", "scheduler", "dashboard", "watch"},
    "outside": {"api-server", "scheduler", "triggerer", "dashboard", "watch"},
}


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
    dotenv = fill((ROOT / ".env.example").read_text(), Secrets.new())
    (directory / ".env").write_text(
        dotenv.replace("SECRET_ACCESS_KEY=local", "SECRET_ACCESS_KEY=s3cr3t")
    )
    command = [*compose, "config", "--format", "json"]
    run = subprocess.run(command, check=False, cwd=directory, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {**json.loads(run.stdout), "dotenv": (directory / ".env").read_text()}


def test_docker_compose_accepts_the_compose_file(resolved: dict[str, Any]) -> None:
    assert set(resolved["services"]) == {*PROCFILE, "airflow-init"}


def test_ports_are_published_on_this_machine_only(resolved: dict[str, Any]) -> None:
    published = {
        name: [(port["host_ip"], port["published"], port["target"]) for port in service["ports"]]
        for name, service in resolved["services"].items()
        if "ports" in service
    }
    assert published == {
        "api-server": [(HOST, "8080", 8080)],
        "dashboard": [(HOST, "8095", 8095)],
    }


def test_a_secret_is_known_to_the_services_that_need_it_and_to_no_other(
    resolved: dict[str, Any],
) -> None:
    """Whatever the name of the variable that has it, and also as a part of an address."""
    generated = {name for name, value in DOTENV.items() if value == "GENERATE"}
    assert generated | {"AWS_SECRET_ACCESS_KEY"} == set(SECRETS)
    texts = {name: json.dumps(service) for name, service in resolved["services"].items()}
    values = dict(line.split("=", 1) for line in resolved["dotenv"].splitlines() if "=" in line)
    for secret, services in SECRETS.items():
        assert len(values[secret]) > 5
        assert {name for name, text in texts.items() if values[secret] in text} == services, secret


def test_a_service_has_no_variables_but_its_own(resolved: dict[str, Any]) -> None:
    aws = {name for name in DOTENV if name.startswith("AWS_")}
    shared = set(COMPOSE["x-airflow"]["environment"])
    secrets = {
        name: {secret for secret, services in SECRETS.items() if name in services}
        for name in resolved["services"]
    }
    directory = "CLICKSTREAM_DASHBOARD__DIRECTORY"
    wanted = {
        "airflow-init": shared,
        "api-server": {directory, *shared, *aws},
        "dag-processor": shared,
        "dashboard": {directory, "CLICKSTREAM_SETTINGS", "STACK_DASHBOARD_URL", *aws},
        "localaws": {"CLICKSTREAM_SETTINGS"},
        "postgres": {"POSTGRES_USER", "POSTGRES_DB"},
        "scheduler": {"TMPDIR", *shared, *aws, *CHANNELS},
        "triggerer": {*shared, *aws},
        "watch": {"CLICKSTREAM_SETTINGS", *OF_WATCH, *aws, *CHANNELS},
    }
    for name, service in resolved["services"].items():
        own = secrets[name]
        if "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN" in wanted[name]:
            own = own - {"POSTGRES_PASSWORD"}  # a part of that address
        assert set(service.get("environment") or ()) == wanted[name] | own, name


def test_a_service_reaches_only_what_it_needs(resolved: dict[str, Any]) -> None:
    found = {
        network: {name for name, one in resolved["services"].items() if network in one["networks"]}
        for network in resolved["networks"]
    }
    assert found == NETWORKS
    internal = {name for name, one in resolved["networks"].items() if one.get("internal")}
    assert internal == {"airflow", "aws"}
    assert not any("network_mode" in service for service in resolved["services"].values())


def test_every_container_is_restricted(resolved: dict[str, Any]) -> None:
    for name, service in resolved["services"].items():
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert service["read_only"] is True, name
        assert "/tmp" in service["tmpfs"], name
        assert not service.get("privileged"), name
        # Compose can't copy a text into a container whose root is read-only.
        assert not service.get("configs"), name
        assert not service.get("secrets"), name


def test_the_limits_of_memory_fit_a_machine_of_8_gb(resolved: dict[str, Any]) -> None:
    services = resolved["services"].items()
    limits = [int(service["mem_limit"]) for name, service in services if name != "airflow-init"]
    assert sum(limits) < 7.5 * 2**30


def test_volumes_take_over_directories_of_the_image(resolved: dict[str, Any]) -> None:
    """Docker gives a new volume the owner of the directory; without one, only root may write."""
    dockerfile = (ROOT / "Dockerfile").read_text()
    for name, service in resolved["services"].items():
        targets = [one["target"] for one in service["volumes"] if one["type"] == "volume"]
        missing = [one for one in targets if name != "postgres" and one not in dockerfile]
        assert missing == [], name


def test_the_dashboard_s_process_works_with_its_environment_only(
    resolved: dict[str, Any], local_aws: LocalAwsProcess, tmp_path: Path
) -> None:
    """Its state is private, whatever the umask and the mode of the directory before."""
    service = resolved["services"]["dashboard"]
    state = tmp_path / "state" / "dashboard"
    state.mkdir(parents=True, mode=0o755)
    shutil.copy(ROOT / "clickstream.toml", tmp_path)
    port = free_ports().dashboard
    environment = {
        name: value.replace("http://localaws:4566", local_aws.endpoint).replace(
            "/opt/airflow", str(tmp_path)
        )
        for name, value in service["environment"].items()
    }
    command = [sys.executable, *service["entrypoint"][1:]]
    command = [{"0.0.0.0": HOST, "8095": str(port)}.get(part, part) for part in command]
    with subprocess.Popen(
        command, env=environment, cwd=tmp_path, umask=0, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stderr is not None
            assert "accounts" in process.stderr.readline()  # how to log in, once it listens
            assert httpx.get(f"http://{HOST}:{port}/healthz").text == "ok"
            assert httpx.get(f"http://{HOST}:{port}/login").status_code == 200
            modes = {path.name: oct(path.stat().st_mode & 0o077) for path in state.iterdir()}
        finally:
            process.terminate()
    assert {"facts.duckdb", "facts.duckdb.wal", "session_secret"} <= set(modes)
    assert set(modes.values()) == {"0o0"}


def test_every_process_of_the_procfile_has_its_service() -> None:
    assert set(SERVICES) - {"airflow-init"} == set(PROCFILE)


@pytest.mark.parametrize("name", AIRFLOW)
def test_a_service_runs_what_the_procfile_runs(name: str) -> None:
    assert (
        " ".join(SERVICES[name]["entrypoint"]) == PROCFILE[name].split("-- ")[-1].split("exec ")[-1]
    )


def test_the_local_aws_is_that_of_the_procfile_and_has_the_settings() -> None:
    command = PROCFILE["localaws"].replace('"$STACK_AWS"', "/opt/airflow/state/aws")
    reached_as = ["--host-name", "localaws"]
    assert SERVICES["localaws"]["entrypoint"] == [*command.split()[:-1], "4566", *reached_as]
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


def test_the_dashboard_of_the_containers_keeps_its_accounts_in_a_volume() -> None:
    directory = SERVICES["dashboard"]["environment"]["CLICKSTREAM_DASHBOARD__DIRECTORY"]
    assert f"dashboard:{directory}" in SERVICES["dashboard"]["volumes"]
    assert directory in (ROOT / "Dockerfile").read_text()


def test_the_watch_asks_the_airflow_of_the_containers_and_keeps_its_state_in_a_volume() -> None:
    service = SERVICES["watch"]
    assert " ".join(service["entrypoint"]) == PROCFILE["watch"].split("-- ")[1]
    assert {*service["environment"]} >= {name for name in OF_WATCH if name in PROCFILE["watch"]}
    directory = service["environment"]["CLICKSTREAM_ALERTS__DIRECTORY"]
    assert f"alerts:{directory}" in service["volumes"]


@pytest.mark.parametrize("name", ["scheduler", "dag-processor", "triggerer", "watch"])
def test_who_waits_for_the_api_waits_there_too(name: str) -> None:
    assert "wait_for api" in PROCFILE[name]
    assert SERVICES[name]["depends_on"]["api-server"] == {"condition": "service_healthy"}


def test_airflow_has_the_same_settings() -> None:
    ours = {k: v for k, v in ENVIRONMENT.items() if k.startswith(("AIRFLOW__", "SCARF_"))}
    theirs = {**COMPOSE["x-airflow"]["environment"], **DOTENV}
    assert sorted(set(ours) - set(theirs)) == []
    generated = {name for name, value in DOTENV.items() if value == "GENERATE"}
    same = set(ours) - ELSEWHERE - generated
    expanded = {name: theirs[name].replace("${AIRFLOW_PORT:-8080}", "8080") for name in same}
    assert expanded == {name: ours[name] for name in same}


def test_the_image_has_the_locked_airflow() -> None:
    pinned = pins((ROOT / "requirements.txt").read_text())
    pin = next(one for one in pinned if one.startswith("apache-airflow=="))
    assert (
        f"FROM apache/airflow:{pin.split('==')[1]}-python3.12" in (ROOT / "Dockerfile").read_text()
    )
