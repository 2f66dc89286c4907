"""The environment of the stack's processes, built in one place.

Nothing of the caller's own AWS or Airflow reaches them: the local stack can't touch a real account,
and it is the same whatever else is set up on the machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from clickstream.demo.environment_file import DASHBOARD_DIRECTORY_VARIABLE, DASHBOARD_URL_VARIABLE
from clickstream.demo.stack.layout import HOST, LOGIN, Layout, Ports, Secrets
from clickstream.settings import FILE_NAME, FILE_VARIABLE

REGION = "eu-central-1"

_TUNING = {
    # One laptop: few services, short waits, everything that reports elsewhere switched off.
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "4",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    # A task that died with the machine is started again after a minute instead of five.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    "AIRFLOW__METRICS__OTEL_ON": "False",
    "AIRFLOW__METRICS__STATSD_ON": "False",
    "AIRFLOW__TRACES__OTEL_ON": "False",
}
"""What the caller's environment may override; everything else follows from layout and ports."""


def airflow_environment(
    layout: Layout, ports: Ports, secrets: Secrets, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Every variable the stack's processes run with, on top of the inherited ones."""
    inherited = os.environ if inherited is None else inherited
    return (
        _TUNING
        | {name: value for name, value in inherited.items() if _is_harmless(name)}
        | _own(layout, ports, inherited)
        | _airflow(layout, ports, secrets)
        | _aws(ports)
    )


def _is_harmless(name: str) -> bool:
    if name in _TUNING:
        return True
    # PYTHONDONTWRITEBYTECODE would make each of hundreds of task processes compile afresh.
    return not name.startswith(("AWS_", "AIRFLOW_")) and name != "PYTHONDONTWRITEBYTECODE"


def _own(layout: Layout, ports: Ports, inherited: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    own = {
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "STACK_POSTGRES": str(layout.postgres),
        "STACK_AWS": str(layout.aws),
        "STACK_CAFE_LOGS": str(layout.cafe_logs),
        "STACK_DASHBOARD_PORT": str(ports.dashboard),
        DASHBOARD_URL_VARIABLE: ports.dashboard_url,
        DASHBOARD_DIRECTORY_VARIABLE: str(layout.dashboard),
    }
    settings = layout.root / FILE_NAME
    if FILE_VARIABLE not in inherited and settings.is_file():
        own[FILE_VARIABLE] = str(settings)
    return own


def _airflow(layout: Layout, ports: Ports, secrets: Secrets) -> dict[str, str]:
    sections = {
        "API__HOST": HOST,
        "API__PORT": str(ports.airflow),
        # Both URLs must agree with the port, or the tasks talk to nobody and fail without a log.
        "API__BASE_URL": ports.airflow_url,
        "CORE__EXECUTION_API_SERVER_URL": f"{ports.airflow_url}/execution/",
        "API__SECRET_KEY": secrets.api_secret_key,
        "API_AUTH__JWT_SECRET": secrets.jwt_secret,
        "CORE__FERNET_KEY": secrets.fernet_key,
        "CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin",
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(layout.passwords_file),
        "CORE__DAGS_FOLDER": str(layout.root / "dags"),
        "CORE__PLUGINS_FOLDER": str(layout.root / "plugins"),
        "CORE__DAGS_ARE_PAUSED_AT_CREATION": "False",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__EXECUTOR": "LocalExecutor",
        "DATABASE__SQL_ALCHEMY_CONN": database_url(layout),
        "LOGGING__BASE_LOG_FOLDER": str(layout.task_logs),
    }
    return {"AIRFLOW_HOME": str(layout.airflow_home)} | {
        f"AIRFLOW__{name}": value for name, value in sections.items()
    }


def database_url(layout: Layout) -> str:
    """The SQLAlchemy URL of Airflow's metadata, through PostgreSQL's socket."""
    return f"postgresql+psycopg2://postgres@/postgres?host={layout.postgres}"


def _aws(ports: Ports) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": ports.aws_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def write_preload(layout: Layout) -> None:
    """Let Airflow's scheduler import the library before it forks the workers (see `preload`)."""
    target = layout.airflow_home / "config" / "airflow_local_settings.py"
    target.write_text("import clickstream.demo.stack.preload as _preload\n", encoding="utf-8")
