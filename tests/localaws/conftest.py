from __future__ import annotations

import uuid
from typing import Any

import pytest
from tests.support.localaws_process import LocalAwsProcess


@pytest.fixture(scope="session")
def s3(local_aws: LocalAwsProcess) -> Any:
    return local_aws.client("s3")


@pytest.fixture
def bucket(s3: Any) -> str:
    name = f"bucket-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=name)
    return name
