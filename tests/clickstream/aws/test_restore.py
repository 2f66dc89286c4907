"""A restore gives the lake of a moment, and another restore undoes it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.clickstream.aws.versioned_copy import copy_lake, entries_of, set_time, state_of
from tests.support.faults_lakes import FIRST, contents, log_an_hour
from tests.support.lakes import aws_session, build_all
from typer.testing import CliRunner

from clickstream.aws import restore as work
from clickstream.aws.deployment import Deployment
from clickstream.cli import app
from clickstream.core.errors import RestoreRefused
from clickstream.lake import Lake, open_lake, refer_to_lake
from clickstream.lake.iceberg.pointers import current_pointers
from clickstream.lake.object_versions import histories, kept_days
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.maintenance import compact_days, expire_snapshots, sweep_files
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

BEFORE, AFTER, NOW = (datetime(2020, 1, day, 12, tzinfo=UTC) for day in (1, 2, 3))
LATER = datetime(2027, 1, 1, tzinfo=UTC)
"""Maintenance at this time compacts and deletes all that it may."""


def build(lake: Lake, *numbers: int) -> None:
    hours = [FIRST.plus(number) for number in numbers]
    for hour in hours:
        log_an_hour(lake.settings, hour)
    pull_source(lake, lake.settings.sources[0])
    build_all(lake, hours[0], hours[-1], "tests")


def maintain(lake: Lake) -> None:
    compact_days(lake, LATER)
    expire_snapshots(lake, LATER)
    sweep_files(lake, LATER)


def replace_lake(lake: Lake, source: Lake) -> Lake:
    """Give the local lake the state of another one, and open it as another process would."""
    copy_lake(source, lake)
    return open_lake(lake.settings, aws_session())


@pytest.fixture
def versioned(lake_settings: Settings, deployment: Deployment) -> Lake:
    """An empty lake of moto whose bucket keeps versions."""
    section = lake_settings.lake
    settings = deployment.settings.model_copy(update={"lake": section})
    lake = refer_to_lake(settings, deployment.session)
    lake.s3.create_bucket(Bucket=lake.bucket)
    enabled = {"Status": "Enabled"}
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration=enabled)
    lake.glue.create_database(DatabaseInput={"Name": lake.database})
    return lake


def test_a_restored_lake_has_the_rows_of_its_moment_and_can_be_restored_back(
    lake: Lake, versioned: Lake
) -> None:
    build(lake, 0)
    rows = contents(lake)
    copy_lake(lake, versioned, BEFORE)
    first = state_of(versioned)
    _leave_orphan(versioned)
    build(lake, 0, 1)  # more lines of a published hour, and a new hour
    maintain(lake)
    copy_lake(lake, versioned, AFTER)
    second = state_of(versioned)
    assert {*first} - {*second}

    plan = work.plan_restore(versioned, BEFORE, NOW)
    work.restore(versioned, plan, NOW)
    restored = state_of(versioned)
    assert {key: value for key, value in restored.items() if "orphan" not in key} == first
    assert work.plan_restore(versioned, BEFORE, NOW).is_empty
    here = replace_lake(lake, versioned)
    assert verify(here).is_proven
    for name, found in contents(here).items():
        assert found.equals(rows[name]), name
    pull_source(here, here.settings.sources[0])
    build_all(here, FIRST, FIRST.plus(1), "tests")
    assert verify(here).is_proven

    undo = work.plan_restore(versioned, AFTER, NOW)
    work.restore(versioned, undo, NOW + timedelta(seconds=1))
    assert state_of(versioned) == second


def _leave_orphan(lake: Lake) -> None:
    """Leave the metadata file of a process that was killed before its commit."""
    uri = next(iter(current_pointers(lake).values()))
    key = uri.removeprefix(lake.uri(""))
    directory, name = key.rsplit("/", 1)
    number = int(name.partition("-")[0]) + 1
    orphan = f"{directory}/{number:05d}-orphan.metadata.json"
    lake.s3.copy_object(CopySource=f"{lake.bucket}/{key}", Bucket=lake.bucket, Key=orphan)
    set_time(lake, orphan, BEFORE)


def test_tables_that_glue_lost_come_back_and_newer_ones_are_forgotten(
    lake: Lake, versioned: Lake
) -> None:
    copy_lake(lake, versioned, BEFORE)
    pointers, entries = current_pointers(versioned), entries_of(versioned)
    hits = entries.pop("hits")
    versioned.glue.delete_table(DatabaseName=versioned.database, Name="hits")
    newer = hits | {"Name": "newer", "Parameters": {"metadata_location": "s3://b/none"}}
    versioned.glue.create_table(DatabaseName=versioned.database, TableInput=newer)
    plan = work.plan_restore(versioned, BEFORE, NOW)
    assert plan.pointers == {"hits": pointers["hits"], "newer": None}
    assert "0 objects" in plan.sentence
    work.restore(versioned, plan, NOW)
    assert current_pointers(versioned) == pointers
    assert entries_of(versioned)["hits"]["StorageDescriptor"]["Columns"]


def test_moments_without_versions_and_active_runs_are_refused(
    versioned: Lake, deployment: Deployment
) -> None:
    s3, bucket = versioned.s3, versioned.bucket
    with pytest.raises(RestoreRefused, match="in the future"):
        work.plan_restore(versioned, NOW + timedelta(1), NOW)
    rules = [
        {
            "ID": name,
            "Status": "Enabled",
            "Prefix": prefix,
            "NoncurrentVersionExpiration": {"NoncurrentDays": days},
        }
        for name, prefix, days in (("results", "athena-results/", 1), ("all", "", 30))
    ]
    s3.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration={"Rules": rules})
    assert kept_days(versioned) == 30
    with pytest.raises(RestoreRefused, match="or before 2019-12-04 12:00 UTC"):
        work.plan_restore(versioned, NOW - timedelta(31), NOW)
    s3.put_object(Bucket=bucket, Key="publishing/hours/2020-01-03.json", Body=b"")
    set_time(versioned, "publishing/hours/2020-01-03.json", NOW - timedelta(minutes=29))
    with pytest.raises(RestoreRefused, match=r"began at 11:31 UTC .* after 2020-01-03 12:01 UTC"):
        work.refuse_active(deployment, versioned, NOW)
    work.refuse_active(deployment, versioned, NOW + timedelta(minutes=1))
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Suspended"})
    with pytest.raises(RestoreRefused, match="keeps no versions"):
        work.plan_restore(versioned, BEFORE, NOW)


def test_a_running_host_is_refused(deployment: Deployment) -> None:
    host = {"InstanceId": "i-1", "State": {"Name": "running"}}
    running = replace(deployment)
    running.__dict__["instance"] = lambda: host
    with pytest.raises(RestoreRefused, match=r"aws ec2 stop-instances .* --instance-ids i-1"):
        work.refuse_active(running, running.account, NOW)


def test_of_a_deletion_and_an_object_of_one_second_the_object_is_kept(versioned: Lake) -> None:
    s3, where = versioned.s3, {"Bucket": versioned.bucket, "Key": "raw/a"}
    s3.put_object(**where, Body=b"2")
    set_time(versioned, "raw/a", BEFORE)
    s3.delete_object(**where)
    set_time(versioned, "raw/a", BEFORE)
    s3.put_object(**where, Body=b"3")
    set_time(versioned, "raw/a", AFTER)
    [history] = histories(versioned)
    then = history.at(BEFORE)
    assert then
    assert s3.get_object(**where, VersionId=then.id)["Body"].read() == b"2"
    assert history.at(BEFORE - timedelta(seconds=1)) is None
    assert history.now
    assert history.differs(BEFORE)


def test_the_moment_is_read_in_utc() -> None:
    result = CliRunner().invoke(app, ["aws", "restore", "--to", "yesterday"])
    assert "write it like 2026-11-20T14:30, in UTC" in str(result.exception)
