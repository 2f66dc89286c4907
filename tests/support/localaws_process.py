"""A real ``python -m localaws`` process for tests: started, killed, restarted, and asked."""

from __future__ import annotations

import os
import selectors
import signal
import subprocess
import sys
import threading
import time
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any

import boto3
from botocore.config import Config
from tests.support.parent import end_with_parent

READY = "localaws listens on "
START_SECONDS = 300
STOP_SECONDS = 120
CREDENTIALS = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "us-east-1",
}

# One session, because it caches the services' descriptions; a lock, because it is not thread-safe.
_session = boto3.session.Session()
_session_lock = threading.Lock()


class LocalAwsProcess:
    """One server over one folder; it keeps its port when it is restarted."""

    def __init__(self, root: Path, *options: str) -> None:
        self.root = root
        self.options = options
        self.endpoint = ""
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> LocalAwsProcess:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start, and return when the server says that it listens."""
        port = self.endpoint.rpartition(":")[2] or "0"
        command = [sys.executable, "-m", "localaws", "--root", str(self.root), "--port", port]
        command += self.options
        self._process = subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            text=True,
            preexec_fn=partial(end_with_parent, os.getpid()),  # noqa: PLW1509 (one call of the system, no lock)
        )
        line = self._first_line()
        if not line.startswith(READY):
            self.kill()
            raise RuntimeError(f"localaws did not start: {line!r}")
        self.endpoint = line.removeprefix(READY).strip()

    def stop(self) -> int:
        """SIGTERM, and the exit status."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL: what a power cut leaves behind, as far as one process can show it."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stop if it still runs, and start on the same port."""
        self.stop()
        self.start()

    def client(self, service: str, **config: Any) -> Any:
        """A boto3 client that asks once and does not retry."""
        settings: dict[str, Any] = {
            "retries": {"total_max_attempts": 1},
            "max_pool_connections": 32,
        } | config
        with _session_lock:
            return _session.client(
                service,
                endpoint_url=self.endpoint,
                region_name=CREDENTIALS["AWS_DEFAULT_REGION"],
                aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
                config=Config(**settings),
            )

    def environment(self) -> dict[str, str]:
        """Variables that point any AWS client at this server."""
        return {**CREDENTIALS, "AWS_ENDPOINT_URL": self.endpoint}

    def _first_line(self) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        deadline = time.monotonic() + START_SECONDS
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(deadline - time.monotonic()):
                return ""
        return self._process.stdout.readline()

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        process, self._process = self._process, None
        if process.poll() is None:
            process.send_signal(number)
        status = process.wait(STOP_SECONDS)
        assert process.stdout is not None
        process.stdout.close()
        return status
