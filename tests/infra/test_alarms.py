"""Alarms and the dashboard of CloudWatch ask for metrics that are sent; the policy of the topic."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.infra.templates import INFRA, Stack, load_template
from tests.support.lakes import aws_session

from clickstream.alerts.metrics import HEALTH_METRICS, Metrics
from clickstream.lake import refer_to_lake
from clickstream.lake.cloudwatch import dimension_value, put_metrics
from clickstream.settings import AwsSettings, Settings, SiteSettings
from clickstream.settings.sections import MetricsSettings

Watched = tuple[str, str, frozenset[tuple[str, str]]]
"""Namespace, name and dimensions of a metric."""

SITE, MACHINE, CERTIFICATE = "Café & Bar", "i-0123456789abcdef0", "arn:aws:acm:us-east-1:0:c/1"
SENT = [metric for metric in HEALTH_METRICS if metric.unit]
ALL = Metrics({one.name: 1.0 for one in HEALTH_METRICS})
NOW = datetime(2026, 11, 26, 13, 5, tzinfo=UTC)
OF_AWS = {
    *(
        ("AWS/EC2", name, frozenset({("InstanceId", MACHINE)}))
        for name in ("CPUCreditBalance", "CPUUtilization")
    ),
    *(
        ("AWS/EC2", f"StatusCheckFailed_{name}", frozenset({("InstanceId", MACHINE)}))
        for name in ("Instance", "System")
    ),
    ("AWS/CertificateManager", "DaysToExpiry", frozenset({("CertificateArn", CERTIFICATE)})),
}
"""Metrics that AWS sends without a program of ours."""

DOCUMENTED = {
    "": {"agent", "metrics"},
    "agent": {"metrics_collection_interval"},
    "metrics": {"append_dimensions", "metrics_collected", "namespace"},
    "append_dimensions": {"InstanceId"},
    "metrics_collected": {"disk", "mem"},
    "disk": {"drop_device", "measurement", "resources"},
    "mem": {"measurement"},
}
"""Keys of the agent's configuration, as the user guide of CloudWatch names them."""


def alarms_with(**parameters: object) -> Stack:
    given = {"Namespace": "shop", "Site": dimension_value(SITE), **parameters}
    imports = {"clickstream-lake-AirflowRoleArn": "arn:aws:iam::000000000000:role/airflow"}
    return Stack(load_template("alarms.yaml"), "shop-alarms", given, imports)


FULL = alarms_with(InstanceId=MACHINE, CertificateArn=CERTIFICATE, BudgetMail="ana@example.com")


@pytest.fixture
def cloudwatch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    from moto import mock_aws

    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        yield aws_session().client("cloudwatch", region_name="us-east-1")


def sent_by_runs(cloudwatch: Any) -> set[Watched]:
    """What a run sends to the namespace of the stack, as CloudWatch recorded it."""
    of_site = Settings(
        site=SiteSettings(name=SITE),
        aws=AwsSettings(region="us-east-1"),
        metrics=MetricsSettings(namespace="shop"),
    )
    assert put_metrics(refer_to_lake(of_site, aws_session()), ALL, NOW)
    listed = cloudwatch.list_metrics(Namespace="shop")["Metrics"]
    return {watched("shop", one["MetricName"], one["Dimensions"]) for one in listed}


def sent_by_agent(file: str) -> set[Watched]:
    """What the agent of a machine sends: its disks without the device, and its memory."""
    metrics = json.loads((INFRA / file).read_text())["metrics"]
    assert metrics["append_dimensions"] == {"InstanceId": "${aws:InstanceId}"}
    found = set()
    for plugin, chosen in metrics["metrics_collected"].items():
        own = [[("path", path), ("fstype", "ext4")] for path in chosen.get("resources", ())] or [[]]
        for name in chosen["measurement"]:
            for dimensions in own:
                key = frozenset([("InstanceId", MACHINE), *dimensions])
                found.add((metrics["namespace"], f"{plugin}_{name}", key))
    return found


def watched(namespace: str, name: str, dimensions: list[dict[str, str]]) -> Watched:
    return namespace, name, frozenset((one["Name"], one["Value"]) for one in dimensions)


def watched_by_alarms(stack: Stack) -> dict[str, list[Watched]]:
    """The metrics of each alarm."""
    found = {}
    for alarm, one in stack.resources("AWS::CloudWatch::Alarm").items():
        parts = [
            part["MetricStat"]["Metric"] for part in one.get("Metrics", ()) if "MetricStat" in part
        ]
        found[alarm] = [
            watched(part["Namespace"], part["MetricName"], part["Dimensions"])
            for part in parts or [one]
        ]
    return found


def shown_by_dashboard(stack: Stack) -> Iterator[Watched]:
    [dashboard] = stack.resources("AWS::CloudWatch::Dashboard").values()
    for widget in json.loads(dashboard["DashboardBody"])["widgets"]:
        for row in widget["properties"]["metrics"]:
            namespace, name, *more = [one for one in row if isinstance(one, str)]
            yield namespace, name, frozenset(zip(more[::2], more[1::2], strict=True))


def test_every_alarm_and_every_widget_has_a_metric_that_is_sent(cloudwatch: Any) -> None:
    runs, agent = sent_by_runs(cloudwatch), sent_by_agent("agent-host.json")
    assert {name for _, name, _ in runs} == {one.name for one in SENT}
    asked = {one for some in watched_by_alarms(FULL).values() for one in some}
    shown = {*shown_by_dashboard(FULL)}
    assert (asked | shown) - (runs | agent | OF_AWS) == set()
    assert runs | agent <= shown  # each metric is paid for, so the dashboard shows it
    assert asked | shown >= OF_AWS


def test_a_request_has_all_metrics_and_without_a_namespace_there_is_none(cloudwatch: Any) -> None:
    assert len([*ALL]) == len(SENT) == 8
    here = Settings(aws=AwsSettings(region="us-east-1"))
    assert not put_metrics(refer_to_lake(here, aws_session()), ALL, NOW)
    assert cloudwatch.list_metrics()["Metrics"] == []


def test_ten_metrics_and_ten_alarms_are_free() -> None:
    """CloudWatch counts the metrics of alarms; only a load balancer has a certificate."""
    assert len(SENT) + len(sent_by_agent("agent-host.json")) == 10
    without = alarms_with(InstanceId=MACHINE)
    assert sum(map(len, watched_by_alarms(without).values())) == 10


OF_THE_PIPELINE = ("SourcesUnreachable", "RejectShare", "VerifyFindings")
"""Alarms about conditions for which the pipeline sends an alert: one message is enough."""


def test_silence_is_late_and_a_failed_machine_is_recovered() -> None:
    alarms = FULL.resources("AWS::CloudWatch::Alarm")
    late = alarms["HoursBehind"]
    assert (late["Threshold"], late["TreatMissingData"]) == (6, "breaching")
    assert [name for name, one in alarms.items() if one.get("TreatMissingData") == "breaching"] == [
        "HoursBehind"
    ]
    topic = FULL.ref("Topic")
    recover = "arn:aws:automate:us-east-1:ec2:recover"
    for name, one in alarms.items():
        if name in OF_THE_PIPELINE:
            assert not {"AlarmActions", "OKActions"} & {*one}, name
            continue
        assert one["AlarmActions"] == [*([recover] if name == "Hardware" else []), topic], name
        assert one["OKActions"] == [topic]


def test_alarms_of_a_machine_a_certificate_and_mails_are_optional() -> None:
    least = alarms_with()
    assert {*least.resources("AWS::CloudWatch::Alarm")} == {*("HoursBehind", *OF_THE_PIPELINE)}
    assert not least.resources("AWS::CloudWatch::Dashboard")
    assert not least.resources("AWS::SNS::Subscription")
    [mails] = FULL.resources("AWS::SNS::Subscription").values()
    assert (mails["Protocol"], mails["Endpoint"]) == ("email", "ana@example.com")


def test_the_role_may_send_to_its_namespace_and_its_topic_only() -> None:
    [policy] = FULL.resources("AWS::IAM::RolePolicy").values()
    assert policy["RoleName"] == "airflow"
    [topic] = FULL.resources("AWS::SNS::Topic").values()
    assert topic["TopicName"] == "shop"  # the host gets the ARN of this name
    assert [
        (one["Action"], one["Resource"], one.get("Condition"))
        for one in policy["PolicyDocument"]["Statement"]
    ] == [
        (
            "cloudwatch:PutMetricData",
            "*",
            {"StringEquals": {"cloudwatch:namespace": "shop"}},
        ),
        ("sns:Publish", FULL.ref("Topic"), None),
    ]


@given(st.text(min_size=1))
def test_every_name_of_a_site_is_a_dimension_and_a_parameter(site: str) -> None:
    pattern = load_template("alarms.yaml")["Parameters"]["Site"]["AllowedPattern"]
    assert re.fullmatch(pattern, dimension_value(site))


@pytest.mark.parametrize("file", ["agent-host.json", "agent-web.json"])
def test_the_agents_have_only_documented_keys(file: str) -> None:
    def check(name: str, value: object) -> None:
        if isinstance(value, dict):
            assert {*value} <= DOCUMENTED[name], name
            for key, one in value.items():
                check(key, one)

    text = (INFRA / file).read_text()
    check("", json.loads(text))
    assert len(sent_by_agent(file)) == (2 if file == "agent-host.json" else 3)


def test_the_web_server_gets_the_agent_of_its_file() -> None:
    template = Path(INFRA / "web-demo.yaml").read_text()
    lines = (INFRA / "agent-web.json").read_text().replace("${", "${!").splitlines()
    assert "".join(f"            {line}\n" for line in lines) in template
