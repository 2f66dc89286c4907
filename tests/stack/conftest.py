"""The lake of a running Airflow, for tests whose module starts one as the fixture `stack`."""

from __future__ import annotations

import boto3
import pytest

from clickstream import settings
from clickstream.demo.stack import Stack
from clickstream.lake import Lake, open_lake


@pytest.fixture(scope="module")
def lake(stack: Stack) -> Lake:
    environment = stack.environment
    session = boto3.Session(
        environment["AWS_ACCESS_KEY_ID"],
        environment["AWS_SECRET_ACCESS_KEY"],
        region_name=environment["AWS_DEFAULT_REGION"],
    )
    return open_lake(settings.load(stack.layout.root / "clickstream.toml", environment), session)
