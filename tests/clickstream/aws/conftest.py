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

from clickstream.aws import stacks
from clickstream.aws.deployment import Deployment
from clickstream.settings import AwsSettings, Settings


@pytest.fixture(autouse=True)
def _patient_for_no_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stacks, "POLL_SECONDS", 0)


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
        _act_as_aws(monkeypatch)
        lake_formation = boto3.client("lakeformation", region_name="us-east-1")
        everyone = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
        default = [{"Principal": everyone, "Permissions": ["ALL"]}]
        names = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")
        lake_formation.put_data_lake_settings(DataLakeSettings=dict.fromkeys(names, default))
        yield Deployment("clickstream", settings, aws_session())


def _act_as_aws(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let moto compute outputs and exports when a change set is executed, as AWS does.

    A change set without changes fails by its status, as on AWS; moto refuses to create it.
    """
    from moto.cloudformation.models import CloudFormationBackend, Stack
    from moto.cloudformation.responses import CloudFormationResponse

    def has_values(stack: Stack, parameters: dict[str, str]) -> bool:
        return parameters.items() <= stack.stack_parameters.items()

    monkeypatch.setattr(CloudFormationResponse, "_validate_different_update", lambda *_: None)
    monkeypatch.setattr(Stack, "has_parameters", has_values)
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
