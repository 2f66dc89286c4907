"""EC2 instances of a source, found by their tags.

A host of an instance is named after the instance's id, which never changes; its address may.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from clickstream.collect.hosts import Host
from clickstream.settings import Source

RUNNING = "running"
GONE = ("shutting-down", "terminated")


def find_instances(ec2: Any, source: Source, instance_id: str = "") -> list[Host]:
    """Return the hosts of a source's instances, by instance id, whatever state they are in.

    `ec2` is a boto3 client. With `instance_id`, only that instance is asked for. Raises the errors
    of boto3.
    """
    described = sorted(_described(ec2, source, instance_id), key=lambda one: str(one["InstanceId"]))
    return [_host(source, one) for one in described]


def _described(ec2: Any, source: Source, instance_id: str) -> Iterator[dict[str, Any]]:
    tags = source.instances.tags if source.instances else {}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    if instance_id:
        filters.append({"Name": "instance-id", "Values": [instance_id]})
    for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
        for reservation in page["Reservations"]:
            yield from reservation["Instances"]


def _host(source: Source, described: dict[str, Any]) -> Host:
    instance_id = str(described["InstanceId"])
    kind = source.instances.address if source.instances else "private"
    address = described.get("PrivateIpAddress" if kind == "private" else "PublicIpAddress") or ""
    state = str(described["State"]["Name"])
    return Host(
        instance_name(source, instance_id),
        source,
        address,
        key_name=instance_id,
        problem=_problem(instance_name(source, instance_id), state, kind if not address else ""),
        is_gone=state in GONE,
    )


def instance_name(source: Source, instance_id: str) -> str:
    """The name of an instance's host."""
    return f"{source.name}.{instance_id}"


def gone_host(source: Source, name: str) -> Host:
    """The host of an instance that was pulled before and is not found any more."""
    return Host(name, source, key_name=_id_of(name), problem=_gone(name), is_gone=True)


def _id_of(name: str) -> str:
    return name.rpartition(".")[2]


def _problem(name: str, state: str, missing_address: str) -> str:
    if state in GONE:
        return _gone(name)
    if state != RUNNING:
        return f"{name} is {state}. Nothing is lost: it is pulled when it runs again."
    if missing_address:
        other = "public" if missing_address == "private" else "private"
        return (
            f"{name} has no {missing_address} address: give it one, or set address = '{other}' "
            "under its source's instances."
        )
    return ""


def _gone(name: str) -> str:
    return (
        f"{name} is terminated, or has the source's tags no more. If it will not come back: "
        f"clickstream sources retire {name}"
    )
