"""A deployment: its name, the names of its stacks, and the clients of AWS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from clickstream.aws.stacks import CloudStack, find_stack
from clickstream.errors import InputError
from clickstream.lake import Lake, refer_to_lake
from clickstream.settings import Settings

DEFAULT_NAME = "clickstream"
NAMES = re.compile("[a-z][a-z0-9-]{1,28}[a-z0-9]")
"""Names that fit into the names of a bucket, with account and region, and of a database."""

TAG = "clickstream"
"""Tag of all stacks and, by CloudFormation, of their resources; its value is the deployment."""

KINDS = ("lake", "airflow", "alarms", "web")
"""Kinds of stacks, each after those that it needs."""

DEPLOYED = ("lake", "airflow", "alarms")
"""Kinds of stacks that `clickstream aws deploy` creates."""


@dataclass(frozen=True)
class Deployment:
    """A deployment by its name, and the settings and the session that reach its account."""

    name: str
    settings: Settings
    session: boto3.Session | None = None

    def stack_name(self, kind: str) -> str:
        """Return the name of a stack."""
        return f"{self.name}-{kind}"

    def stack(self, kind: str) -> CloudStack | None:
        """Return a stack, or None if it does not exist."""
        return find_stack(self.client("cloudformation"), self.stack_name(kind))

    def needed_stack(self, kind: str) -> CloudStack:
        """Return a stack. Raises InputError if it does not exist."""
        if found := self.stack(kind):
            return found
        raise InputError(
            f"The stack {self.stack_name(kind)} does not exist in {self.account.region}. Create it "
            f"with `clickstream aws deploy`, or name the deployment and its region with --name and "
            "--region."
        )

    @cached_property
    def account(self) -> Lake:
        """The lake of the settings, of which only account, region and clients are used."""
        return refer_to_lake(self.settings, self.session)

    def client(self, service: str) -> Any:
        """Return the client of a service."""
        if service not in self._clients:
            self._clients[service] = self.account.client(service)
        return self._clients[service]

    @cached_property
    def _clients(self) -> dict[str, Any]:
        return {}

    @property
    def is_on_aws(self) -> bool:
        """Whether requests go to AWS, and not to one endpoint for all services."""
        return not self.settings.aws.endpoint_url

    def lake(self) -> Lake:
        """Return the lake of the stack: its names are those of the stack's outputs."""
        outputs = self.needed_stack("lake").outputs
        names = {"bucket": "Bucket", "database": "Database", "workgroup": "WorkGroup"}
        found = {ours: out for ours, theirs in names.items() if (out := outputs.get(theirs))}
        if prefix := outputs.get("KeyPrefix"):
            found["key_secret"] = f"{prefix}/visitor-keys"  # as airflow-ec2.yaml sets it
        section = self.settings.lake.model_copy(update=found)
        return refer_to_lake(self.settings.model_copy(update={"lake": section}), self.session)

    def instance(self) -> dict[str, Any] | None:
        """Return EC2's description of the host, or None without a host."""
        stack = self.stack("airflow")
        instance_id = stack.outputs.get("InstanceId") if stack else None
        if not instance_id:
            return None
        filters = [{"Name": "instance-id", "Values": [instance_id]}]
        answer = self.client("ec2").describe_instances(Filters=filters)
        found = [one for group in answer["Reservations"] for one in group["Instances"]]
        return found[0] if found else None
