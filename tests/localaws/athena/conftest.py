from __future__ import annotations

import uuid

import pytest
from tests.localaws.athena.client import AthenaClient
from tests.support.localaws_process import LocalAwsProcess


@pytest.fixture(scope="session")
def athena(local_aws: LocalAwsProcess) -> AthenaClient:
    """A client with a database and a bucket of its own."""
    name = f"db_{uuid.uuid4().hex[:12]}"
    bucket = f"results-{uuid.uuid4().hex[:12]}"
    local_aws.client("s3").create_bucket(Bucket=bucket)
    local_aws.client("glue").create_database(DatabaseInput={"Name": name})
    return AthenaClient(local_aws.client("athena"), name, f"s3://{bucket}/queries/")
