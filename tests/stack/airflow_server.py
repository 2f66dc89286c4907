"""Airflow's UI as browsers reach it: the stack's API server, and one more below a path."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.support.free_ports import free_ports

from clickstream.core.hours import Hour
from clickstream.demo.stack import Stack
from clickstream.demo.stack.layout import LOGIN
from clickstream.demo.stack.stack import ends_with_caller
from clickstream.demo.stack.wait_for import status_of

VIEWER = "guest"
USERS = {"AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS": f"{LOGIN}:admin,{VIEWER}:viewer"}
"""The variable of a stack with both users. Airflow writes the viewer's password to its file."""


def day_of(hour: Hour) -> str:
    """The range of the café's local date of an hour, as addresses of the dashboard have it."""
    day = local_time(hour.start).date()
    return f"from={day}&to={day}"


def local_time(moment: datetime) -> datetime:
    """A moment in the time zone of the café."""
    return moment.astimezone(ZoneInfo("Europe/London"))


@contextlib.contextmanager
def server_below(stack: Stack, home: Path, path: str) -> Iterator[str]:
    """Run another API server of the stack's Airflow, and yield its URL, which has the path."""
    port = free_ports().airflow
    url = f"http://127.0.0.1:{port}{path}"
    environment = {
        **stack.environment,
        "AIRFLOW__API__BASE_URL": url,
        "AIRFLOW__API__PORT": str(port),
        "CLICKSTREAM_DASHBOARD__DIRECTORY": str(home / "dashboard"),
    }
    with (home / "api-server.log").open("wb") as log:
        server = subprocess.Popen(
            ends_with_caller(["airflow", "api-server"]),
            env=environment,
            cwd=stack.layout.root,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        stack.wait_until("Airflow below a path", lambda: status_of(f"{url}/api/v2/version") == 200)
        yield url
    finally:
        # The processes that the server starts are in its session.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)
        server.wait(60)
