"""Ports are forwarded by the plugin of AWS, which a recording program replaces here."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from botocore.stub import Stubber
from tests.support.lakes import aws_session

from clickstream.aws.deployment import Deployment
from clickstream.aws.port_forwarding import DOCUMENT, Port, forward
from clickstream.settings import AwsSettings, Settings

PLUGIN = """#!/bin/sh
printf '%s\\n' "$@" "$AWS_SSM_START_SESSION_RESPONSE" > "$RECORDED"
exit 3
"""


def test_the_plugin_gets_the_session_in_its_environment_and_the_session_ends_with_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugin = tmp_path / "session-manager-plugin"
    plugin.write_text(PLUGIN)
    plugin.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("RECORDED", str(tmp_path / "recorded"))
    monkeypatch.delenv("AWS_PROFILE", raising=False)
    settings = Settings(aws=AwsSettings(region="us-east-1"))
    deployment = Deployment("clickstream", settings, aws_session())
    port = Port("Dashboard", 8095, 9095)
    session = {"SessionId": "ana-1", "TokenValue": "secret", "StreamUrl": "wss://ssm.example"}
    request = {"Target": "i-0123456789", "DocumentName": DOCUMENT, "Parameters": port.parameters}
    with Stubber(deployment.client("ssm")) as ssm:
        ssm.add_response("start_session", session, request)
        ssm.add_response("terminate_session", {}, {"SessionId": "ana-1"})
        assert forward(deployment, "i-0123456789", [port]) == 3
        ssm.assert_no_pending_responses()
    name, region, kind, _, asked, endpoint, given = (tmp_path / "recorded").read_text().splitlines()
    assert (name, region, kind) == ("AWS_SSM_START_SESSION_RESPONSE", "us-east-1", "StartSession")
    assert (json.loads(asked), json.loads(given)) == (request, session)
    assert endpoint == "https://ssm.us-east-1.amazonaws.com"
