"""A role of AWS opens a lake: with a key that is replaced, and with few permissions."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from botocore.credentials import RefreshableCredentials
from tests.support.faults_lakes import FIRST, log_an_hour, through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, answers, passes
from tests.support.lakes import aws_session
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.errors import AwsRefused
from clickstream.lake import open_lake, refer_to_lake
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

ACCOUNT = "000000000000"
KEY = re.compile(r"Credential=([^/]+)/[^/]+/[^/]+/([^/]+)")
CREATIONS = ("CreateDatabase", "PUT bucket")
DENIED = answers(403, "AccessDeniedException")


class Role:
    """A role whose key is replaced after an hour."""

    def __init__(self) -> None:
        self.number = 1
        self._now = datetime(2026, 11, 20, tzinfo=UTC)
        self.credentials = RefreshableCredentials.create_from_metadata(
            self._fetch(), self._fetch, "test"
        )
        self.credentials._time_fetcher = lambda: self._now

    @property
    def key(self) -> str:
        return f"AKID{self.number}"

    def replace_key(self) -> None:
        self.number += 1
        self._now += timedelta(hours=1)

    def _fetch(self) -> dict[str, str]:
        ends_at = (self._now + timedelta(hours=1)).isoformat()
        values = {"access_key": self.key, "secret_key": "s", "token": self.key}
        return {**values, "expiry_time": ends_at}


def key_and_service(exchange: Exchange) -> tuple[str, str]:
    """The key that a request is signed with, and the service that it asks."""
    found = KEY.search(exchange.handler.headers["Authorization"])
    assert found
    return found[1], found[2]


def without_bucket(settings: Settings) -> Settings:
    lake = settings.lake.model_copy(update={"bucket": ""})
    return settings.model_copy(update={"lake": lake})


def test_a_role_that_may_create_neither_bucket_nor_database_builds_hours_with_its_current_key(
    lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    local_aws.client("s3").create_bucket(Bucket=lake_settings.lake.bucket)
    local_aws.client("glue").create_database(DatabaseInput={"Name": lake_settings.lake.database})
    role, asked = Role(), Counter[tuple[bool, str]]()

    def note(exchange: Exchange) -> Fault:
        is_arrow = exchange.handler.headers["User-Agent"].startswith("aws-sdk-cpp")
        asked[is_arrow, key_and_service(exchange)[0]] += 1
        return DENIED if exchange.name in CREATIONS else passes

    for hour in (FIRST, FIRST.plus(1)):
        log_an_hour(lake_settings, hour)
    with FaultsProxy(local_aws.endpoint, note) as proxy:
        lake = open_lake(through(lake_settings, proxy), aws_session(role.credentials))
        pull_source(lake, lake.settings.sources[0])
        for hour in (FIRST, FIRST.plus(1)):
            asked.clear()
            build_hour(lake, hour, "tests")
            assert asked.keys() == {(True, role.key), (False, role.key)}
            role.replace_key()


@pytest.mark.parametrize(
    ("request_name", "refusal"),
    [
        ("HEAD bucket", answers(403, "AccessDenied")),
        ("PUT bucket", answers(409, "BucketAlreadyExists")),
    ],
)
def test_a_bucket_of_another_account_is_named_with_what_to_do(
    lake_settings: Settings, local_aws: LocalAwsProcess, request_name: str, refusal: Fault
) -> None:
    def refuse(exchange: Exchange) -> Fault:
        return refusal if exchange.name == request_name else passes

    with (
        FaultsProxy(local_aws.endpoint, refuse) as proxy,
        pytest.raises(
            AwsRefused, match=r"belongs to another .* s3:ListBucket .* another name"
        ) as e,
    ):
        open_lake(through(lake_settings, proxy), aws_session())
    assert lake_settings.lake.bucket in str(e.value)


def test_an_empty_bucket_is_the_accounts_own_on_aws_and_has_a_constant_name_elsewhere(
    lake_settings: Settings, local_aws: LocalAwsProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The owner is checked, as anyone can create a bucket of the account's name first."""
    services: Counter[str] = Counter()
    owners: set[str | None] = set()

    def note(exchange: Exchange) -> Fault:
        services[key_and_service(exchange)[1]] += 1
        if exchange.name == "HEAD bucket":
            owners.add(exchange.handler.headers["x-amz-expected-bucket-owner"])
        return passes

    unnamed = without_bucket(lake_settings)
    assert refer_to_lake(unnamed, aws_session()).bucket == "clickstream-lake"
    assert refer_to_lake(lake_settings, aws_session()).bucket == lake_settings.lake.bucket
    with FaultsProxy(local_aws.endpoint, note) as proxy:
        monkeypatch.setenv("AWS_ENDPOINT_URL", proxy.endpoint)
        at_aws = unnamed.model_copy(
            update={"aws": unnamed.aws.model_copy(update={"endpoint_url": ""})}
        )
        lake = open_lake(at_aws, aws_session())
        assert lake.bucket == f"clickstream-{ACCOUNT}-{lake.region}"
        assert lake.uri("raw/") == f"s3://{lake.bucket}/raw/"
    assert (services["sts"], owners) == (1, {ACCOUNT})
