"""An empty AWS account of moto, in this process."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from tests.clickstream.aws.builders import make_checkout
from tests.support.lakes import aws_session
from tests.support.localaws_process import CREDENTIALS

from clickstream.aws import change_sets, stacks
from clickstream.aws.deployment import Deployment
from clickstream.settings import AwsSettings, Settings


@pytest.fixture(autouse=True)
def _patient_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (change_sets, stacks):
        monkeypatch.setattr(module, "POLL_SECONDS", 0)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deployment]:
    from moto import mock_aws

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    settings = Settings(aws=AwsSettings(region="us-east-1"))
    with mock_aws(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Tried to parse AWS")  # moto lacks these resources
        _complete_outputs(monkeypatch)
        lake_formation = boto3.client("lakeformation", region_name="us-east-1")
        everyone = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
        default = [{"Principal": everyone, "Permissions": ["ALL"]}]
        names = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")
        lake_formation.put_data_lake_settings(DataLakeSettings=dict.fromkeys(names, default))
        yield Deployment("clickstream", settings, aws_session())


def _complete_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto compute outputs and exports when a change set is executed, as AWS does."""
    from moto.cloudformation.models import CloudFormationBackend

    execute = CloudFormationBackend.execute_change_set

    def with_outputs(self: Any, *arguments: Any, **more: Any) -> None:
        execute(self, *arguments, **more)
        for stack in self.stacks.values():
            stack._parse_template()
            stack.output_map = stack._create_output_map()
            self.exports.update({export.name: export for export in stack.exports})

    monkeypatch.setattr(CloudFormationBackend, "execute_change_set", with_outputs)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path / "checkout")
