"""Airflow's UI as a browser reaches it, and a server for the picture of the dashboard in it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

from playwright.sync_api import BrowserContext
from tests.support.free_ports import free_ports
from tests.support.lake_settings import ROOT
from tests.support.localaws_process import CREDENTIALS

from clickstream.core.hours import Hour
from clickstream.settings import Settings

START_SECONDS = 120
USERS = {"owner": "admin", "guest": "viewer"}
PASSWORD = "cafe-and-cakes"
TASK = "list_hosts"

PREPARE = """
import sys
from datetime import datetime
from airflow.utils.db import initdb
initdb()
from tests.support.airflow_worker import create_run, sync_dags
sync_dags()
print(create_run("clickstream_hourly", datetime.fromisoformat(sys.argv[1])).run_id)
"""
"""Migrates the database, stores the DAGs, and creates a run of the hourly one."""


@dataclass(frozen=True)
class AirflowServer:
    """The server at `url`, which may have a path, and a run that builds `hour`."""

    url: str
    hour: Hour
    run_id: str
    passwords: Mapping[str, str]

    @property
    def task_page(self) -> str:
        """The page of a task instance of the run."""
        return f"{self.url}/dags/clickstream_hourly/runs/{self.run_id}/tasks/{TASK}"

    @property
    def dashboard(self) -> str:
        """The dashboard with Airflow's navigation around it."""
        path = self.url.split("/", 3)[3:]
        below = f"/{path[0]}" if path else ""
        return f"{self.url}/plugin/cafe-dashboard{below}/clickstream-dashboard"

    def log_in(self, context: BrowserContext, user: str) -> None:
        """Log a user in, in all pages of a browser's context."""
        login = {"username": user, "password": self.passwords[user]}
        answer = context.request.post(f"{self.url}/auth/token", data=login)
        token = answer.json()["access_token"]
        context.add_cookies([{"name": "_token", "value": token, "url": f"{self.url}/"}])


@contextlib.contextmanager
def running_airflow(
    settings: Settings, home: Path, hour: Hour, path: str = ""
) -> Iterator[AirflowServer]:
    """Serve Airflow on a free port of 127.0.0.1, below a path; nothing runs its tasks.

    Raises RuntimeError with the end of the log if it does not start.
    """
    port = free_ports().airflow
    url = f"http://127.0.0.1:{port}{path}"
    environment = _environment(settings, home, url, port)
    prepared = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", PREPARE, hour.end.isoformat()],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if prepared.returncode:
        raise RuntimeError(f"Airflow's database could not be prepared: {prepared.stderr[-3000:]}")
    log = home / "api-server.log"
    command = [str(Path(sys.executable).with_name("airflow")), "api-server"]
    with log.open("wb") as output:
        server = subprocess.Popen(
            command, env=environment, stdout=output, stderr=output, start_new_session=True
        )
    try:
        _wait_for(f"{url}/api/v2/version", server, log)
        run_id = prepared.stdout.splitlines()[-1]
        yield AirflowServer(url, hour, run_id, dict.fromkeys(USERS, PASSWORD))
    finally:
        # The server starts processes of its own, which are in its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(START_SECONDS)


def _environment(settings: Settings, home: Path, url: str, port: int) -> Mapping[str, str]:
    passwords = home / "passwords.json"
    passwords.write_text(json.dumps(dict.fromkeys(USERS, PASSWORD)))
    extra = {"region_name": settings.aws.region, "endpoint_url": settings.aws.endpoint_url}
    sections = {
        "API__HOST": "127.0.0.1",
        "API__PORT": str(port),
        "API__BASE_URL": url,
        "API__SECRET_KEY": "0123456789abcdef" * 4,
        "API__WORKERS": "1",
        "API_AUTH__JWT_SECRET": "fedcba9876543210" * 4,
        "CORE__AUTH_MANAGER": (
            "airflow.api_fastapi.auth.managers.simple.simple_auth_manager.SimpleAuthManager"
        ),
        "CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "CORE__EXECUTION_API_SERVER_URL": f"{url}/execution/",
        "CORE__LOAD_EXAMPLES": "False",
        "CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(passwords),
        "CORE__SIMPLE_AUTH_MANAGER_USERS": ",".join(f"{n}:{role}" for n, role in USERS.items()),
        "DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
            [
                {
                    "name": "dags",
                    "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
                    "kwargs": {"path": str(ROOT / "dags")},
                }
            ]
        ),
        "DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
        "DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "USAGE_DATA_COLLECTION__ENABLED": "False",
    }
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("AIRFLOW_", "CLICKSTREAM_", "AWS_"))
    }
    return {
        **inherited,
        **{f"AIRFLOW__{name}": value for name, value in sections.items()},
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(
            {
                "conn_type": "aws",
                "login": CREDENTIALS["AWS_ACCESS_KEY_ID"],
                "password": CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                "extra": extra,
            }
        ),
        "CLICKSTREAM_SETTINGS": str(ROOT / "clickstream.toml"),
        "CLICKSTREAM_LAKE__BUCKET": settings.lake.bucket,
        "CLICKSTREAM_LAKE__DATABASE": settings.lake.database,
        "CLICKSTREAM_LAKE__KEY_SECRET": settings.lake.key_secret,
        "CLICKSTREAM_DASHBOARD__DIRECTORY": str(home / "dashboard"),
        "PYTHONPATH": str(ROOT),
    }


def _wait_for(address: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with contextlib.suppress(OSError), urlopen(address, timeout=5):
            return
        time.sleep(0.25)
    raise RuntimeError(f"Airflow's API server did not start: {log.read_text()[-3000:]}")
