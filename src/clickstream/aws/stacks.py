"""CloudFormation stacks: find them, follow their events, delete them, explain their failures."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from clickstream.errors import DeploymentFailed
from clickstream.lake.s3_get import code

Say = Callable[[str], None]

POLL_SECONDS = 3.0

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


@dataclass(frozen=True)
class CloudStack:
    """A stack as CloudFormation describes it."""

    name: str
    id: str
    status: str
    parameters: Mapping[str, str]
    outputs: Mapping[str, str]

    @property
    def is_busy(self) -> bool:
        """Whether CloudFormation works on the stack now."""
        return self.status.endswith("_IN_PROGRESS") and self.status != "REVIEW_IN_PROGRESS"


@dataclass(frozen=True)
class StackEvent:
    """An event of a resource, or of the stack itself."""

    id: str
    resource: str
    kind: str
    status: str
    reason: str

    @property
    def is_of_stack(self) -> bool:
        """Whether the event is about the stack and not about one of its resources."""
        return self.kind == "AWS::CloudFormation::Stack"

    @property
    def line(self) -> str:
        """One line for the progress."""
        reason = f"  {self.reason}" if self.reason else ""
        return f"{self.status:<28} {self.resource}  ({self.kind}){reason}"


def find_stack(cfn: Any, name: str) -> CloudStack | None:
    """Return a stack by its name or id, or None if it does not exist.

    A stack that has only a change set does not exist.
    """
    try:
        [found] = cfn.describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if code(error) == "ValidationError" and "does not exist" in str(error):
            return None
        raise
    stack = parse_stack(found)
    return None if stack.status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE") else stack


def parse_stack(found: Mapping[str, Any]) -> CloudStack:
    """Return a stack from CloudFormation's description."""
    return CloudStack(
        found["StackName"],
        found["StackId"],
        found["StackStatus"],
        {one["ParameterKey"]: one["ParameterValue"] for one in found.get("Parameters", ())},
        {one["OutputKey"]: one["OutputValue"] for one in found.get("Outputs", ())},
    )


def refuse_unusable(stack: CloudStack) -> None:
    """Raise DeploymentFailed if the stack accepts no change now."""
    if stack.is_busy:
        raise DeploymentFailed(
            f"The stack {stack.name} is {stack.status}: another operation is running. Wait until "
            "`clickstream aws status` shows its end, then run the command again."
        )
    if stack.status in UNUSABLE:
        raise DeploymentFailed(
            f"The stack {stack.name} is {stack.status}: {UNUSABLE[stack.status]}."
        )


def known_events(cfn: Any, stack_id: str) -> set[str]:
    """Return the ids of the newest events of a stack; they belong to earlier operations."""
    page = cfn.describe_stack_events(StackName=stack_id)
    return {one["EventId"] for one in page["StackEvents"]}


def follow(cfn: Any, stack_id: str, known: set[str], say: Say) -> list[StackEvent]:
    """Wait for the end of an operation; report each event as it arrives, and return all of them.

    `known` are the events before the operation. It ends with an event of the stack itself.
    """
    events: list[StackEvent] = []
    while True:
        for event in _new_events(cfn, stack_id, known):
            known.add(event.id)
            events.append(event)
            say(event.line)
            if event.is_of_stack and not event.status.endswith("_IN_PROGRESS"):
                return events
        time.sleep(POLL_SECONDS)


def _new_events(cfn: Any, stack_id: str, known: set[str]) -> list[StackEvent]:
    """Return the events that are not known yet, oldest first. CloudFormation lists newest first."""
    found: list[StackEvent] = []
    for page in cfn.get_paginator("describe_stack_events").paginate(StackName=stack_id):
        new = [one for one in page["StackEvents"] if one["EventId"] not in known]
        found += map(_event, new)
        if len(new) < len(page["StackEvents"]):
            break
    return found[::-1]


def _event(found: Mapping[str, Any]) -> StackEvent:
    return StackEvent(
        found["EventId"],
        found["LogicalResourceId"],
        found["ResourceType"],
        found["ResourceStatus"],
        " ".join(found.get("ResourceStatusReason", "").split()),
    )


def require_success(name: str, events: Sequence[StackEvent]) -> None:
    """Raise DeploymentFailed with the first resource that failed, its reason and what to do."""
    end = events[-1]
    if end.status.endswith("_COMPLETE") and "ROLLBACK" not in end.status:
        return
    first = next(_failures(events), end)
    raise DeploymentFailed(
        f"The stack {name} is {end.status}: {first.resource} ({first.kind}) is {first.status}: "
        f"{first.reason.rstrip('.') or 'no reason given'}. {_remedy(first.reason)}; then run the "
        "command again. The data in the bucket is not affected."
    )


def _failures(events: Sequence[StackEvent]) -> Iterator[StackEvent]:
    """Yield failures in order, the stack last, without those cancelled because of another one."""
    failed = [one for one in events if one.status.endswith("_FAILED")]
    own = [one for one in failed if not re.search("cancell?ed", one.reason)]
    yield from sorted(own, key=lambda one: one.is_of_stack)


def _remedy(reason: str) -> str:
    for pattern, remedy in _REMEDIES:
        if re.search(pattern, reason):
            return remedy
    return "Correct this cause"


def delete_stack(cfn: Any, stack: CloudStack, say: Say) -> list[StackEvent]:
    """Delete a stack, and return the events. Raises DeploymentFailed if it can't be deleted."""
    known = known_events(cfn, stack.id)
    cfn.delete_stack(StackName=stack.id)
    events = follow(cfn, stack.id, known, say)
    require_success(stack.name, events)
    return events
