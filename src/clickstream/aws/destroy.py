"""Destroy a deployment: its stacks, and its data only if the caller asks for it.

Without `delete_data`, bucket, Glue database, secrets and snapshots of the volume stay. A later
deployment of this name uses them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from clickstream.aws.deployment import DEFAULT_NAME, KINDS, TAG, Deployment
from clickstream.aws.dialog import Dialog
from clickstream.aws.stacks import CloudStack, delete_stack, parse_stack
from clickstream.errors import InputError
from clickstream.lake import Lake, aws_errors
from clickstream.lake.object_versions import delete_all_versions, histories
from clickstream.lake.visitor_keys import listed_secrets
from clickstream.settings.privacy import KEY_DOLLARS
from clickstream.wording import quantity

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
def destroy(deployment: Deployment, delete_data: bool, dialog: Dialog) -> None:
    """Delete the stacks, and with `delete_data` also the data. All questions come first.

    Raises InputError if the deployment does not exist, or if the bucket's name is not typed.
    """
    stacks = [stack for kind in reversed(KINDS) if (stack := deployment.stack(kind))]
    if not stacks:
        deployment.needed_stack("lake")
    data = _find_data(deployment)
    for stack in stacks:
        dialog.say(f"The stack {stack.name} will be deleted.")
    if data:
        _agree_on(data, delete_data, dialog)
    dialog.confirm(f"Delete {quantity(len(stacks), 'stack')}?")
    for stack in stacks:
        _delete(deployment, stack, dialog)
    if data and delete_data:
        _delete_data(deployment, data, dialog)


def _agree_on(data: Data, delete_data: bool, dialog: Dialog) -> None:
    """Show what stays or is deleted. To delete it, the name of the bucket has to be typed."""
    verb = "will be deleted for good" if delete_data else "stays, with its price for a month"
    dialog.say(f"The data {verb}:")
    for line in data.lines:
        dialog.say(f"  {line}")
    if not delete_data:
        dialog.say("To delete it as well: clickstream aws destroy --delete-data")
        return
    dialog.confirm("Delete all data? It can't be restored.")
    if dialog.ask_text("Type the name of the bucket") != data.lake.bucket:
        raise InputError(f"That is not the name {data.lake.bucket}. Nothing is deleted.")


def _delete(deployment: Deployment, stack: CloudStack, dialog: Dialog) -> None:
    events = delete_stack(deployment.client("cloudformation"), stack, dialog.progress)
    kept = [one.resource for one in events if one.status == "DELETE_SKIPPED"]
    stays = f" It leaves {', '.join(kept)}." if kept else ""
    dialog.say(f"Stack {stack.name}: deleted.{stays}")


def _find_data(deployment: Deployment) -> Data | None:
    """Return what the deployment stores; None if the stack of the lake was never complete."""
    stack = deployment.stack("lake")
    if not stack or not stack.outputs.get("Bucket"):
        return None
    lake = deployment.lake()
    size = sum(version.size for one in histories(lake) for version in one.versions)
    volumes = _volumes(deployment)
    found = deployment.client("ec2").describe_volumes(VolumeIds=volumes) if volumes else {}
    gigabytes = sum(one["Size"] for one in found.get("Volumes", ()))
    return Data(lake, size, _secrets(deployment, lake), volumes, gigabytes)


def _volumes(deployment: Deployment) -> list[str]:
    """Return the ids of the volumes of the stack of the host."""
    stack = deployment.stack("airflow")
    if not stack:
        return []
    pages = deployment.client("cloudformation").get_paginator("list_stack_resources")
    resources = [
        one
        for page in pages.paginate(StackName=stack.id)
        for one in page["StackResourceSummaries"]
        if one["ResourceType"] == "AWS::EC2::Volume"
    ]
    return [one["PhysicalResourceId"] for one in resources if one.get("PhysicalResourceId")]


def _secrets(deployment: Deployment, lake: Lake) -> list[str]:
    """Return the names of the secrets of visitor keys and customers that only this lake uses.

    Lakes of one account and region share them if their parameters KeyPrefix are equal.
    """
    own = deployment.needed_stack("lake")
    pages = deployment.client("cloudformation").get_paginator("describe_stacks").paginate()
    others = [
        parse_stack(stack)
        for page in pages
        for stack in page["Stacks"]
        if stack["StackName"].endswith("-lake") and stack["StackId"] != own.id and _has_tag(stack)
    ]
    if any(_key_prefix(one) == _key_prefix(own) for one in others):
        return []
    return [one["Name"] for one in listed_secrets(lake)]


def _key_prefix(lake: CloudStack) -> str:
    """Return the first part of the names of a lake's secrets."""
    return lake.parameters.get("KeyPrefix", DEFAULT_NAME)


def _has_tag(stack: Mapping[str, Any]) -> bool:
    """Return whether a stack belongs to a deployment."""
    return any(tag["Key"] == TAG for tag in stack.get("Tags", ()))


def _delete_data(deployment: Deployment, data: Data, dialog: Dialog) -> None:
    """Delete objects, bucket, tables, secrets and snapshots. Missing ones are no error."""
    lake = data.lake
    number = delete_all_versions(lake)
    lake.s3.delete_bucket(Bucket=lake.bucket)
    dialog.say(
        f"Bucket {lake.bucket}: {quantity(number, 'version')} of objects deleted, and itself."
    )
    with suppress(lake.glue.exceptions.EntityNotFoundException):
        lake.glue.delete_database(Name=lake.database)
    for name in data.secrets:
        lake.secrets.delete_secret(SecretId=name, ForceDeleteWithoutRecovery=True)
    dialog.say(f"Database {lake.database} and {quantity(len(data.secrets), 'secret')}: deleted.")
    if data.volumes:
        _delete_snapshots(deployment, data.volumes, dialog)


def _delete_snapshots(deployment: Deployment, volumes: Sequence[str], dialog: Dialog) -> None:
    ec2 = deployment.client("ec2")
    pages = ec2.get_paginator("describe_snapshots").paginate(
        OwnerIds=["self"], Filters=[{"Name": "volume-id", "Values": [*volumes]}]
    )
    snapshots = [one["SnapshotId"] for page in pages for one in page["Snapshots"]]
    for snapshot in snapshots:
        ec2.delete_snapshot(SnapshotId=snapshot)
    dialog.say(f"{quantity(len(snapshots), 'snapshot')} of the data volume: deleted.")
