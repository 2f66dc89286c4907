"""The lake on AWS: raw lines and bookmarks in S3, Iceberg tables in Glue, views in Athena.

Only this package and `collect/` import boto3 and pyiceberg. The same code works with AWS and with
the local AWS; only the endpoint differs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream.core.errors import AwsRefused
from clickstream.lake import aws_errors
from clickstream.lake.client import Lake, shared_session, warm_up
from clickstream.lake.iceberg_properties import check_tables
from clickstream.lake.s3_get import code
from clickstream.settings import Settings

if TYPE_CHECKING:
    import boto3

__all__ = ["Lake", "open_lake", "refer_to_lake", "shared_session", "warm_up"]


@aws_errors.translate_errors()
def open_lake(
    settings: Settings, session: boto3.Session | None = None, endpoint_url: str | None = None
) -> Lake:
    """Open the lake, and create what does not exist yet: bucket, database, tables.

    `session` and `endpoint_url`, if given, take precedence over the settings: Airflow's connection
    passes its own. Raises SettingsError without credentials or a region, AwsUnavailable or
    AwsRefused if AWS can't be reached or refuses, NewerLake for tables with unknown columns, and
    OtherBucket for tables in another bucket.
    """
    lake = refer_to_lake(settings, session, endpoint_url)
    if not check_tables(lake):
        from clickstream.lake.iceberg.table_schemas import ensure_tables  # imports pyiceberg

        _ensure_bucket(lake)
        ensure_tables(lake)
    return lake


def refer_to_lake(
    settings: Settings, session: boto3.Session | None = None, endpoint_url: str | None = None
) -> Lake:
    """Return a lake without a request to AWS, for reading; nothing is created."""
    if endpoint_url:
        aws = settings.aws.model_copy(update={"endpoint_url": endpoint_url})
        settings = settings.model_copy(update={"aws": aws})
    return Lake(settings, session or shared_session())


def _ensure_bucket(lake: Lake) -> None:
    """Create the bucket if it is missing. Raises AwsRefused if it is another account's.

    Anyone can guess a name with account and region, so a bucket of this name must be the account's.
    """
    is_named = lake.settings.lake.bucket or lake.settings.aws.endpoint_url
    owner = {} if is_named else {"ExpectedBucketOwner": lake.account}
    try:
        lake.s3.head_bucket(Bucket=lake.bucket, **owner)
    except lake.s3.exceptions.ClientError as error:
        if code(error) == "403":
            raise _of_another_account(lake) from None
        if code(error) not in ("404", "NoSuchBucket"):
            raise
        _create_bucket(lake)


def _create_bucket(lake: Lake) -> None:
    # us-east-1 is the only region that S3 does not accept as a location constraint.
    placed = {} if lake.region == "us-east-1" else {"LocationConstraint": lake.region}
    options = {"CreateBucketConfiguration": placed} if placed else {}
    try:
        lake.s3.create_bucket(Bucket=lake.bucket, **options)
    except lake.s3.exceptions.ClientError as error:
        if code(error) == "BucketAlreadyExists":
            raise _of_another_account(lake) from None
        if code(error) != "BucketAlreadyOwnedByYou":
            raise


def _of_another_account(lake: Lake) -> AwsRefused:
    return AwsRefused(
        f"AWS refused: the bucket {lake.bucket} belongs to another AWS account, or the role has no "
        "permission s3:ListBucket for it. If it is yours, grant this permission. Otherwise set "
        '[lake] bucket to another name, or to "" for a name with your account and region; then '
        "clear the task or run the command again. Nothing is lost."
    )
