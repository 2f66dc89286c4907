"""EC2 instances of a source, found by their tags.

The host of an instance is named after the instance's id, which never changes; its address may.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from clickstream.collect.hosts import Host
from clickstream.settings import SourceSettings

RUNNING = "running"
GONE = ("shutting-down", "terminated")


def find_instances(ec2: Any, source: SourceSettings) -> list[Host]:
    """Return the hosts of a source's instances, by instance id, without terminated ones.

    `ec2` is a boto3 client. Raises the errors of boto3.
    """
    described = sorted(_describe_all(ec2, source), key=lambda instance: str(instance["InstanceId"]))
    return [
        _host(source, instance) for instance in described if instance["State"]["Name"] not in GONE
    ]


def _describe_all(ec2: Any, source: SourceSettings) -> Iterator[dict[str, Any]]:
    tags = source.instances.tags if source.instances else {}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    for page in ec2.get_paginator("describe_instances").paginate(Filters=filters):
        for reservation in page["Reservations"]:
            yield from reservation["Instances"]


def _host(source: SourceSettings, described: dict[str, Any]) -> Host:
    instance_id = str(described["InstanceId"])
    kind = source.instances.address if source.instances else "private"
    address = described.get("PrivateIpAddress" if kind == "private" else "PublicIpAddress") or ""
    state, name = str(described["State"]["Name"]), instance_name(source, instance_id)
    host = Host(name, source, address, key_name=instance_id)
    if state != RUNNING:
        problem = f"{name} is {state}. Nothing is lost: it is pulled when it runs again."
        return replace(host, problem=problem)
    return host if address else replace(host, problem=_no_address(name, kind), needs_person=True)


def instance_name(source: SourceSettings, instance_id: str) -> str:
    """Return the name of an instance's host."""
    return f"{source.name}.{instance_id}"


def gone_host(source: SourceSettings, name: str) -> Host:
    """Return the host of an instance that was pulled before and is not found any more."""
    problem = (
        f"{name} is terminated, or no longer has the source's tags. If it will not come back: "
        f"clickstream sources retire {name}"
    )
    instance_id = name.rpartition(".")[2]
    return Host(name, source, key_name=instance_id, problem=problem, needs_person=True)


def _no_address(name: str, kind: str) -> str:
    opposite = "public" if kind == "private" else "private"
    return (
        f"{name} has no {kind} address: give it one, or set address = '{opposite}' under its "
        "source's instances."
    )
