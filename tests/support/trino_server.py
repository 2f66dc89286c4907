"""A Trino server process whose Iceberg catalog is the local AWS: configured, started and ended."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from pathlib import Path
from types import TracebackType

import httpx
from tests.support.localaws_process import CREDENTIALS
from tests.support.trino_client import CATALOG
from tests.support.trino_install import java_home, server_directory

START_SECONDS = 600
STOP_SECONDS = 60
POLL_SECONDS = 0.5
LOG_TAIL = 3000

# Without the optimizing compiler, the view cases take two thirds of the CPU time.
JVM = """\
-server
-Xmx2G
-XX:+UseSerialGC
-XX:TieredStopAtLevel=1
-XX:+ExitOnOutOfMemoryError
-Djdk.attach.allowAttachSelf=true
"""
NODE = """\
node.environment=test
node.id=one
node.data-dir={data}
node.bind-ip=127.0.0.1
node.internal-address=127.0.0.1
"""
CONFIG = """\
coordinator=true
node-scheduler.include-coordinator=true
http-server.http.port={port}
discovery.uri=http://127.0.0.1:{port}
query.max-memory=1GB
catalog.management=static
"""
# The cache also keeps small data files: a query would not show what it reads.
ICEBERG = """\
connector.name=iceberg
iceberg.catalog.type=glue
iceberg.metadata-cache.enabled=false
hive.metastore.glue.region={region}
hive.metastore.glue.endpoint-url={endpoint}
hive.metastore.glue.aws-access-key={key}
hive.metastore.glue.aws-secret-key={secret}
fs.native-s3.enabled=true
s3.endpoint={endpoint}
s3.region={region}
s3.path-style-access=true
s3.aws-access-key={key}
s3.aws-secret-key={secret}
"""


class TrinoServer:
    """One server in one directory, which reads the lakes of one local AWS."""

    def __init__(self, directory: Path, aws_endpoint: str) -> None:
        """Find the server and a Java. Raises ToolMissing and DownloadFailed."""
        self._program = server_directory() / "bin" / "launcher"
        self._java = java_home()
        self._directory = directory
        self._port = _free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._configure(aws_endpoint)

    def __enter__(self) -> TrinoServer:
        """Start, and wait until the server answers queries. Raises RuntimeError."""
        environment = {
            **os.environ,
            "JAVA_HOME": str(self._java),
            "PATH": f"{self._java / 'bin'}{os.pathsep}{os.environ['PATH']}",
        }
        command = [str(self._program), "run", "--etc-dir", str(self._directory / "etc")]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environment
            )
        try:
            self._wait()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._stop()

    @property
    def _log(self) -> Path:
        return self._directory / "trino.log"

    def _configure(self, aws_endpoint: str) -> None:
        etc = self._directory / "etc"
        (etc / "catalog").mkdir(parents=True)
        files = {
            "jvm.config": JVM,
            "log.properties": "io.trino=WARN\n",
            "node.properties": NODE.format(data=self._directory / "data"),
            "config.properties": CONFIG.format(port=self._port),
            f"catalog/{CATALOG}.properties": ICEBERG.format(
                endpoint=aws_endpoint,
                region=CREDENTIALS["AWS_DEFAULT_REGION"],
                key=CREDENTIALS["AWS_ACCESS_KEY_ID"],
                secret=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
            ),
        }
        for name, text in files.items():
            (etc / name).write_text(text, encoding="utf-8")

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                tail = self._log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL:]
                raise RuntimeError(f"Trino did not start:\n{tail}")
            time.sleep(POLL_SECONDS)

    def _is_ready(self) -> bool:
        try:
            return not httpx.get(f"{self.url}/v1/info").json()["starting"]
        except httpx.TransportError:
            return False

    def _stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
