"""A real nginx on 127.0.0.1 and the logrotate that rotates its log, both started by a test."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Thread

from tests.support.required import require_program

CONFIGURATION = """
daemon off;
worker_processes 2;
pid {root}/nginx.pid;
error_log {logs}/error.log info;
{user}
events {{ }}
http {{
    {log_format}
    access_log {logs}/access.log {name_of_format};
    client_body_temp_path {root}/tmp;
    proxy_temp_path {root}/tmp;
    fastcgi_temp_path {root}/tmp;
    uwsgi_temp_path {root}/tmp;
    scgi_temp_path {root}/tmp;
    server {{
        listen 127.0.0.1:{port};
        {locations}
    }}
}}
"""


ANSWER_OK = 'location / { return 200 "ok"; }'


@dataclass
class Nginx:
    """A running server: its process, its port and the directory of its logs."""

    process: subprocess.Popen[bytes]
    port: int
    logs: Path

    def reopen_logs(self) -> None:
        """Have the server open its log files by name again, as logrotate's postrotate does."""
        self.process.send_signal(signal.SIGUSR1)

    def get(self, first: int, last: int, pause: float = 0) -> None:
        """Request /page/FIRST to /page/LAST over one connection, one after the other."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=300)
        for number in range(first, last + 1):
            connection.request("GET", f"/page/{number}", headers={"User-Agent": "Mozilla/5.0"})
            connection.getresponse().read()
            time.sleep(pause)
        connection.close()

    @contextmanager
    def load(self, clients: int, requests: int) -> Iterator[None]:
        """Send numbered requests from several clients while the block runs, then wait for them."""
        threads = [
            Thread(target=self.get, args=(n * requests, (n + 1) * requests - 1, 0.002))
            for n in range(clients)
        ]
        for thread in threads:
            thread.start()
        yield
        for thread in threads:
            thread.join()


@contextmanager
def running_nginx(
    root: Path, logs: Path, locations: str = ANSWER_OK, log_format: str = ""
) -> Iterator[Nginx]:
    """Start nginx with its logs in `logs`; stop it gracefully, so that every line is written.

    `log_format` is the directive of its format; without one, the format is `combined`.
    """
    program = require_program("nginx", "nginx-light")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    configuration = root / "nginx.conf"
    user = "user root;" if os.geteuid() == 0 else ""  # workers must reach the test's directory
    name = log_format.split()[1] if log_format else "combined"
    values = {"root": root, "logs": logs, "port": port, "user": user, "locations": locations}
    values |= {"log_format": log_format, "name_of_format": name}
    configuration.write_text(CONFIGURATION.format(**values))
    process = subprocess.Popen([program, "-p", str(root), "-c", str(configuration)])
    try:
        _wait_for(port)
        yield Nginx(process, port, logs)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(30)


def rotate(root: Path, logs: Path, *directives: str) -> None:
    """Run logrotate once, by force, on the access log with these directives."""
    program = require_program("logrotate", "logrotate")
    configuration = root / "logrotate.conf"
    lines = "\n    ".join(["rotate 50", "missingok", *directives])
    configuration.write_text(f"{logs}/access.log {{\n    {lines}\n}}\n")
    configuration.chmod(0o600)
    command = [program, "--force", "--state", str(root / "state"), str(configuration)]
    subprocess.run(command, check=True)


def _wait_for(port: int) -> None:
    for _ in range(200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("nginx does not answer")
