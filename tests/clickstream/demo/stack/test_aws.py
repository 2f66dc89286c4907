"""The local AWS of the stack has the workgroup of the settings."""

from __future__ import annotations

import os
import sys

import pytest

from clickstream.demo.stack import aws
from localaws.__main__ import _parser

LOCATION = "s3://my-lake/athena-results/"


@pytest.mark.parametrize(
    ("workgroup", "names"), [("primary", ["primary"]), ("analysts", ["primary", "analysts"])]
)
def test_workgroups_of_the_settings_have_the_location_of_the_pipelines_results(
    monkeypatch: pytest.MonkeyPatch, workgroup: str, names: list[str]
) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(os, "execv", lambda _path, command: started.append(command))
    monkeypatch.setenv("CLICKSTREAM_LAKE__BUCKET", "my-lake")
    monkeypatch.setenv("CLICKSTREAM_LAKE__WORKGROUP", workgroup)
    aws.main("var/aws", "4567")
    (command,) = started
    assert command[:3] == [sys.executable, "-m", "localaws"]
    chosen = _parser().parse_args(command[3:])
    assert (str(chosen.root), chosen.port) == ("var/aws", 4567)
    assert chosen.workgroup == [(name, LOCATION) for name in names]
