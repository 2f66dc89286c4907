"""Destroy a deployment: its stacks, and its data only if the caller asks for it.

Without its data, bucket, Glue database, secrets and snapshots of the volume stay. A later
deployment of this name uses them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass

from clickstream.aws.deployment import DEFAULT_NAME, KINDS, TAG, Deployment
from clickstream.aws.stacks import CloudStack, Say, delete_stack, parse_stack
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors
from clickstream.lake.object_versions import delete_all_versions, histories
from clickstream.lake.visitor_keys import listed_secrets
from clickstream.settings.privacy import KEY_DOLLARS

BUCKET_DOLLARS, SNAPSHOT_DOLLARS = 0.023, 0.05
"""Prices of a GB for a month (us-east-1, November 2026): S3 Standard, and EBS snapshots."""


@dataclass(frozen=True)
class Data:
    """What a deployment stores: `size` are the bytes of all versions of all objects."""

    lake: Lake
    size: int
    secrets: Sequence[str]
    volumes: Sequence[str]
    volume_gb: int

    @property
    def lines(self) -> Iterator[str]:
        """What stays with its price for a month."""
        gigabytes = self.size / 1e9
        yield (
            f"the bucket {self.lake.bucket}: {gigabytes:,.2f} GB x ${BUCKET_DOLLARS} = "
            f"${gigabytes * BUCKET_DOLLARS:,.2f}"
        )
        yield f"the Glue database {self.lake.database}: $0"
        yield (
            f"{quantity(len(self.secrets), 'secret')} of Secrets Manager x ${KEY_DOLLARS:.2f} = "
            f"${len(self.secrets) * KEY_DOLLARS:,.2f}"
        )
        if self.volumes:
            yield (
                f"snapshots of the data volume: at most {self.volume_gb} GB x ${SNAPSHOT_DOLLARS} "
                f"= ${self.volume_gb * SNAPSHOT_DOLLARS:,.2f} for each full copy"
            )


@aws_errors.translate_errors()
def find_stacks(deployment: Deployment) -> list[CloudStack]:
    """Return the stacks in the order of their deletion. Raises InputError if none exists."""
    stacks = [stack for kind in reversed(KINDS) if (stack := deployment.stack(kind))]
    return stacks or [deployment.needed_stack("lake")]


@aws_errors.translate_errors()
def find_data(deployment: Deployment) -> Data | None:
    """Return what the deployment stores; None if the stack of the lake was never complete."""
    stack = deployment.stack("lake")
    if not stack or not stack.outputs.get("Bucket"):
        return None
    lake = deployment.lake()
    size = sum(version.size for history in histories(lake) for version in history.versions)
    volumes = _volumes(deployment)
    described = deployment.client("ec2").describe_volumes(VolumeIds=volumes) if volumes else {}
    gigabytes = sum(volume["Size"] for volume in described.get("Volumes", ()))
    return Data(lake, size, _secrets(deployment, lake, stack), volumes, gigabytes)


def _volumes(deployment: Deployment) -> list[str]:
    """Return the ids of the volumes of the stack of the host."""
    stack = deployment.stack("airflow")
    if not stack:
        return []
    pages = deployment.client("cloudformation").get_paginator("list_stack_resources")
    return [
        resource["PhysicalResourceId"]
        for page in pages.paginate(StackName=stack.id)
        for resource in page["StackResourceSummaries"]
        if resource["ResourceType"] == "AWS::EC2::Volume" and resource.get("PhysicalResourceId")
    ]


def _secrets(deployment: Deployment, lake: Lake, own: CloudStack) -> list[str]:
    """Return the names of the secrets of visitor keys and customers that only this lake uses.

    Lakes of one account and region share them if their parameters KeyPrefix are equal.
    """
    pages = deployment.client("cloudformation").get_paginator("describe_stacks").paginate()
    lakes = [
        parse_stack(stack)
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].endswith("-lake")
        if any(tag["Key"] == TAG for tag in stack.get("Tags", ()))
    ]
    prefixes = [
        stack.parameters.get("KeyPrefix", DEFAULT_NAME) for stack in lakes if stack.id != own.id
    ]
    if own.parameters.get("KeyPrefix", DEFAULT_NAME) in prefixes:
        return []
    return [secret["Name"] for secret in listed_secrets(lake)]


@aws_errors.translate_errors()
def delete_stacks(deployment: Deployment, stacks: Sequence[CloudStack], say: Say) -> None:
    """Delete stacks one after the other. Raises DeploymentFailed if one can't be deleted."""
    for stack in stacks:
        delete_stack(deployment.client("cloudformation"), stack, say)


@aws_errors.translate_errors()
def delete_data(deployment: Deployment, data: Data, say: Say) -> None:
    """Delete objects, bucket, tables, secrets and snapshots. Missing ones are no error."""
    lake = data.lake
    number = delete_all_versions(lake)
    lake.s3.delete_bucket(Bucket=lake.bucket)
    say(f"Bucket {lake.bucket}: {quantity(number, 'version')} of objects deleted, and itself.")
    with suppress(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.delete_database(Name=lake.database)
    for name in data.secrets:
        lake.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    say(f"Database {lake.database} and {quantity(len(data.secrets), 'secret')}: deleted.")
    if not data.volumes:
        return
    ec2 = deployment.client("ec2")
    pages = ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": "volume-id", "Values": [*data.volumes]}]
    )
    snapshots = [snapshot["SnapshotId"] for page in pages for snapshot in page["Snapshots"]]
    for snapshot in snapshots:
        ec2.delete_snapshot(SnapshotId=snapshot)
    say(f"{quantity(len(snapshots), 'snapshot')} of the data volume: deleted.")
