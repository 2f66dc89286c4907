"""The bucket, database and workgroup of infra/lake.yaml."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.infra.policies import Statement
from tests.infra.templates import INFRA, TEMPLATES, Stack, load_template

from clickstream import settings
from clickstream.settings.sections import QUERY_RESULTS

TEMPLATE = load_template("lake.yaml")
STACK = Stack(TEMPLATE, "clickstream-lake")
ROOT = Path(__file__).parents[2]


def test_the_bucket_is_private_encrypted_versioned_and_kept() -> None:
    (bucket,) = STACK.resources("AWS::S3::Bucket").values()
    assert set(bucket["PublicAccessBlockConfiguration"].values()) == {True}
    assert len(bucket["PublicAccessBlockConfiguration"]) == 4
    (rule,) = bucket["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert rule["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    assert bucket["OwnershipControls"]["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert bucket["VersioningConfiguration"] == {"Status": "Enabled"}
    for kept in ("Bucket", "Database"):
        resource = TEMPLATE["Resources"][kept]
        assert (resource["DeletionPolicy"], resource["UpdateReplacePolicy"]) == ("Retain", "Retain")


def test_deleted_objects_results_and_logs_expire() -> None:
    (bucket,) = Stack(TEMPLATE, "lake", {"LogDays": 9}).resources("AWS::S3::Bucket").values()
    rules = {rule.pop("Id"): rule for rule in bucket["LifecycleConfiguration"]["Rules"]}
    assert {rule.pop("Status") for rule in rules.values()} == {"Enabled"}
    deleted = rules["replaced-and-deleted-objects"]
    assert "Prefix" not in deleted
    assert deleted["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert deleted["ExpiredObjectDeleteMarker"]
    assert deleted["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 7}
    for name, prefix in (("query-results", QUERY_RESULTS), ("staged-rows", "staging/")):
        assert rules[name]["Prefix"] == prefix
        assert rules[name]["ExpirationInDays"] > settings.MaintenanceSettings().grace_days
    assert (rules["logs"]["Prefix"], rules["logs"]["ExpirationInDays"]) == ("logs/", 9)


def test_requests_without_tls_are_denied() -> None:
    (policy,) = STACK.resources("AWS::S3::BucketPolicy").values()
    (statement,) = policy["PolicyDocument"]["Statement"]
    arn = STACK.attribute("Bucket", "Arn")
    assert statement == {
        "Sid": "OnlyTls",
        "Effect": "Deny",
        "Principal": "*",
        "Action": "s3:*",
        "Resource": [arn, f"{arn}/*"],
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }


def test_queries_have_a_byte_limit_and_results_in_the_bucket() -> None:
    (workgroup,) = STACK.resources("AWS::Athena::WorkGroup").values()
    chosen = workgroup["WorkGroupConfiguration"]
    assert chosen["EnforceWorkGroupConfiguration"]
    assert chosen["BytesScannedCutoffPerQuery"] == 20_000_000_000
    location = chosen["ResultConfiguration"]["OutputLocation"]
    assert location == f"s3://{STACK.ref('Bucket')}/{QUERY_RESULTS}"


def test_defaults_are_those_of_the_settings() -> None:
    lake = settings.load(ROOT / "cafe.toml", {}).lake
    assert STACK.ref("Database") == lake.database
    assert STACK.ref("KeyPrefix") == lake.key_secret.partition("/")[0]
    assert STACK.ref("Bucket") == "clickstream-000000000000-us-east-1"
    assert Stack(TEMPLATE, "lake", {"BucketName": "own"}).ref("Bucket") == "own"


def test_outputs_are_exported_by_the_name_of_the_stack() -> None:
    outputs = STACK.resolve(TEMPLATE["Outputs"])
    for name, output in outputs.items():
        assert output["Export"]["Name"] == f"clickstream-lake-{name}"
    assert outputs["SparkRoleArn"]["Value"].startswith("arn:aws:iam::000000000000:role/")


def test_lines_of_templates_are_short() -> None:
    for name in TEMPLATES:
        assert all(len(line) <= 120 for line in (INFRA / name).read_text().splitlines()), name


@pytest.mark.parametrize(
    "change",
    [
        {"Effect": "Deny"},
        {"NotAction": "s3:*"},
        {"Condition": {"StringLike": {"s3:prefix": "raw/*"}}},
    ],
)
def test_elements_of_policies_that_the_tests_do_not_know_are_refused(change: dict) -> None:
    known = {"Sid": "S", "Effect": "Allow", "Action": "s3:Get*", "Resource": "arn:aws:s3:::l/?"}
    statement = Statement.parse("P", known)
    assert statement.allows("s3:getobject", "arn:aws:s3:::l/k")
    assert not statement.allows("s3:GetObject", "arn:aws:s3:::l/key")
    assert not statement.allows("s3:PutObject", "arn:aws:s3:::l/k")
    with pytest.raises(ValueError, match="don't know"):
        Statement.parse("P", known | change)
