"""Sessions of Systems Manager that forward ports of this machine to the host.

boto3 starts a session, and the session-manager-plugin of AWS transports its bytes.
"""

from __future__ import annotations

import json
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

from clickstream.aws.deployment import Deployment
from clickstream.lake import aws_errors

PLUGIN = "session-manager-plugin"
DOCUMENT = "AWS-StartPortForwardingSession"


@dataclass(frozen=True)
class Port:
    """A port of the host, and the port of this machine that leads to it."""

    what: str
    remote: int
    local: int

    @property
    def url(self) -> str:
        """The address on this machine."""
        return f"http://127.0.0.1:{self.local}"

    @property
    def parameters(self) -> dict[str, list[str]]:
        """The parameters of the session's document."""
        return {"portNumber": [str(self.remote)], "localPortNumber": [str(self.local)]}


def has_plugin() -> bool:
    """Return whether the plugin is installed."""
    return shutil.which(PLUGIN) is not None


def command_of(deployment: Deployment, instance_id: str, port: Port) -> str:
    """Return the command of the AWS command line that forwards a port."""
    words = ["aws", "ssm", "start-session", "--region", deployment.account.region]
    words += ["--target", instance_id, "--document-name", DOCUMENT]
    return shlex.join([*words, "--parameters", json.dumps(port.parameters, separators=(",", ":"))])


@aws_errors.translate_errors()
def forward(deployment: Deployment, instance_id: str, ports: Sequence[Port]) -> int:
    """Forward ports until the plugins end or Ctrl-C; return the first exit code that is not 0."""
    with ExitStack() as stack:
        started = [stack.enter_context(_session(deployment, instance_id, port)) for port in ports]
        return max(process.wait() for process in started)


@contextmanager
def _session(
    deployment: Deployment, instance_id: str, port: Port
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a session and its plugin; end both at the end."""
    ssm = deployment.client("ssm")
    request = {"Target": instance_id, "DocumentName": DOCUMENT, "Parameters": port.parameters}
    answer = ssm.start_session(**request)
    session = {name: answer[name] for name in ("SessionId", "TokenValue", "StreamUrl")}
    process = _start_plugin(session, request, deployment.account.region, ssm.meta.endpoint_url)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()
        ssm.terminate_session(SessionId=session["SessionId"])


def _start_plugin(
    session: Mapping[str, str], request: Mapping[str, Any], region: str, endpoint: str
) -> subprocess.Popen[bytes]:
    """Start the plugin with its arguments; the session's token is in the environment, not in them.

    The AWS command line passes the name of a variable in the same way, because every user of a
    machine can read the arguments of a process.
    """
    variable = "AWS_SSM_START_SESSION_RESPONSE"
    profile = os.environ.get("AWS_PROFILE", "")
    words = [PLUGIN, variable, region, "StartSession", profile, json.dumps(request), endpoint]
    environment = os.environ | {variable: json.dumps(session)}
    return subprocess.Popen(words, env=environment)
