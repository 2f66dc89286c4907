"""A deployment: its name, stacks, account and host, and the clients of AWS."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import boto3

from clickstream.aws.stacks import CloudStack, find_stack
from clickstream.core.errors import AwsRefused, InputError
from clickstream.lake import Lake, aws_errors, refer_to_lake
from clickstream.settings import Settings

DEFAULT_NAME = "clickstream"
NAMES = re.compile("[a-z][a-z0-9-]{1,28}[a-z0-9]")
"""Names that fit into the names of a bucket, with account and region, and of a database."""

TAG = "clickstream"
"""Tag of all stacks and, by CloudFormation, of their resources; its value is the deployment."""

KINDS = ("lake", "airflow", "alarms", "web")
"""Kinds of stacks, each after those that it needs."""

LAKE_FORMATION_REMEDY = (
    "Lake Formation decides about new databases and tables, so the policies of the roles do not "
    "suffice. In the Lake Formation console, Administration, Data Catalog settings, check both "
    "boxes `Use only IAM access control`. Or grant the role of Airflow CREATE_TABLE and DESCRIBE "
    "on the database, and the roles of Airflow and of the dashboard SELECT on its tables"
)


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
        if stack := self.stack(kind):
            return stack
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

    def describe_caller(self) -> str:
        """Return a line about the credentials. Raises AwsRefused if AWS does not accept them."""
        identity = self.client("sts").get_caller_identity()
        return f"Account {identity['Account']}, region {self.account.region}, as {identity['Arn']}"

    def has_iam_access(self) -> bool:
        """Return whether IAM policies alone decide about new databases and tables of Glue."""
        settings = self.client("lakeformation").get_data_lake_settings()["DataLakeSettings"]
        everyone = {"DataLakePrincipalIdentifier": "IAM_ALLOWED_PRINCIPALS"}
        default = {"Principal": everyone, "Permissions": ["ALL"]}
        names = ("CreateDatabaseDefaultPermissions", "CreateTableDefaultPermissions")
        return all(default in settings.get(name, ()) for name in names)

    def require_iam_access(self) -> None:
        """Raise AwsRefused if Lake Formation would refuse the roles of a new lake."""
        if not self.has_iam_access():
            raise AwsRefused(f"{LAKE_FORMATION_REMEDY}. Nothing is changed; then deploy again.")

    def lake(self) -> Lake:
        """Return the lake of the stack: its names are those of the stack's outputs."""
        outputs = self.needed_stack("lake").outputs
        fields = {"bucket": "Bucket", "database": "Database", "workgroup": "WorkGroup"}
        names = {field: name for field, output in fields.items() if (name := outputs.get(output))}
        if prefix := outputs.get("KeyPrefix"):
            names["key_secret"] = f"{prefix}/visitor-keys"  # as airflow-ec2.yaml sets it
        section = self.settings.lake.model_copy(update=names)
        return refer_to_lake(self.settings.model_copy(update={"lake": section}), self.session)

    def instance(self) -> dict[str, Any] | None:
        """Return EC2's description of the host, or None without a host."""
        stack = self.stack("airflow")
        instance_id = stack.outputs.get("InstanceId") if stack else None
        if not instance_id:
            return None
        filters = [{"Name": "instance-id", "Values": [instance_id]}]
        answer = self.client("ec2").describe_instances(Filters=filters)
        instances = [machine for group in answer["Reservations"] for machine in group["Instances"]]
        return instances[0] if instances else None

    def running_instance(self) -> str:
        """Return the id of the running host. Raises InputError if it does not run."""
        stack, instance = self.needed_stack("airflow"), self.instance()
        state = instance["State"]["Name"] if instance else "absent"
        if instance and state == "running":
            return str(instance["InstanceId"])
        raise InputError(
            f"The host of {stack.name} is {state}. Start the instance, or create it with "
            "`clickstream aws deploy --parameter Host=present`."
        )

    @aws_errors.translate_errors()
    def describe_state(self) -> list[tuple[str, str]]:
        """Return names and values of stacks, bundle and host.

        Raises InputError if no stack of the deployment exists.
        """
        stacks = {kind: self.stack(kind) for kind in KINDS}
        if not any(stacks.values()):
            self.needed_stack("lake")
        rows = [
            (self.stack_name(kind), stack.status if stack else "does not exist")
            for kind, stack in stacks.items()
            if stack or kind != "web"
        ]
        if host := stacks["airflow"]:
            machine, start = "absent", "no host"
            if instance := self.instance():
                state = instance["State"]["Name"]
                machine = f"{instance['InstanceId']}, {instance['InstanceType']}, {state}"
                start = self._describe_start(instance["InstanceId"])
            bundle = host.parameters.get("Bundle", "")
            rows += [("bundle", bundle), ("host", machine), ("start of the bundle", start)]
            if url := host.outputs.get("Url"):
                rows.append(("address", url))
        costs = f"in Cost Explorer by the tag {TAG} = {self.name}, once it is activated"
        return [*rows, ("costs", costs)]

    def _describe_start(self, instance_id: str) -> str:
        """Describe the newest run of the association that starts the bundle on the host."""
        ssm, document = self.client("ssm"), self.stack_name("airflow")
        answer = ssm.describe_instance_associations_status(InstanceId=instance_id)
        runs = [
            run
            for run in answer.get("InstanceAssociationStatusInfos", ())
            if run["Name"].startswith(document) and run.get("ExecutionDate")
        ]
        if not runs:
            return "the host has not run it yet"
        run = max(runs, key=lambda run: run["ExecutionDate"])
        summary = run.get("ExecutionSummary") or run.get("ErrorCode") or ""
        status = run.get("DetailedStatus") or run["Status"]
        return f"{status} at {run['ExecutionDate']:%Y-%m-%d %H:%M} UTC{summary and f': {summary}'}"
