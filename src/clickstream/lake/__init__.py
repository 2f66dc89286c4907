"""The lake on AWS: raw lines and bookmarks in S3, Iceberg tables in Glue, views in Athena.

Here and in `collect/` alone are boto3 and pyiceberg imported. The same code talks to AWS and to
the local AWS; only the endpoint differs.
"""

from __future__ import annotations

import boto3
from botocore.exceptions import ClientError

from clickstream.lake import (
    athena,
    aws_errors,
    bookmarks,
    collection,
    iceberg_tables,
    raw,
    staging,
    views,
    visitor_keys,
)
from clickstream.lake.athena import QueryResult
from clickstream.lake.client import Lake, shared_session, warm_up
from clickstream.settings import Settings

__all__ = [
    "Lake",
    "QueryResult",
    "athena",
    "aws_errors",
    "bookmarks",
    "collection",
    "iceberg_tables",
    "open_lake",
    "raw",
    "refer_to_lake",
    "shared_session",
    "staging",
    "views",
    "visitor_keys",
    "warm_up",
]


@aws_errors.translate_errors()
def open_lake(
    settings: Settings, session: boto3.Session | None = None, endpoint_url: str | None = None
) -> Lake:
    """Open the lake, and make what does not exist yet: bucket, database, tables.

    `session` and `endpoint_url`, when given, win over the settings: Airflow's connection hands
    over its own. Raises SettingsError without credentials or a region, AwsUnavailable or AwsRefused
    when AWS can't be reached or refuses, OtherLayout for tables of another version.
    """
    lake = refer_to_lake(settings, session, endpoint_url)
    if not iceberg_tables.check_tables(lake):
        _ensure_bucket(lake)
        iceberg_tables.ensure_tables(lake)
    return lake


def refer_to_lake(
    settings: Settings, session: boto3.Session | None = None, endpoint_url: str | None = None
) -> Lake:
    """Refer to the same lake for reading, without a request to AWS; nothing is created."""
    if endpoint_url:
        aws = settings.aws.model_copy(update={"endpoint_url": endpoint_url})
        settings = settings.model_copy(update={"aws": aws})
    return Lake(settings, session or shared_session())


def _ensure_bucket(lake: Lake) -> None:
    try:
        lake.s3.head_bucket(Bucket=lake.bucket)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("404", "NoSuchBucket"):
            raise
        _create_bucket(lake)


def _create_bucket(lake: Lake) -> None:
    # us-east-1 is the one region that S3 does not take as a location constraint.
    placed = {} if lake.region == "us-east-1" else {"LocationConstraint": lake.region}
    options = {"CreateBucketConfiguration": placed} if placed else {}
    try:
        lake.s3.create_bucket(Bucket=lake.bucket, **options)
    except ClientError as error:
        if error.response["Error"]["Code"] != "BucketAlreadyOwnedByYou":
            raise
