"""CloudFormation stacks: find, change and delete them, and explain their failures.

`aws cloudformation deploy` does less: it shows no changes before it makes them, no progress, and no
reason of a failure. So these are the plain calls of boto3.
"""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError, WaiterError

from clickstream.core.errors import DeploymentFailed
from clickstream.lake.s3_get import code

Say = Callable[[str], None]
"""Prints a sentence, or asks a question and raises an exception if the answer is no."""

POLL_SECONDS = 3

UNUSABLE = {
    "ROLLBACK_FAILED": "its creation failed, and so did the removal of what was created. Delete "
    "the stack in the CloudFormation console, then deploy again",
    "UPDATE_ROLLBACK_FAILED": "an update failed, and CloudFormation could not restore the state "
    "before. Choose `Continue update rollback` in the CloudFormation console, then deploy again",
    "DELETE_FAILED": "its deletion failed. Repair what the last event names, then run "
    "`clickstream aws destroy` again",
}
"""States in which CloudFormation accepts no change set, and what to do."""

NEVER_CREATED = "ROLLBACK_COMPLETE"
"""State of a stack whose creation failed. It has no resources, and can only be deleted."""

_REMEDIES = (
    (r"not authorized|AccessDenied|is denied", "Use credentials that have this permission"),
    (
        r"already exists",
        "A resource of this name exists outside of the stack. Choose another name with "
        "--parameter, or delete the resource if nothing needs it",
    ),
    (
        r"[Ii]nsufficient.*capacity|Unsupported.*configuration|not supported in your",
        "Choose another instance type with --parameter InstanceType=TYPE",
    ),
    (r"LimitExceeded|quota|maximum", "Raise the quota in the Service Quotas console"),
)
"""Patterns of reasons, and what to do. CloudFormation passes the texts of the services."""

_NO_CHANGES = re.compile(r"didn't contain changes|No updates are to be performed")


@dataclass(frozen=True)
class CloudStack:
    """A stack as CloudFormation describes it."""

    name: str
    id: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]


def find_stack(cfn: Any, name: str) -> CloudStack | None:
    """Return a stack by its name or id, or None if it does not exist.

    A stack that has only a change set does not exist.
    """
    try:
        [description] = cfn.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack = parse_stack(description)
    return None if stack.status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else stack


def parse_stack(description: Mapping[str, Any]) -> CloudStack:
    """Return a stack from CloudFormation's description."""
    parameters, outputs = description.get("Parameters", ()), description.get("Outputs", ())
    return CloudStack(
        description["StackName"],
        description["StackId"],
        description["StackStatus"],
        {entry["ParameterKey"]: entry["ParameterValue"] for entry in parameters},
        {entry["OutputKey"]: entry["OutputValue"] for entry in outputs},
    )


def refuse_unusable(stack: CloudStack) -> None:
    """Raise DeploymentFailed if the stack accepts no change now."""
    if stack.status.endswith("_IN_PROGRESS"):
        raise DeploymentFailed(
            f"The stack {stack.name} is {stack.status}: another operation is running. Wait until "
            "`clickstream aws status` shows its end, then run the command again."
        )
    if stack.status in UNUSABLE:
        raise DeploymentFailed(
            f"The stack {stack.name} is {stack.status}: {UNUSABLE[stack.status]}."
        )


def change_stack(
    cfn: Any, name: str, operation: str, request: Mapping[str, Any], say: Say, confirm: Say | None
) -> None:
    """Create or change a stack: preview, question, progress. Reports if nothing changes.

    `operation` is CREATE, UPDATE or IMPORT, and `request` the rest of the change set: template,
    parameters, tags. Without `confirm`, there is only the preview. Raises DeploymentFailed if
    CloudFormation refuses the template or a parameter, or if the change fails.
    """
    change_set = cfn.create_change_set(
        StackName=name,
        ChangeSetName=f"deploy-{uuid.uuid4().hex}",
        ChangeSetType=operation,
        Capabilities=["CAPABILITY_NAMED_IAM"],
        **request,
    )
    is_executed = False
    try:
        changes = _preview(cfn, name, change_set["Id"])
        if changes is None:
            say(f"Stack {name}: no changes.")
            return
        say(f"Stack {name} {'changes' if operation == 'UPDATE' else 'creates'} these resources:")
        for change in changes:
            say(f"  {change}")
        if confirm is None:
            return
        confirm(f"Change {name} in this way?")
        is_executed = True
    finally:
        if not is_executed:
            cfn.delete_change_set(ChangeSetName=change_set["Id"])
            if operation != "UPDATE":  # CloudFormation created an empty stack for the change set
                cfn.delete_stack(StackName=change_set["StackId"])
    # If a creation fails, a bucket that it created would be in the way of the next attempt.
    execution = {"ChangeSetName": change_set["Id"], "RetainExceptOnCreate": True}
    _follow(cfn, name, change_set["StackId"], lambda: cfn.execute_change_set(**execution), say)
    say(f"Stack {name}: done.")


def _preview(cfn: Any, name: str, change_set: str) -> list[str] | None:
    """Wait until a change set is computed; return a line for each change, None without changes."""
    waiter = cfn.get_waiter("change_set_create_complete")
    try:
        waiter.wait(ChangeSetName=change_set, WaiterConfig={"Delay": POLL_SECONDS})
    except WaiterError as error:
        if error.last_response.get("Status") != "FAILED":
            raise
        reason = error.last_response.get("StatusReason", "no reason given").rstrip(".")
        if _NO_CHANGES.search(reason):
            return None
        raise DeploymentFailed(
            f"CloudFormation refuses the changes of the stack {name}: {reason}. Correct the "
            "parameter or the template in infra/, then run the command again. Nothing is changed."
        ) from None
    pages = cfn.get_paginator("describe_change_set").paginate(ChangeSetName=change_set)
    changes = [change["ResourceChange"] for page in pages for change in page.get("Changes", ())]
    replacements = {"True": ", replaced by a new one", "Conditional": ", perhaps replaced"}
    return [
        f"{change['Action']:<7} {change['LogicalResourceId']}  "
        f"({change['ResourceType']}{replacements.get(change.get('Replacement', ''), '')})"
        for change in changes
    ]


def delete_stack(cfn: Any, stack: CloudStack, say: Say) -> None:
    """Delete a stack, and name what it leaves. Raises DeploymentFailed if it can't be deleted."""
    events = _follow(cfn, stack.name, stack.id, lambda: cfn.delete_stack(StackName=stack.id), say)
    retained = [e["LogicalResourceId"] for e in events if e["ResourceStatus"] == "DELETE_SKIPPED"]
    stays = f" It leaves {', '.join(retained)}." if retained else ""
    say(f"Stack {stack.name}: deleted.{stays}")


def _follow(
    cfn: Any, name: str, stack_id: str, start: Callable[[], Any], say: Say
) -> list[Mapping[str, Any]]:
    """Start an operation, report each event as it arrives, and return them at the end.

    An operation ends with an event of the stack itself. Raises DeploymentFailed if it fails.
    """
    page = cfn.describe_stack_events(StackName=stack_id)
    reported = {event["EventId"] for event in page["StackEvents"]}
    start()
    events: list[Mapping[str, Any]] = []
    while True:
        for event in _new_events(cfn, stack_id, reported):
            reported.add(event["EventId"])
            events.append(event)
            say(
                f"  {event['ResourceStatus']:<28} {event['LogicalResourceId']}  "
                f"({event['ResourceType']})  {_reason(event)}".rstrip()
            )
            if _is_of_stack(event) and not event["ResourceStatus"].endswith("_IN_PROGRESS"):
                _require_success(name, events)
                return events
        time.sleep(POLL_SECONDS)


def _new_events(cfn: Any, stack_id: str, reported: set[str]) -> list[Mapping[str, Any]]:
    """Return unreported events, oldest first. CloudFormation lists the newest first."""
    events: list[Mapping[str, Any]] = []
    for page in cfn.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        new = [event for event in page["StackEvents"] if event["EventId"] not in reported]
        events += new
        if len(new) < len(page["StackEvents"]):
            break
    return events[::-1]


def _is_of_stack(event: Mapping[str, Any]) -> bool:
    """Return whether an event is about the stack and not about one of its resources."""
    return bool(event["ResourceType"] == "AWS::CloudFormation::Stack")


def _reason(event: Mapping[str, Any]) -> str:
    return " ".join(event.get("ResourceStatusReason", "").split())


def _require_success(name: str, events: Sequence[Mapping[str, Any]]) -> None:
    """Raise DeploymentFailed with the first resource that failed, its reason and what to do."""
    end = events[-1]
    status = end["ResourceStatus"]
    if status.endswith("_COMPLETE") and "ROLLBACK" not in status:
        return
    failures = [
        event
        for event in events
        if event["ResourceStatus"].endswith("_FAILED")
        if not re.search("cancell?ed", _reason(event))  # because of another failure
    ]
    first = min(failures, key=_is_of_stack, default=end)
    reason = _reason(first)
    remedies = [remedy for pattern, remedy in _REMEDIES if re.search(pattern, reason)]
    raise DeploymentFailed(
        f"The stack {name} is {status}: {first['LogicalResourceId']} ({first['ResourceType']}) is "
        f"{first['ResourceStatus']}: {reason.rstrip('.') or 'no reason given'}. "
        f"{[*remedies, 'Correct this cause'][0]}; then run the command again. The data in the "
        "bucket is not affected."
    )
