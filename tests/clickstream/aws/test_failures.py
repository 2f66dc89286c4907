"""Failures of CloudFormation and answers of Systems Manager, recorded after AWS's documentation.

moto neither fails nor knows these requests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

import pytest
from botocore.stub import ANY, Stubber
from tests.clickstream.aws.builders import HOST, Recorder
from tests.infra.templates import load_template
from tests.support.cases import each_case
from tests.support.lakes import aws_session

from clickstream.aws.deployment import Deployment
from clickstream.aws.stacks import (
    UNUSABLE,
    CloudStack,
    change_stack,
    delete_stack,
    refuse_unusable,
)
from clickstream.core.errors import DeploymentFailed
from clickstream.settings import AwsSettings, Settings

NAME, STACK = (
    "clickstream-airflow",
    "arn:aws:cloudformation:us-east-1:1:stack/clickstream-airflow/1",
)
CHANGES = "arn:aws:cloudformation:us-east-1:1:changeSet/deploy-1/1"
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


@pytest.fixture
def deployment(monkeypatch: pytest.MonkeyPatch) -> Deployment:
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    return Deployment("clickstream", Settings(aws=AwsSettings(region="us-east-1")), aws_session())


@contextmanager
def answers(deployment: Deployment, service: str, *recorded: tuple[str, Any]) -> Iterator[Any]:
    """A client that gives recorded answers in this order; a code and a text are an error."""
    client = deployment.client(service)
    with Stubber(client) as stub:
        for method, answer in recorded:
            if isinstance(answer, tuple):
                stub.add_client_error(method, *answer)
            else:
                stub.add_response(method, answer)
        yield client
        stub.assert_no_pending_responses()


def stack(status: str, **more: Any) -> dict[str, Any]:
    found = {"StackName": NAME, "StackId": STACK, "StackStatus": status, "CreationTime": NOW}
    return {"Stacks": [found | more]}


MISSING = ("ValidationError", f"Stack with id {NAME} does not exist")


def events(*rows: tuple[str, str, str]) -> dict[str, Any]:
    """A page of events, newest first, from rows of resource, status and reason, oldest first."""
    kinds = {NAME: "AWS::CloudFormation::Stack", "Machine": "AWS::EC2::Instance"}
    found = [
        {
            "EventId": f"{resource}-{status}",
            "StackId": STACK,
            "StackName": NAME,
            "LogicalResourceId": resource,
            "ResourceType": kinds.get(resource, "AWS::EC2::VPC"),
            "ResourceStatus": status,
            "Timestamp": NOW,
            **({"ResourceStatusReason": reason} if reason else {}),
        }
        for resource, status, reason in rows
    ]
    return {"StackEvents": found[::-1]}


REVIEW = (NAME, "REVIEW_IN_PROGRESS", "User Initiated")
BEGIN = (NAME, "CREATE_IN_PROGRESS", "User Initiated")
CAPACITY = (
    "Resource handler returned message: We currently do not have sufficient t4g.medium capacity; "
    "Insufficient instance capacity. (Service: Ec2, Status Code: 500)"
)
FAILURE = [
    ("Machine", "CREATE_FAILED", CAPACITY),
    ("Vpc", "CREATE_FAILED", "Resource creation cancelled"),
    (NAME, "ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [Machine, Vpc]."),
    (NAME, "ROLLBACK_COMPLETE", ""),
]


CREATED = [("create_change_set", {"Id": CHANGES, "StackId": STACK})]
COMPUTED = [("describe_change_set", {"Status": "CREATE_COMPLETE", "Changes": []})] * 2


def test_a_failed_stack_names_the_first_resource_that_failed_its_reason_and_what_to_do(
    deployment: Deployment,
) -> None:
    caller = Recorder()
    begun = [REVIEW, BEGIN, ("Vpc", "CREATE_IN_PROGRESS", "")]
    with (
        answers(
            deployment,
            "cloudformation",
            *CREATED,
            *COMPUTED,
            ("describe_stack_events", events(REVIEW)),
            ("execute_change_set", {}),
            ("describe_stack_events", events(REVIEW)),
            ("describe_stack_events", events(*begun)),
            ("describe_stack_events", events(*begun[1:], *FAILURE)),
        ) as cfn,
        pytest.raises(DeploymentFailed) as error,
    ):
        change_stack(cfn, NAME, "CREATE", {}, caller.lines.append, caller.confirm)
    message = str(error.value)
    assert f"{NAME} is ROLLBACK_COMPLETE: Machine (AWS::EC2::Instance) is CREATE_FAILED" in message
    assert "Insufficient instance capacity" in message
    assert "--parameter InstanceType=TYPE; then run" in message
    assert [line.split()[0] for line in caller.lines[1:]] == [
        "CREATE_IN_PROGRESS",
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "CREATE_FAILED",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_COMPLETE",
    ]


def test_a_stack_that_was_never_created_is_deleted_and_created_again(
    deployment: Deployment,
) -> None:
    caller = Recorder()
    run = caller.deploy(deployment)
    with answers(
        deployment,
        "cloudformation",
        ("describe_stacks", stack("ROLLBACK_COMPLETE")),
        ("describe_stack_events", events(*FAILURE)),
        ("delete_stack", {}),
        ("describe_stack_events", events(*FAILURE[1:], (NAME, "DELETE_COMPLETE", ""))),
        *CREATED,
        ("describe_change_set", {"Status": "CREATE_PENDING"}),
        *COMPUTED,
        ("describe_stack_events", events(REVIEW)),
        ("execute_change_set", {}),
        ("describe_stack_events", events(REVIEW, BEGIN, (NAME, "CREATE_COMPLETE", ""))),
    ):
        run._change("airflow", ["Bundle"], {"Bundle": "0"}, TemplateBody=HOST)
    assert len(caller.questions) == 2
    assert "its creation failed, and its resources are removed" in caller.text


@each_case("status", [*UNUSABLE, "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"])
def test_a_stack_that_accepts_no_change_says_why_and_what_to_do(status: str) -> None:
    with pytest.raises(DeploymentFailed, match=f"{NAME} is {status}: .*again"):
        refuse_unusable(CloudStack(NAME, STACK, status, {}, {}))


@pytest.mark.parametrize(
    "reason",
    [
        "The submitted information didn't contain changes. Submit different information to create "
        "a change set.",
        "No updates are to be performed.",
    ],
)
def test_a_change_set_without_changes_is_a_success(deployment: Deployment, reason: str) -> None:
    caller = Recorder()
    with answers(
        deployment,
        "cloudformation",
        *CREATED,
        ("describe_change_set", {"Status": "FAILED", "StatusReason": reason}),
        ("delete_change_set", {}),
    ) as cfn:
        change_stack(cfn, NAME, "UPDATE", {}, caller.lines.append, caller.confirm)
    assert (caller.text, caller.questions) == (f"Stack {NAME}: no changes.", [])


def test_a_refused_change_set_gives_its_reason_and_leaves_no_empty_stack(
    deployment: Deployment,
) -> None:
    reason = "No export named clickstream-lake-Bucket found. Rollback requested by user."
    with (
        answers(
            deployment,
            "cloudformation",
            *CREATED,
            ("describe_change_set", {"Status": "FAILED", "StatusReason": reason}),
            ("delete_change_set", {}),
            ("delete_stack", {}),
        ) as cfn,
        pytest.raises(DeploymentFailed, match=r"No export named .* Nothing is changed"),
    ):
        change_stack(cfn, NAME, "CREATE", {}, print, print)


def test_a_preview_has_the_changes_of_all_pages(deployment: Deployment) -> None:
    def page(resource: str, action: str, replacement: str, **more: str) -> dict[str, Any]:
        change = {"Action": action, "LogicalResourceId": resource, "Replacement": replacement}
        changes = [{"ResourceChange": change | {"ResourceType": "AWS::EC2::Instance"}}]
        return {"Status": "CREATE_COMPLETE", "Changes": changes, **more}

    caller = Recorder()
    first = ("describe_change_set", page("Machine", "Modify", "True", NextToken="2"))
    second = ("describe_change_set", page("Start", "Modify", "False"))
    discarded = ("delete_change_set", {})
    with answers(deployment, "cloudformation", *CREATED, first, first, second, discarded) as cfn:
        change_stack(cfn, NAME, "UPDATE", {}, caller.lines.append, None)
    assert caller.lines == [
        f"Stack {NAME} changes these resources:",
        "  Modify  Machine  (AWS::EC2::Instance, replaced by a new one)",
        "  Modify  Start  (AWS::EC2::Instance)",
    ]


def test_kept_data_is_imported_under_the_names_of_the_template(deployment: Deployment) -> None:
    deployment.account.__dict__["account"] = "123456789012"  # a cached property
    bucket, caller = "clickstream-123456789012-us-east-1", Recorder(stop_at="Change")
    resources = load_template("lake.yaml")["Resources"]
    client = deployment.client("cloudformation")
    with (
        answers(deployment, "s3", ("head_bucket", {})),
        answers(deployment, "glue", ("get_database", {"Database": {"Name": "clickstream"}})),
        Stubber(client) as stub,
    ):
        identifiers = {
            "Bucket": {"BucketName": bucket},
            "Database": {"DatabaseName": "clickstream"},
        }
        request = {
            **dict.fromkeys(("StackName", "ChangeSetName", "Capabilities", "Tags"), ANY),
            "ChangeSetType": "IMPORT",
            "Parameters": [],
            "TemplateBody": ANY,
            "ResourcesToImport": [
                {
                    "LogicalResourceId": name,
                    "ResourceType": resources[name]["Type"],
                    "ResourceIdentifier": identifier,
                }
                for name, identifier in identifiers.items()
            ],
        }
        stub.add_response("create_change_set", CREATED[0][1], request)
        for method, answer in [*COMPUTED, ("delete_change_set", {}), ("delete_stack", {})]:
            stub.add_response(method, answer)
        with pytest.raises(KeyboardInterrupt):
            caller.deploy(deployment)._import_retained({})
        stub.assert_no_pending_responses()
    assert f"kept {bucket} and clickstream: the stack imports them" in caller.text
    with (
        answers(deployment, "s3", ("head_bucket", ("404", "Not Found"))),
        answers(deployment, "glue", ("get_database", ("EntityNotFoundException", "no"))),
        answers(deployment, "cloudformation"),
    ):
        caller.deploy(deployment)._import_retained({})


def test_a_stack_that_keeps_a_resource_is_deleted(deployment: Deployment) -> None:
    kept = ("Vpc", "DELETE_SKIPPED", "")
    with answers(
        deployment,
        "cloudformation",
        ("describe_stack_events", events((NAME, "CREATE_COMPLETE", ""))),
        ("delete_stack", {}),
        ("describe_stack_events", events(kept, (NAME, "DELETE_COMPLETE", ""))),
    ) as cfn:
        lines: list[str] = []
        delete_stack(cfn, CloudStack(NAME, STACK, "CREATE_COMPLETE", {}, {}), lines.append)
    assert lines[-1] == f"Stack {NAME}: deleted. It leaves Vpc."


def test_status_shows_the_newest_start_of_the_bundle(deployment: Deployment) -> None:
    outputs = [{"OutputKey": "InstanceId", "OutputValue": "i-1"}]
    bundle = [{"ParameterKey": "Bundle", "ParameterValue": "5b1c"}]
    host = stack("UPDATE_COMPLETE", Outputs=outputs, Parameters=bundle)
    machine = {"InstanceId": "i-1", "InstanceType": "t4g.medium", "State": {"Name": "running"}}
    described = ("describe_instances", {"Reservations": [{"Instances": [machine]}]})
    runs = [
        ("AWS-GatherSoftwareInventory", 14, "Success"),
        (f"{NAME}-StartBundle-1", 12, "Success"),
        (f"{NAME}-StartBundle-1", 13, "Failed"),
    ]
    status = [
        {
            "Name": name,
            "ExecutionDate": NOW.replace(hour=hour),
            "Status": state,
            "ExecutionSummary": f"1 out of 1 plugin processed, 1 {state.lower()}",
        }
        for name, hour, state in runs
    ]
    with (
        answers(
            deployment,
            "cloudformation",
            ("describe_stacks", stack("CREATE_COMPLETE")),
            *[("describe_stacks", host)],
            *[("describe_stacks", MISSING)] * 2,
            ("describe_stacks", host),
        ),
        answers(deployment, "ec2", described),
        answers(
            deployment,
            "ssm",
            (
                "describe_instance_associations_status",
                {"InstanceAssociationStatusInfos": status},
            ),
        ),
    ):
        rows = dict(deployment.describe_state())
    assert rows[NAME] == "UPDATE_COMPLETE"
    assert rows["bundle"] == "5b1c"
    assert rows["host"] == "i-1, t4g.medium, running"
    assert rows["start of the bundle"] == (
        "Failed at 2026-11-20 13:00 UTC: 1 out of 1 plugin processed, 1 failed"
    )
