"""The policies of infra/lake.yaml allow what is called, and little else (docs/security.md)."""

from __future__ import annotations

import fcntl
import os
import tomllib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.infra.policies import Statement, is_allowed, statements_of
from tests.infra.recording import AIRFLOW, DASHBOARD, SPARK, Call, parse_calls, record_calls
from tests.infra.templates import Stack, load_template

POLICIES = {AIRFLOW: "AirflowPolicy", DASHBOARD: "DashboardPolicy", SPARK: "SparkPolicy"}
NEEDS_NO_PERMISSION = "sts:GetCallerIdentity"
CATALOG = "arn:aws:glue:us-east-1:000000000000:catalog"
OF_ACCOUNT = {"*", CATALOG, CATALOG.replace("catalog", "database/default")}
"""Resources that all lakes of an account share."""

ON_EVERYTHING = {
    ("AirflowPolicy", "ListInstances"),
    ("AirflowPolicy", "ListKeys"),
    ("HostPolicy", "AgentMetrics"),
    ("HostPolicy", "Associations"),
    ("HostPolicy", "Documents"),
    ("HostPolicy", "Sessions"),
    ("SparkPolicy", "ListKeys"),
}
"""Statements whose actions IAM can't restrict to the resources of a lake."""

MAX_CHARACTERS = 6144
"""Limit of a managed policy, without white space."""


def stack_with(**parameters: object) -> Stack:
    return Stack(load_template("lake.yaml"), "clickstream-lake", parameters)


STACK = stack_with(SparkApplication="00f1abcd")
NAMES = ("BucketName", "DatabaseName", "KeyPrefix", "SparkApplication")
OTHER = replace(stack_with(**dict.fromkeys(NAMES, "other")), name="other-lake")


@pytest.fixture(scope="module")
def calls(tmp_path_factory: pytest.TempPathFactory) -> frozenset[Call]:
    """One recording for all workers of a run."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    with (shared / "recording.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "calls.jsonl").exists():
            recorded = record_calls(tmp_path_factory.mktemp("recording"))
            recorded.rename(shared / "calls.jsonl")
    found = parse_calls((shared / "calls.jsonl").read_text().splitlines())
    return frozenset(call for call in found if call.action != NEEDS_NO_PERMISSION)


def unrecorded() -> Mapping[tuple[str, str], Mapping[str, Any]]:
    """The listed statements by policy and Sid."""
    path = Path(__file__).with_name("unrecorded_calls.toml")
    listed = tomllib.loads(path.read_text())["unrecorded"]
    assert all(one["reason"] for one in listed)
    return {(one["policy"], one["statement"]): one for one in listed}


def pairs_of(calls: Collection[Call], who: str) -> set[tuple[str, str]]:
    """Return what a key needs: actions, each with a resource."""
    return {(call.action, name) for call in calls if call.who == who for name in call.resources}


def only_allowed_by(
    one: Statement, statements: Sequence[Statement], pairs: Collection[tuple[str, str]]
) -> list[tuple[str, str]]:
    """Return what would be denied without a statement."""
    others = [other for other in statements if other is not one]
    return [pair for pair in pairs if one.allows(*pair) and not is_allowed(others, *pair)]


@pytest.mark.parametrize("who", POLICIES)
def test_every_recorded_call_is_allowed(who: str, calls: frozenset[Call]) -> None:
    pairs, statements = pairs_of(calls, who), statements_of(STACK, POLICIES[who])
    assert pairs
    assert [pair for pair in pairs if not is_allowed(statements, *pair)] == []


def test_airflows_host_may_show_the_dashboard(calls: frozenset[Call]) -> None:
    statements = statements_of(STACK, "AirflowPolicy")
    assert all(is_allowed(statements, *pair) for pair in pairs_of(calls, DASHBOARD))


@pytest.mark.parametrize("who", POLICIES)
def test_every_action_and_resource_of_a_statement_is_needed(
    who: str, calls: frozenset[Call]
) -> None:
    """Without it a recorded call is denied; statements that no call shows are listed."""
    pairs, listed = pairs_of(calls, who), unrecorded()
    statements = statements_of(STACK, POLICIES[who])
    surplus = [
        (one.sid, *sorted({*one.actions, *one.resources} - {*part.actions, *part.resources}))
        for one in statements
        if (one.policy, one.sid) not in listed
        for needed in [only_allowed_by(one, statements, pairs)]
        for part in one.parts()
        if all(part.allows(*pair) for pair in needed)
    ]
    assert surplus == []


def test_statements_that_no_call_needs_are_listed_and_only_those(calls: frozenset[Call]) -> None:
    keys = {policy: who for who, policy in POLICIES.items()}
    found = {}
    for policy in STACK.resources("AWS::IAM::ManagedPolicy"):
        statements, pairs = statements_of(STACK, policy), pairs_of(calls, keys.get(policy, ""))
        for one in statements:
            if not only_allowed_by(one, statements, pairs):
                found[policy, one.sid] = [*one.actions]
    assert found == {key: entry["actions"] for key, entry in unrecorded().items()}


@pytest.mark.parametrize("who", POLICIES)
def test_another_lakes_bucket_database_and_keys_are_closed(
    who: str, calls: frozenset[Call]
) -> None:
    """Only what belongs to the whole account is open: Glue's catalog, and names of secrets."""
    statements = statements_of(OTHER, POLICIES[who])
    allowed = {pair for pair in pairs_of(calls, who) if is_allowed(statements, *pair)}
    assert {name for _, name in allowed} <= {CATALOG, "*"}
    assert {action for action, name in allowed if name == "*"} <= {"secretsmanager:ListSecrets"}


def test_every_resource_is_of_the_lake_that_the_parameters_name() -> None:
    found = set()
    for policy in STACK.resources("AWS::IAM::ManagedPolicy"):
        pairs = zip(statements_of(STACK, policy), statements_of(OTHER, policy), strict=True)
        for one, other in pairs:
            assert {*one.resources} & {*other.resources} <= OF_ACCOUNT
            found |= {(policy, one.sid)} if "*" in one.resources else set()
    assert found == ON_EVERYTHING


def test_no_host_and_no_job_may_replace_the_code_of_the_host() -> None:
    bundle = f"{STACK.attribute('Bucket', 'Arn')}/bundles/0.tar"
    for policy in STACK.resources("AWS::IAM::ManagedPolicy"):
        statements = statements_of(STACK, policy)
        assert not is_allowed(statements, "s3:PutObject", bundle)
        assert not is_allowed(statements, "s3:DeleteObject", bundle)
        assert is_allowed(statements, "s3:GetObject", bundle) == (policy == "AirflowPolicy")


def test_roles_have_their_policies_and_no_others() -> None:
    roles = {
        name: [one.removeprefix("clickstream-lake-") for one in role["ManagedPolicyArns"]]
        for name, role in STACK.resources("AWS::IAM::Role").items()
    }
    assert roles == {
        "AirflowRole": ["AirflowPolicy", "HostPolicy", "AirflowSparkPolicy"],
        "WebServerRole": ["HostPolicy"],
        "SparkRole": ["SparkPolicy"],
    }
    assert "AirflowSparkPolicy" not in stack_with().resources("AWS::IAM::ManagedPolicy")
    for role in STACK.resources("AWS::IAM::Role").values():
        assert "Policies" not in role


def test_policies_are_shorter_than_the_limit_of_iam() -> None:
    long = replace(STACK, parameters={**STACK.parameters, "BucketName": "b" * 63})
    for name, policy in long.resources("AWS::IAM::ManagedPolicy").items():
        assert len(str(policy["PolicyDocument"]).replace(" ", "")) < MAX_CHARACTERS, name
