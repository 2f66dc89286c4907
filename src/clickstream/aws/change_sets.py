"""Change sets of CloudFormation: prepare one, describe its changes, execute or discard it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from clickstream.aws.deployment import TAG, Deployment
from clickstream.aws.stacks import (
    POLL_SECONDS,
    CloudStack,
    Say,
    StackEvent,
    follow,
    known_events,
    require_success,
)
from clickstream.errors import DeploymentFailed

_NO_CHANGES = re.compile(r"didn't contain changes|No updates are to be performed")


@dataclass(frozen=True)
class ResourceChange:
    """What an execution does to a resource: Add, Modify, Remove or Import."""

    action: str
    resource: str
    kind: str
    replacement: str

    @property
    def line(self) -> str:
        """One line for the preview."""
        replaced = {"True": ", replaced by a new one", "Conditional": ", perhaps replaced"}
        return (
            f"{self.action:<7} {self.resource}  ({self.kind}{replaced.get(self.replacement, '')})"
        )


@dataclass(frozen=True)
class ChangeSet:
    """A prepared change set. Nothing changes until it is executed."""

    id: str
    stack: str
    stack_id: str
    is_of_new_stack: bool
    changes: Sequence[ResourceChange]


def prepare(
    deployment: Deployment,
    kind: str,
    parameters: Sequence[Mapping[str, Any]],
    **source: Any,
) -> ChangeSet | None:
    """Prepare the change set of a stack, and return None if there is nothing to change.

    `source` is the template: `TemplateBody`, or `UsePreviousTemplate`, and what an import needs.
    Raises DeploymentFailed if CloudFormation refuses the template or a parameter.
    """
    cfn, stack = deployment.client("cloudformation"), deployment.stack(kind)
    request = {
        "StackName": deployment.stack_name(kind),
        "ChangeSetName": f"deploy-{uuid.uuid4().hex}",
        "ChangeSetType": "UPDATE" if stack else "CREATE",
        "Capabilities": ["CAPABILITY_NAMED_IAM"],
        "Parameters": parameters,
        "Tags": [{"Key": TAG, "Value": deployment.name}],
    }
    try:
        created = cfn.create_change_set(**(request | source))
    except ClientError as error:
        if _NO_CHANGES.search(str(error)):
            return None
        raise
    return _wait(cfn, str(request["StackName"]), created, stack)


def _wait(
    cfn: Any, name: str, created: Mapping[str, str], stack: CloudStack | None
) -> ChangeSet | None:
    """Wait until a change set is computed, and return it."""
    changes: list[ResourceChange] = []
    while True:
        answer = cfn.describe_change_set(ChangeSetName=created["Id"])
        if answer["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
            break
        time.sleep(POLL_SECONDS)
    found = ChangeSet(created["Id"], name, created["StackId"], stack is None, changes)
    if answer["Status"] == "FAILED":
        discard(cfn, found)
        reason = answer.get("StatusReason", "no reason given").rstrip(".")
        if _NO_CHANGES.search(reason):
            return None
        raise DeploymentFailed(
            f"CloudFormation refuses the changes of the stack {name}: {reason}. Correct the "
            "parameter or the template in infra/, then run the command again. Nothing is changed."
        )
    changes += _changes(cfn, created["Id"], answer)
    return found


def _changes(cfn: Any, change_set: str, page: Mapping[str, Any]) -> list[ResourceChange]:
    """Return the changes of all pages of a change set."""
    found = [one["ResourceChange"] for one in page.get("Changes", ())]
    while page.get("NextToken"):
        page = cfn.describe_change_set(ChangeSetName=change_set, NextToken=page["NextToken"])
        found += [one["ResourceChange"] for one in page.get("Changes", ())]
    return [
        ResourceChange(
            one["Action"], one["LogicalResourceId"], one["ResourceType"], one.get("Replacement", "")
        )
        for one in found
    ]


def discard(cfn: Any, change_set: ChangeSet) -> None:
    """Delete a change set, and the empty stack that CloudFormation created for it."""
    cfn.delete_change_set(ChangeSetName=change_set.id)
    if change_set.is_of_new_stack:
        cfn.delete_stack(StackName=change_set.stack_id)


def execute(cfn: Any, change_set: ChangeSet, say: Say) -> list[StackEvent]:
    """Execute a change set and follow it to its end. Raises DeploymentFailed if it fails."""
    known = known_events(cfn, change_set.stack_id)
    # If a creation fails, a bucket that it created would be in the way of the next attempt.
    cfn.execute_change_set(ChangeSetName=change_set.id, RetainExceptOnCreate=True)
    events = follow(cfn, change_set.stack_id, known, say)
    require_success(change_set.stack, events)
    return events
