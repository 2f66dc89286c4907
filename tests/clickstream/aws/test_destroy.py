"""A deployment is destroyed without its data, or with all of it after two questions."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.clickstream.aws.builders import Recorder

from clickstream.aws.deploy import Deploy
from clickstream.aws.deployment import Deployment
from clickstream.aws.destroy import destroy
from clickstream.errors import InputError
from clickstream.lake import Lake


def deployed(deployment: Deployment, checkout: Path) -> Lake:
    Deploy(deployment, {}, Recorder().dialog).run(checkout)
    lake = deployment.lake()
    for body in (b"1" * 1000, b"2" * 1000):
        lake.s3.put_object(Bucket=lake.bucket, Key="raw/a", Body=body)
    lake.secrets.create_secret(Name="clickstream/visitor-keys/2026-11-03-30d", SecretString="k")
    lake.secrets.create_secret(Name="other/secret", SecretString="k")
    return lake


def has_bucket(lake: Lake) -> bool:
    return lake.bucket in [one["Name"] for one in lake.s3.list_buckets()["Buckets"]]


def secrets_of(lake: Lake) -> list[str]:
    return [one["Name"] for one in lake.secrets.list_secrets()["SecretList"]]


def test_all_is_deleted_only_if_the_name_of_the_bucket_is_typed(
    deployment: Deployment, checkout: Path
) -> None:
    lake = deployed(deployment, checkout)
    [volume] = deployment.client("ec2").describe_volumes(
        Filters=[{"Name": "size", "Values": ["20"]}]
    )["Volumes"]
    deployment.client("ec2").create_snapshot(VolumeId=volume["VolumeId"])
    no = Recorder(stop_at="Delete all data?")
    with pytest.raises(KeyboardInterrupt):
        destroy(deployment, delete_data=True, dialog=no.dialog)
    with pytest.raises(InputError, match=f"not the name {lake.bucket}. Nothing is deleted"):
        destroy(deployment, True, Recorder(typed=["clickstream"]).dialog)
    assert deployment.stack("airflow")

    caller = Recorder(typed=[lake.bucket])
    destroy(deployment, delete_data=True, dialog=caller.dialog)
    assert len(caller.questions) == 2
    assert "1 secret of Secrets Manager x $0.40 = $0.40" in caller.text
    assert "at most 20 GB x $0.05 = $1.00" in caller.text
    assert deployment.stack("alarms") is deployment.stack("airflow") is None
    assert deployment.stack("lake") is None
    assert (has_bucket(lake), secrets_of(lake)) == (False, ["other/secret"])
    own = deployment.client("ec2").describe_snapshots(
        Filters=[{"Name": "volume-id", "Values": [volume["VolumeId"]]}]
    )
    assert own["Snapshots"] == []
    with pytest.raises(InputError, match="does not exist"):
        destroy(deployment, True, caller.dialog)


def test_secrets_that_another_lake_may_use_are_kept(deployment: Deployment, checkout: Path) -> None:
    lake = deployed(deployment, checkout)
    other = Deployment("shop", deployment.settings, deployment.session)
    Deploy(other, {}, Recorder().dialog).run(checkout)
    lake.secrets.create_secret(Name="shop/visitor-keys/2026-11-03-30d", SecretString="k")
    caller = Recorder(typed=[other.lake().bucket])
    destroy(other, True, caller.dialog)
    assert has_bucket(lake)
    assert "1 secret" in caller.text
    assert len(secrets_of(lake)) == 2
    Deploy(other, {"KeyPrefix": "clickstream"}, Recorder().dialog).run(checkout)
    caller = Recorder(typed=[other.lake().bucket])
    destroy(other, True, caller.dialog)
    assert "0 secrets" in caller.text
    assert len(secrets_of(lake)) == 2
