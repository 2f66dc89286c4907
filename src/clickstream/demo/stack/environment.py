"""Builds the environment of the stack's processes.

The caller's variables of AWS and Airflow are left out, so that the local stack can't use a real
account and does not depend on other configuration of the machine.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from clickstream.demo.environment_file import DASHBOARD_DIRECTORY_VARIABLE, DASHBOARD_URL_VARIABLE
from clickstream.demo.stack.layout import HOST, LOGIN, Ports, Secrets, StackLayout
from clickstream.settings import FILE_NAME
from clickstream.settings.loading import FILE_VARIABLE

REGION = "eu-central-1"

_TUNING = {
    # For one laptop: few workers, short waits, no reports to other services.
    "AIRFLOW__API__WORKERS": "1",
    "AIRFLOW__CORE__PARALLELISM": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "8",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "4",
    "AIRFLOW__DAG_PROCESSOR__PARSING_PROCESSES": "1",
    "AIRFLOW__DAG_PROCESSOR__REFRESH_INTERVAL": "10",
    # Files that have changed are parsed at once anyway; unchanged ones need not be every 30 s.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "300",
    "AIRFLOW__DAG_PROCESSOR__BUNDLE_REFRESH_CHECK_INTERVAL": "2",
    "AIRFLOW__SCHEDULER__SCHEDULER_IDLE_SLEEP_TIME": "0.5",
    # A task that was lost in a crash of the machine is restarted after one minute, not five.
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "60",
    # A supervisor may notice the end of a task only at the next heartbeat; the default is 5 s. As
    # by default, a task ends if the API server does not answer for 15 seconds.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__WORKERS__MAX_FAILED_HEARTBEATS": "15",
    "AIRFLOW__USAGE_DATA_COLLECTION__ENABLED": "False",
    "SCARF_ANALYTICS": "false",
    "AIRFLOW__METRICS__OTEL_ON": "False",
    "AIRFLOW__METRICS__STATSD_ON": "False",
    "AIRFLOW__TRACES__OTEL_ON": "False",
}
"""Defaults that the caller's environment may override; other variables can't be overridden."""


def airflow_environment(
    layout: StackLayout, ports: Ports, secrets: Secrets, inherited: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return all environment variables of the stack's processes, with the inherited ones."""
    inherited = os.environ if inherited is None else inherited
    harmless = {
        name: value
        for name, value in inherited.items()
        if name in _TUNING
        # PYTHONDONTWRITEBYTECODE would make each of hundreds of task processes compile all modules.
        or not (name.startswith(("AWS_", "AIRFLOW_")) or name == "PYTHONDONTWRITEBYTECODE")
    }
    aws = {
        "AWS_ENDPOINT_URL": ports.aws_url,
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": REGION,
        "AWS_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    own = _own(layout, ports, inherited)
    return _TUNING | harmless | own | _airflow(layout, ports, secrets) | aws


def _own(layout: StackLayout, ports: Ports, inherited: Mapping[str, str]) -> dict[str, str]:
    path = os.pathsep.join([str(Path(sys.executable).parent), inherited.get("PATH", os.defpath)])
    own = {
        "PATH": path,
        "PYTHONUNBUFFERED": "1",
        "STACK_POSTGRES": str(layout.postgres),
        "STACK_AWS": str(layout.aws),
        "STACK_CAFE_LOGS": str(layout.cafe_logs),
        "STACK_ALERTS": str(layout.var / "alerts"),
        "STACK_DASHBOARD_PORT": str(ports.dashboard),
        DASHBOARD_URL_VARIABLE: ports.dashboard_url,
        DASHBOARD_DIRECTORY_VARIABLE: str(layout.dashboard),
    }
    settings = layout.root / FILE_NAME
    if FILE_VARIABLE not in inherited and settings.is_file():
        own[FILE_VARIABLE] = str(settings)
    return own


def _airflow(layout: StackLayout, ports: Ports, secrets: Secrets) -> dict[str, str]:
    sections = {
        "API__HOST": HOST,
        "API__PORT": str(ports.airflow),
        # Both URLs must have this port; otherwise tasks can't reach the API and fail without a log.
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


def database_url(layout: StackLayout) -> str:
    """Return the SQLAlchemy URL of Airflow's metadata database, by PostgreSQL's socket."""
    return f"postgresql+psycopg2://postgres@/postgres?host={layout.postgres}"


def write_preload(layout: StackLayout) -> None:
    """Have Airflow's scheduler import modules before it forks workers (see `preload`)."""
    target = layout.airflow_home / "config" / "airflow_local_settings.py"
    target.write_text("import clickstream.demo.stack.preload as _preload\n", encoding="utf-8")
