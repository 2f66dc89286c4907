"""Directories, ports and secrets of the local stack.

All state is below `var/` of the project's directory. After its deletion, the next start is like a
first start.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from clickstream.core.errors import ClickstreamError, with_code
from clickstream.demo import environment_file

HOST = "127.0.0.1"
LOGIN = "admin"


class StackError(ClickstreamError):
    """The local stack can't start, or one of its processes ended unexpectedly.

    `log` has the lines of a log to print below the message.
    """

    code = "CS-601"

    def __init__(self, message: str, log: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.log = log

    @property
    def printed(self) -> str:
        """The message with the code, and below them the lines of the log."""
        return "\n".join([with_code(str(self), self.code), *self.log])


@dataclass(frozen=True)
class Ports:
    """The TCP ports of the stack on 127.0.0.1; options of `clickstream up` set them."""

    airflow: int = 8080
    aws: int = 4566
    dashboard: int = 8095

    @property
    def airflow_url(self) -> str:
        """Base address of Airflow's web UI and API."""
        return f"http://{HOST}:{self.airflow}"

    @property
    def aws_url(self) -> str:
        """Endpoint of the local AWS."""
        return f"http://{HOST}:{self.aws}"

    @property
    def dashboard_url(self) -> str:
        """Base address of the owner's dashboard."""
        return f"http://{HOST}:{self.dashboard}"

    def check_free(self) -> None:
        """Raise StackError for the first port that another process uses."""
        for name, port in asdict(self).items():
            if not _is_free(port):
                raise StackError(
                    f"Port {port} on {HOST} is used{_holder(port) or ' by another process'}; "
                    f"stop that process, or choose another port with --{name}-port."
                )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def _holder(port: int) -> str:
    """Return ` by NAME (process PID)` of the process that listens on the port; empty if unknown."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


@dataclass(frozen=True)
class StackLayout:
    """Directories and files of one stack, whose `state` is relative to the project's `root`."""

    root: Path
    state: str = "var"

    @property
    def var(self) -> Path:
        """Directory of all state."""
        return self.root / self.state

    @property
    def airflow_home(self) -> Path:
        """Airflow's own directory."""
        return self.var / "airflow"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory, which also has its socket."""
        return self.var / "postgres"

    @property
    def aws(self) -> Path:
        """Directory of the local AWS."""
        return self.var / "aws"

    @property
    def logs(self) -> Path:
        """Directory with a log file for each process."""
        return self.var / "log"

    @property
    def task_logs(self) -> Path:
        """Airflow's logs of task runs."""
        return self.var / "logs"

    @property
    def cafe_logs(self) -> Path:
        """The access logs of the simulated café."""
        return self.var / "cafe-logs"

    @property
    def dashboard(self) -> Path:
        """The dashboard's accounts, login links and local copy."""
        return self.var / "dashboard"

    @property
    def cafe_file(self) -> Path:
        """File with the description of the simulated café's logs (`CafeLogs`)."""
        return self.var / "cafe.json"

    @property
    def passwords_file(self) -> Path:
        """The file with the logins of Airflow's SimpleAuthManager."""
        return self.airflow_home / "passwords.json"

    @property
    def environment_file(self) -> Path:
        """File by which a shell uses the stack while it runs (`environment_file`)."""
        return self.var / environment_file.NAME

    @property
    def lock_file(self) -> Path:
        """File with the process id of the running stack, which locks it."""
        return self.var / environment_file.LOCK_NAME

    @property
    def secrets_file(self) -> Path:
        """The secrets, which are generated at the first start."""
        return self.var / "secrets.json"

    def create(self) -> None:
        """Create missing directories. Only the owner may enter the state directory.

        It has keys, raw lines and accounts.
        """
        self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.root / "var", self.var):
            if directory.is_dir():
                directory.chmod(0o700)
        for directory in (self.airflow_home / "config", self.aws, self.logs, self.task_logs):
            directory.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Secrets:
    """Generated secrets of the stack, stored in `var/`, readable only by the owner.

    The database needs its password only in containers, where it listens on a port.
    """

    password: str
    jwt_secret: str
    api_secret_key: str
    fernet_key: str
    database_password: str

    @classmethod
    def new(cls) -> Secrets:
        """Generate secrets."""
        return cls(
            password=secrets.token_urlsafe(9),
            jwt_secret=secrets.token_urlsafe(48),
            api_secret_key=secrets.token_urlsafe(24),
            database_password=secrets.token_urlsafe(24),
            fernet_key=urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )

    @classmethod
    def of(cls, layout: StackLayout) -> Secrets:
        """Read the secrets of a stack, or generate them at its first start."""
        if not layout.secrets_file.exists():
            write_private(layout.secrets_file, json.dumps(asdict(cls.new())))
        stored = cls(**json.loads(layout.secrets_file.read_text(encoding="utf-8")))
        write_private(layout.passwords_file, json.dumps({LOGIN: stored.password}))
        return stored


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner can read, also while it is written."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
