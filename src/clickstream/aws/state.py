"""The state of a deployment: its stacks, its bundle and its host."""

from __future__ import annotations

from collections.abc import Iterator

from clickstream.aws.deployment import KINDS, TAG, Deployment
from clickstream.errors import InputError
from clickstream.lake import aws_errors


@aws_errors.translate_errors()
def describe_state(deployment: Deployment) -> Iterator[tuple[str, str]]:
    """Yield names and values. Raises InputError if no stack of the deployment exists."""
    stacks = {kind: deployment.stack(kind) for kind in KINDS}
    if not any(stacks.values()):
        deployment.needed_stack("lake")
    for kind, stack in stacks.items():
        if stack or kind != "web":
            yield deployment.stack_name(kind), stack.status if stack else "does not exist"
    if host := stacks["airflow"]:
        yield "bundle", host.parameters.get("Bundle", "")
        yield "host", _describe_host(deployment)
        yield "start of the bundle", _describe_start(deployment)
        if url := host.outputs.get("Url"):
            yield "address", url
    yield "costs", f"in Cost Explorer by the tag {TAG} = {deployment.name}, once it is activated"


def _describe_host(deployment: Deployment) -> str:
    found = deployment.instance()
    if found is None:
        return "absent"
    return f"{found['InstanceId']}, {found['InstanceType']}, {found['State']['Name']}"


def _describe_start(deployment: Deployment) -> str:
    """Describe the newest run of the association that starts the bundle on the host."""
    found = deployment.instance()
    if found is None:
        return "no host"
    answer = deployment.client("ssm").describe_instance_associations_status(
        InstanceId=found["InstanceId"]
    )
    runs = answer.get("InstanceAssociationStatusInfos", ())
    document = deployment.stack_name("airflow")
    runs = [one for one in runs if one["Name"].startswith(document) and one.get("ExecutionDate")]
    if not runs:
        return "the host has not run it yet"
    newest = max(runs, key=lambda one: one["ExecutionDate"])
    summary = newest.get("ExecutionSummary") or newest.get("ErrorCode") or ""
    status = newest.get("DetailedStatus") or newest["Status"]
    return f"{status} at {newest['ExecutionDate']:%Y-%m-%d %H:%M} UTC{summary and f': {summary}'}"


def running_instance(deployment: Deployment) -> str:
    """Return the id of the running host. Raises InputError if it does not run."""
    stack, found = deployment.needed_stack("airflow"), deployment.instance()
    if found and found["State"]["Name"] == "running":
        return str(found["InstanceId"])
    state = found["State"]["Name"] if found else "absent"
    raise InputError(
        f"The host of {stack.name} is {state}. Start the instance, or create it with `clickstream "
        "aws deploy --parameter Host=present`."
    )
