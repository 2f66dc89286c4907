"""Hosts: the machines of a source, each with a permanent name for bookmarks and raw objects.

A source names its hosts, or EC2 finds them by their tags. The host of an instance is named after
the instance's id, which never changes; its address may.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from typing import Any

from clickstream.settings import SourceSettings

SSH_PORT = 22

RUNNING = "running"
GONE = ("shutting-down", "terminated")

_UNUSUAL = re.compile(r"[^A-Za-z0-9._-]")
"""Characters of a connection's id that a key in S3 should not have."""


@dataclass(frozen=True)
class Host:
    """One machine that has a source's files.

    `name` never changes: `web` for the directory of source `web`, `web.shop-1.example` for a host
    by name, `web.i-0abc` for an EC2 instance, whatever its address is, and `web.shop_ssh` for the
    only host of an Airflow connection `shop_ssh`, whose address only the connection has. `key_name`
    is the name under which the host's key is trusted; it is empty for a host without an address.
    `problem` says why the host can't be reached now, for example because its instance is stopped;
    it is empty for all others. `needs_person` means that the problem stays until a person changes
    something.
    """

    name: str
    source: SourceSettings
    address: str = ""
    port: int = SSH_PORT
    key_name: str = ""
    problem: str = ""
    needs_person: bool = False


@dataclass(frozen=True)
class HostLogin:
    """How to log in to a host, as plain values; no representation of it contains secrets.

    `private_key` is the text of a key, `key_file` the path of one. `host_key`, a line such as
    `ssh-ed25519 AAAA…`, is trusted in addition to those in the file of known hosts. `address` and
    `port` are used for a host that its source does not name.
    """

    user: str
    key_file: str = ""
    private_key: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    host_key: str = ""
    address: str = ""
    port: int = SSH_PORT


def this_machine(source: SourceSettings) -> list[Host]:
    """Return the one host of a directory of this machine."""
    return [Host(source.name, source)]


def named_hosts(source: SourceSettings) -> list[Host]:
    """Return the hosts that a remote source names itself: all but its EC2 instances."""
    if source.connection and not source.hosts and not source.instances:
        return [Host(f"{source.name}.{_UNUSUAL.sub('-', source.connection)}", source)]
    hosts = []
    for text in source.hosts:
        address, _, port = text.partition(":")
        label = address.lower() + (f"_{port}" if port else "")
        key_name = f"[{address}]:{port}" if port else address
        name = f"{source.name}.{label}"
        hosts.append(Host(name, source, address, int(port or SSH_PORT), key_name))
    return hosts


def find_instances(ec2: Any, source: SourceSettings) -> list[Host]:
    """Return the hosts of a source's instances, by instance id, without terminated ones.

    `ec2` is a boto3 client. Raises the errors of boto3.
    """
    tags = source.instances.tags if source.instances else {}
    filters = [{"Name": f"tag:{key}", "Values": [value]} for key, value in tags.items()]
    hosts = [
        _instance_host(source, instance)
        for page in ec2.get_paginator("describe_instances").paginate(Filters=filters)
        for reservation in page["Reservations"]
        for instance in reservation["Instances"]
        if instance["State"]["Name"] not in GONE
    ]
    return sorted(hosts, key=lambda host: host.key_name)  # the instance's id


def _instance_host(source: SourceSettings, described: dict[str, Any]) -> Host:
    instance_id = str(described["InstanceId"])
    kind = source.instances.address if source.instances else "private"
    address = described.get("PrivateIpAddress" if kind == "private" else "PublicIpAddress") or ""
    state, name = str(described["State"]["Name"]), instance_name(source, instance_id)
    host = Host(name, source, address, key_name=instance_id)
    if state != RUNNING:
        problem = f"{name} is {state}. Nothing is lost: it is pulled when it runs again."
        return replace(host, problem=problem)
    if not address:
        opposite = "public" if kind == "private" else "private"
        problem = (
            f"{name} has no {kind} address: give it one, or set address = '{opposite}' under its "
            "source's instances."
        )
        return replace(host, problem=problem, needs_person=True)
    return host


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
