"""The doctor's checks of an account, and the command line."""

from __future__ import annotations

import shutil
from contextlib import ExitStack
from pathlib import Path

import pytest
from botocore.stub import Stubber
from click.testing import Result
from tests.clickstream.aws.builders import Recorder
from tests.support.lakes import aws_session
from typer.testing import CliRunner

from clickstream.aws import checks
from clickstream.aws.checks import Check, run_checks
from clickstream.aws.deployment import Deployment
from clickstream.cli import app
from clickstream.lake import Lake


def checked(deployment: Deployment) -> dict[str, Check]:
    return {one.name: one for one in run_checks(deployment)}


def test_a_lake_that_works_has_no_problem_and_each_fault_has_a_remedy(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    (Path(lake.settings.sources[0].path) / "access.log").write_text(
        '192.0.2.1 - - [25/Nov/2026:08:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "Mozilla/5.0"\n'
    )
    found = checked(Deployment("clickstream", lake.settings, lake.session))
    assert [one for one in found.values() if one.problem] == []
    unchecked = [name for name, one in found.items() if one.unchecked]
    assert unchecked == ["stacks", "Lake Formation", "alarms"]
    assert found["hosts"].found == "1 host can be pulled"
    assert "`select 1` succeeds" in found["Athena"].found

    names = {"bucket": "no-such-bucket", "database": "none", "workgroup": "none"}
    section = lake.settings.lake.model_copy(update=names)
    source = lake.settings.sources[0].model_copy(update={"path": "/none"})
    settings = lake.settings.model_copy(update={"lake": section, "sources": (source,)})
    monkeypatch.setattr(checks, "FREE_BYTES", 1 << 62)
    found = checked(Deployment("clickstream", settings, aws_session()))
    failing = {name: one for name, one in found.items() if one.problem}
    assert [*failing] == ["bucket", "database", "Athena", "hosts", "disk"]
    assert all(one.remedy or one.problem.endswith(")") for one in failing.values())


def test_stacks_bucket_and_lake_formation_are_checked_on_aws(
    deployment: Deployment, checkout: Path
) -> None:
    before = checked(deployment)
    assert before["stacks"].problem == "clickstream-lake does not exist"
    assert "does not exist" in before["bucket"].problem
    Recorder().deploy(deployment).run(checkout)
    lake = deployment.lake()
    enabled = {"Status": "Enabled"}  # moto ignores the versioning of a template
    assert "keeps no versions" in checked(deployment)["bucket"].problem
    lake.s3.put_bucket_versioning(Bucket=lake.bucket, VersioningConfiguration=enabled)
    after = checked(deployment)
    assert after["stacks"].found == "clickstream-lake, clickstream-airflow, clickstream-alarms"
    check_alarms(deployment)
    assert after["bucket"].found.startswith("clickstream-")
    assert not after["Lake Formation"].problem
    deployment.client("lakeformation").put_data_lake_settings(DataLakeSettings={})
    assert "Data Catalog settings" in checked(deployment)["Lake Formation"].remedy


def check_alarms(deployment: Deployment) -> None:
    """Alarms that are not OK are named, and before them an address that is not confirmed."""
    cloudwatch, sns = deployment.client("cloudwatch"), deployment.client("sns")
    cloudwatch.put_metric_alarm(
        AlarmName="clickstream-alarms-HoursBehind-1",
        EvaluationPeriods=1,
        ComparisonOperator="GreaterThanThreshold",
    )
    pending = {"Subscriptions": [{"SubscriptionArn": "PendingConfirmation"}]}
    with Stubber(sns) as stub:  # moto confirms every address at once
        stub.add_response("list_subscriptions_by_topic", pending)
        assert "not confirmed" in checked(deployment)["alarms"].problem
    for state in ("ALARM", "INSUFFICIENT_DATA", "OK"):
        cloudwatch.set_alarm_state(
            AlarmName="clickstream-alarms-HoursBehind-1", StateValue=state, StateReason="test"
        )
        found = checked(deployment)["alarms"]
        assert found.problem == (
            "" if state == "OK" else "not OK: clickstream-alarms-HoursBehind-1"
        )
    assert found.found == "clickstream-alarms: 1 alarm, none raised"


def test_what_a_role_may_not_read_is_no_problem(deployment: Deployment) -> None:
    """The role of the host may read neither stacks nor the settings of Lake Formation."""
    refusals = {"cloudformation": "AccessDenied", "lakeformation": "AccessDeniedException"}
    with ExitStack() as stack:
        for service, code in refusals.items():
            stub = stack.enter_context(Stubber(deployment.client(service)))
            method = "describe_stacks" if service == "cloudformation" else "get_data_lake_settings"
            for _ in range(3):
                stub.add_client_error(method, code, "not authorized", http_status_code=403)
        found = checked(deployment)
    assert "lack cloudformation:DescribeStacks" in found["stacks"].unchecked
    assert "lack lakeformation:GetDataLakeSettings" in found["Lake Formation"].unchecked


def run(*arguments: str, answer: str = "") -> Result:
    return CliRunner().invoke(app, ["aws", *arguments], input=answer)


def test_ports_are_forwarded_by_the_aws_command_line_whose_exit_code_is_returned(
    deployment: Deployment, checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Recorder().deploy(deployment).run(checkout)
    for program in ("aws", "session-manager-plugin"):
        (tmp_path / program).write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/recorded\nexit 3\n')
        (tmp_path / program).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert run("open", "--region", "us-east-1", "--dashboard-port", "9095").exit_code == 3
    target = f"--region us-east-1 --target {deployment.running_instance()}"
    assert sorted((tmp_path / "recorded").read_text().splitlines()) == [
        f"ssm start-session {target} --document-name AWS-StartPortForwardingSession "
        f'--parameters {{"portNumber":["{remote}"],"localPortNumber":["{local}"]}}'
        for remote, local in ((8080, 8080), (8095, 9095))
    ]


def test_the_command_line_deploys_opens_and_destroys(
    deployment: Deployment, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(checkout)
    region = ("--region", "us-east-1")
    deployed = run("deploy", *region, "--parameter", "Host=present", answer="y\n" * 3)
    assert (deployed.exit_code, deployed.stdout.count("done.")) == (0, 3), deployed.stderr
    assert run("deploy", *region, "--yes").stdout.count("no changes") == 3
    assert run("deploy", "--parameter", "Host").exception
    assert run("deploy", "--name", "No").exception
    with monkeypatch.context() as local:
        local.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:4566")
        assert "needs AWS, but the endpoint is" in str(run("deploy", *region).exception)

    monkeypatch.setattr(shutil, "which", lambda _: None)
    printed = run("open", *region)
    assert (printed.exit_code, printed.stdout.count("aws ssm start-session --region")) == (0, 2)
    assert "Dashboard: http://127.0.0.1:8095" in printed.stdout
    assert (
        '{"portNumber":["8095"],"localPortNumber":["9095"]}'
        in run("open", *region, "--print", "--dashboard-port", "9095").stdout
    )
    restored = run("restore", *region, "--to", "2026-11-20T14:30")
    assert "aws ec2 stop-instances --region us-east-1" in str(restored.exception)
    kept = run("destroy", *region, answer="y\n")
    assert kept.exit_code == 0
    assert "The data stays, with its price for a month" in kept.stdout
    assert run("doctor", *region).exit_code == 1
    assert run("status", *region).exception
