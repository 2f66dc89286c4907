"""EMR Serverless for tests: what its operator asks of it, and a real `spark-submit` for each job.

It answers on 127.0.0.1; a job runs by Spark's local mode, as a process of its own.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

SPARK_SUBMIT = [Path(sys.executable).with_name("spark-submit"), "--master", "local[2]"]
NO_UI = ["--conf", "spark.ui.enabled=false"]
LOCAL = ["--conf", f"spark.executorEnv.PYSPARK_PYTHON={sys.executable}"]
"""Options that replace those for the image: this machine's Python."""
STATES: Mapping[int | None, str] = {None: "RUNNING", 0: "SUCCESS"}


class EmrServerless(ThreadingHTTPServer):
    """One application, started, and the jobs that were asked of it, in order."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.environment: Mapping[str, str] = {}
        """That of its jobs."""
        self.jobs: list[subprocess.Popen[bytes]] = []

    def airflow_variables(self, script: Path) -> dict[str, str]:
        """What an Airflow needs in its environment to have jobs run here."""
        return {
            "AWS_ENDPOINT_URL_EMR_SERVERLESS": self.url,
            "CLICKSTREAM_SPARK__APPLICATION": "local",
            "CLICKSTREAM_SPARK__ROLE": "arn:aws:iam::000000000000:role/spark",
            "CLICKSTREAM_SPARK__SCRIPT": f"local://{script}",
        }

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_port}"

    def start(self, driver: Mapping[str, Any]) -> str:
        """Start a job as `jobDriver` says; its id."""
        asked = driver["sparkSubmit"]
        script = asked["entryPoint"].removeprefix("local://")
        options = shlex.split(asked["sparkSubmitParameters"])
        command = [*SPARK_SUBMIT, *NO_UI, *options, *LOCAL, script, *asked["entryPointArguments"]]
        own = {"PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
        environment = {**self.environment, **own}
        self.jobs.append(subprocess.Popen(command, env=environment))
        return str(len(self.jobs) - 1)


class _Handler(BaseHTTPRequestHandler):
    server: EmrServerless

    def do_GET(self) -> None:
        match self.path.split("/")[3:]:
            case []:
                self._answer({"application": {"state": "STARTED"}})
            case ["jobruns", job]:
                state = STATES.get(self.server.jobs[int(job)].poll(), "FAILED")
                self._answer({"jobRun": {"state": state, "stateDetails": ""}})
            case ["jobruns", job, "dashboard"]:
                self._answer({"url": f"{self.server.url}/dashboards/{job}"})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self._answer({"jobRunId": self.server.start(json.loads(body)["jobDriver"])})

    def _answer(self, said: Mapping[str, Any]) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def emr_serverless() -> Iterator[EmrServerless]:
    """Runs until the block ends, and its jobs with it."""
    with EmrServerless() as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server
        for job in server.jobs:
            job.kill()
            job.wait()
        server.shutdown()
