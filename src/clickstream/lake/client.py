"""The `Lake`: settings, clients of the AWS services, and addresses of objects."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from clickstream.core.errors import AwsNotConfigured
from clickstream.lake.s3_get import ATTEMPTS, ObjectCache
from clickstream.settings import Settings
from clickstream.tables import TABLES, Table
from clickstream.tables.sales import SALES_TABLES

if TYPE_CHECKING:
    import boto3

    from clickstream.lake.iceberg.catalog import LakeCatalog


@dataclass(frozen=True)
class Lake:
    """One lake: its settings, and a session that creates its clients when they are first needed."""

    settings: Settings
    session: boto3.Session

    @cached_property
    def bucket(self) -> str:
        """The lake's S3 bucket: that of the settings, or else one of the account and region.

        An endpoint for all services is not AWS. It has one account, so the name needs no account.
        """
        if self.settings.lake.bucket or self._endpoint:
            return self.settings.lake.local_bucket
        return f"clickstream-{self.account}-{self.region}"

    @cached_property
    def account(self) -> str:
        """The id of the AWS account of the credentials, which STS returns."""
        return str(self.client("sts").get_caller_identity()["Account"])

    @property
    def database(self) -> str:
        """The lake's Glue database."""
        return self.settings.lake.database

    @property
    def tables(self) -> Sequence[Table]:
        """The tables of the lake; those of sales only if `[[sales]]` is set."""
        return (*TABLES, *SALES_TABLES) if self.settings.sales else TABLES

    def uri(self, key: str) -> str:
        """The s3:// address of a key of the lake."""
        return f"s3://{self.bucket}/{key}"

    @cached_property
    def s3(self) -> Any:
        """The client of S3; with path-style addresses, an endpoint can serve any bucket."""
        return self.client("s3", s3={"addressing_style": "path"} if self._endpoint else {})

    @cached_property
    def glue(self) -> Any:
        """The client of the Glue Data Catalog."""
        return self.client("glue")

    @cached_property
    def athena(self) -> Any:
        """The client of Athena."""
        return self.client("athena")

    @cached_property
    def secrets(self) -> Any:
        """The client of Secrets Manager."""
        return self.client("secretsmanager")

    @cached_property
    def ec2(self) -> Any:
        """The client of EC2, which lists the instances that logs are pulled from."""
        return self.client("ec2")

    @cached_property
    def catalog(self) -> LakeCatalog:
        """The Iceberg catalog. The endpoint is passed, as pyiceberg ignores AWS_ENDPOINT_URL."""
        from clickstream.lake.iceberg.catalog import LakeCatalog  # pyiceberg takes 0.4 s to import

        credentials = self.session.get_credentials()
        if credentials is None:
            raise AwsNotConfigured(
                "No AWS credentials found; run `aws configure` or set AWS_PROFILE."
            )
        properties = {
            "warehouse": self.uri("warehouse"),
            "client.region": self.region,
            "s3.endpoint": self._endpoint,
            "s3.connect-timeout": str(self._timeout),
            "s3.request-timeout": str(self._timeout),
        }
        options = {name: value for name, value in properties.items() if value}
        return LakeCatalog("glue", self.glue, self.s3, credentials, **options)

    @cached_property
    def staged_objects(self) -> ObjectCache:
        """Cache of the staged objects that this process used most recently."""
        return ObjectCache()

    @cached_property
    def memo(self) -> dict[str, Any]:
        """Facts about the lake that this process has determined, by name."""
        return {}

    def catalog_entries(self, names: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        """Return Glue's entries of tables and views by name, from one listing.

        A name that does not exist has no entry.
        """
        pages = self.glue.get_paginator("get_tables").paginate(
            DatabaseName=self.database, Expression="|".join(names)
        )
        try:
            return {entry["Name"]: entry for page in pages for entry in page["TableList"]}
        except self.glue.exceptions.EntityNotFoundException:
            return {}

    @property
    def region(self) -> str:
        """The AWS region, from settings or environment. Raises SettingsError without one."""
        region = self.settings.aws.region or self.session.region_name
        if not region:
            raise AwsNotConfigured("No AWS region; set region under [aws], or AWS_DEFAULT_REGION.")
        return region

    @property
    def _endpoint(self) -> str:
        return self.settings.aws.endpoint_url

    @property
    def _timeout(self) -> int:
        return self.settings.aws.timeout_seconds

    def client(self, service: str, **options: Any) -> Any:
        """Create a client of an AWS service, with the endpoint, region and retries of the lake."""
        from botocore.config import Config

        config = Config(
            retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
            connect_timeout=self._timeout,
            read_timeout=self._timeout,
            **options,
        )
        return self.session.client(
            service,
            region_name=self.region,
            endpoint_url=self._endpoint or None,
            config=config,
        )


def has_database(glue: Any, name: str) -> bool:
    """Whether a Glue database exists; `glue` is boto3's client."""
    try:
        glue.get_database(Name=name)
    except glue.exceptions.EntityNotFoundException:
        return False
    return True


def shared_session() -> boto3.Session:
    """Return boto3's default session; all clients of the process share what it has loaded."""
    import boto3  # takes 0.07 s, which commands on log files do not need

    if boto3.DEFAULT_SESSION is None:
        boto3.setup_default_session()
    return boto3.DEFAULT_SESSION


def warm_up() -> None:
    """Load the descriptions of the AWS services of a lake: most of the time to create a client.

    A process that forks workers calls this once, and its children open the lake quickly.
    """
    listings = {"s3": "list_objects_v2", "glue": "get_tables", "athena": "get_query_results"}
    for service in (*listings, "secretsmanager"):
        client = shared_session().client(service, region_name="us-east-1")
        if service in listings:
            client.get_paginator(listings[service])
