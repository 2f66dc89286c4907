"""A deployment is destroyed without its data, or with all of it after two questions."""

from __future__ import annotations

from pathlib import Path

from click.testing import Result
from tests.clickstream.aws.builders import Recorder
from typer.testing import CliRunner

from clickstream.aws.deployment import Deployment
from clickstream.cli import app
from clickstream.lake import Lake


def deployed(deployment: Deployment, checkout: Path) -> Lake:
    Recorder().deploy(deployment).run(checkout)
    lake = deployment.lake()
    for body in (b"1" * 1000, b"2" * 1000):
        lake.s3.put_object(Bucket=lake.bucket, Key="raw/a", Body=body)
    lake.secrets.create_secret(Name="clickstream/visitor-keys/2026-11-03-30d", SecretString="k")
    lake.secrets.create_secret(Name="other/secret", SecretString="k")
    return lake


def destroy_with_data(*answers: str, name: str = "clickstream") -> Result:
    command = ["aws", "destroy", "--delete-data", "--name", name, "--region", "us-east-1"]
    return CliRunner().invoke(app, command, input="".join(f"{answer}\n" for answer in answers))


def has_bucket(lake: Lake) -> bool:
    return lake.bucket in [bucket["Name"] for bucket in lake.s3.list_buckets()["Buckets"]]


def secrets_of(lake: Lake) -> list[str]:
    return [secret["Name"] for secret in lake.secrets.list_secrets()["SecretList"]]


def test_all_is_deleted_only_if_the_name_of_the_bucket_is_typed(
    deployment: Deployment, checkout: Path
) -> None:
    lake = deployed(deployment, checkout)
    [volume] = deployment.client("ec2").describe_volumes(
        Filters=[{"Name": "size", "Values": ["20"]}]
    )["Volumes"]
    deployment.client("ec2").create_snapshot(VolumeId=volume["VolumeId"])
    assert "Aborted" in destroy_with_data("n").output
    refused = str(destroy_with_data("y", "clickstream", "y").exception)
    assert f"not the name {lake.bucket}. Nothing is deleted" in refused
    assert "Aborted" in destroy_with_data("y", lake.bucket, "n").output
    assert deployment.stack("airflow")

    destroyed = destroy_with_data("y", lake.bucket, "y")
    assert "1 secret of Secrets Manager x $0.40 = $0.40" in destroyed.stdout
    assert "at most 20 GB x $0.05 = $1.00" in destroyed.stdout
    assert deployment.stack("alarms") is deployment.stack("airflow") is None
    assert deployment.stack("lake") is None
    assert (has_bucket(lake), secrets_of(lake)) == (False, ["other/secret"])
    own = deployment.client("ec2").describe_snapshots(
        Filters=[{"Name": "volume-id", "Values": [volume["VolumeId"]]}]
    )
    assert own["Snapshots"] == []
    assert "does not exist" in str(destroy_with_data().exception)


def test_secrets_that_another_lake_may_use_are_kept(deployment: Deployment, checkout: Path) -> None:
    lake = deployed(deployment, checkout)
    shop = Deployment("shop", deployment.settings, deployment.session)
    Recorder().deploy(shop).run(checkout)
    lake.secrets.create_secret(Name="shop/visitor-keys/2026-11-03-30d", SecretString="k")
    bucket = shop.lake().bucket
    destroyed = destroy_with_data("y", bucket, "y", name="shop")
    assert has_bucket(lake)
    assert "1 secret" in destroyed.stdout
    assert len(secrets_of(lake)) == 2
    Recorder().deploy(shop, KeyPrefix="clickstream").run(checkout)
    destroyed = destroy_with_data("y", bucket, "y", name="shop")
    assert "0 secrets" in destroyed.stdout
    assert len(secrets_of(lake)) == 2
