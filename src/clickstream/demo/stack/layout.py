"""Where the local stack keeps its state, which ports it takes, and the secrets it made once.

Everything lies below `var/` of the project's directory: delete that, and the next start is a
first start.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
from base64 import urlsafe_b64encode
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

from clickstream.demo import environment_file
from clickstream.errors import ClickstreamError

HOST = "127.0.0.1"
LOGIN = "admin"


class StackError(ClickstreamError):
    """The local stack can't start, or one of its processes ended by itself."""

    code = "CS-601"


@dataclass(frozen=True)
class Ports:
    """The TCP ports on 127.0.0.1 that the stack takes; the flags of `clickstream up` set them."""

    airflow: int = 8080
    aws: int = 4566
    dashboard: int = 8095

    @property
    def airflow_url(self) -> str:
        """Where Airflow's web UI and its API answer."""
        return f"http://{HOST}:{self.airflow}"

    @property
    def aws_url(self) -> str:
        """Where the local AWS answers."""
        return f"http://{HOST}:{self.aws}"

    @property
    def dashboard_url(self) -> str:
        """Where the owner's dashboard answers."""
        return f"http://{HOST}:{self.dashboard}"

    def check_free(self) -> None:
        """Raise StackError for the first port that another process holds."""
        for name, port in asdict(self).items():
            if not _is_free(port):
                raise StackError(
                    f"Port {port} on {HOST} is taken{_holder(port)}; "
                    f"stop that, or choose another port with --{name}-port."
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
    """` by NAME (process PID)` for the process that listens on the port, empty if unknown."""
    with contextlib.suppress(psutil.Error):
        for connection in psutil.net_connections("tcp"):
            listens = connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
            if listens and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (process {connection.pid})"
    return ""


@dataclass(frozen=True)
class Layout:
    """The directories of one stack; `state` lies in the project's directory `root`."""

    root: Path
    state: str = "var"

    @property
    def var(self) -> Path:
        """All state."""
        return self.root / self.state

    @property
    def airflow_home(self) -> Path:
        """Airflow's own directory."""
        return self.var / "airflow"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's data directory, which holds its socket as well."""
        return self.var / "postgres"

    @property
    def aws(self) -> Path:
        """What the local AWS keeps."""
        return self.var / "aws"

    @property
    def logs(self) -> Path:
        """One log file per process."""
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
        """What has to be remembered of the simulated café."""
        return self.var / "cafe.json"

    @property
    def passwords_file(self) -> Path:
        """The file Airflow's SimpleAuthManager reads its logins from."""
        return self.airflow_home / "passwords.json"

    @property
    def environment_file(self) -> Path:
        """What points a shell at the stack while it runs."""
        return self.var / environment_file.NAME

    @property
    def lock_file(self) -> Path:
        """Locked while a stack runs here, whose process id it holds."""
        return self.var / environment_file.LOCK_NAME

    @property
    def secrets_file(self) -> Path:
        """The secrets made at the first start."""
        return self.var / "secrets.json"

    def create(self) -> None:
        """Make the directories that are missing; the state is its owner's only.

        It holds keys, raw lines and accounts.
        """
        self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
        for directory in (self.root / "var", self.var):
            if directory.is_dir():
                directory.chmod(0o700)
        for directory in (self.airflow_home / "config", self.aws, self.logs, self.task_logs):
            directory.mkdir(parents=True, exist_ok=True)


@dataclass(frozen=True)
class Secrets:
    """What is secret on this machine; made once, kept in `var/`, readable by its owner only.

    The database needs its password only where it listens on a port, in the containers.
    """

    password: str
    jwt_secret: str
    api_secret_key: str
    fernet_key: str
    database_password: str

    @classmethod
    def new(cls) -> Secrets:
        """Secrets nobody has seen before."""
        return cls(
            password=secrets.token_urlsafe(9),
            jwt_secret=secrets.token_urlsafe(48),
            api_secret_key=secrets.token_urlsafe(24),
            database_password=secrets.token_urlsafe(24),
            fernet_key=urlsafe_b64encode(secrets.token_bytes(32)).decode(),
        )

    @classmethod
    def of(cls, layout: Layout) -> Secrets:
        """The secrets of this stack, made now if this is its first start."""
        if not layout.secrets_file.exists():
            write_private(layout.secrets_file, json.dumps(asdict(cls.new())))
        found = cls(**json.loads(layout.secrets_file.read_text(encoding="utf-8")))
        write_private(layout.passwords_file, json.dumps({LOGIN: found.password}))
        return found


def write_private(path: Path, text: str) -> None:
    """Write a file that only its owner may read, from its first byte on."""
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode=0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
