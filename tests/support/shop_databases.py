"""Databases of shops that tests start: MariaDB, and the PostgreSQL of the demo."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from tests.support.free_ports import free_ports
from tests.support.required import require_program

START_SECONDS = 120


@contextmanager
def running_mariadb(directory: Path) -> Iterator[str]:
    """Start MariaDB on 127.0.0.1, with a time zone of its own; yield its address for root."""
    install = require_program("mariadb-install-db", "mariadb-server-core")
    server = require_program("mariadbd", "mariadb-server-core")
    port = free_ports().aws
    data = directory / "mariadb"
    given = ["--no-defaults", f"--datadir={data}", "--user=root"]
    subprocess.run(
        [install, *given, "--auth-root-authentication-method=normal", "--skip-test-db"],
        check=True,
        capture_output=True,
    )
    command = [
        *(server, *given, f"--port={port}", "--bind-address=127.0.0.1"),
        *(f"--socket={data}/s.sock", "--default-time-zone=+02:00", "--skip-log-bin"),
        *(f"--log-error={data}/error.log", "--innodb-flush-log-at-trx-commit=0"),
    ]
    with _process(command):
        yield _ready(f"mysql+pymysql://root@127.0.0.1:{port}/mysql").replace("+pymysql", "")


@contextmanager
def running_postgresql(directory: Path) -> Iterator[str]:
    """Start PostgreSQL on a socket in a directory; yield its address for its superuser."""
    data = directory / "postgres"
    command = [sys.executable, "-m", "clickstream.demo.stack.postgres", str(data)]
    with _process(command):
        address = f"postgresql+psycopg2://postgres@/postgres?host={data}"
        yield _ready(address).replace("+psycopg2", "")


@contextmanager
def _process(command: list[str]) -> Iterator[None]:
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        server.terminate()
        server.wait()


def _ready(address: str) -> str:
    """Wait until a server answers, and return its address."""
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    for _ in range(START_SECONDS * 10):
        try:
            with engine.connect():
                return address
        except sa.exc.OperationalError:
            time.sleep(0.1)
    raise AssertionError(f"{address} does not answer.")
