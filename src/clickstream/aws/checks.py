"""Checks of a deployment's account, one after the other, each with what to do about a problem."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from botocore.exceptions import ClientError

from clickstream.aws.deploy import TEMPLATES
from clickstream.aws.deployment import LAKE_FORMATION_REMEDY, Deployment
from clickstream.aws.stacks import NEVER_CREATED, UNUSABLE
from clickstream.core.errors import ClickstreamError
from clickstream.core.wording import quantity, shorten
from clickstream.lake import Lake, athena, aws_errors
from clickstream.lake.client import has_database
from clickstream.lake.object_versions import kept_days
from clickstream.lake.s3_get import code
from clickstream.lake.visitor_keys import listed_secrets
from clickstream.pipeline.hosts.check import check_hosts
from clickstream.pipeline.hosts.listing import hosts_of_settings

FREE_BYTES = 2 << 30
"""Bytes that a pull and a build of a busy hour may need in the temporary directory."""

DEPLOY = "run `clickstream aws deploy`"


@dataclass(frozen=True)
class Check:
    """The result of a check. `problem` is empty if all is well, and `remedy` says what to do.

    `unchecked` says why nothing was checked.
    """

    name: str
    found: str = ""
    problem: str = ""
    remedy: str = ""
    unchecked: str = ""


class _Problem(Exception):
    """A problem and its remedy."""


class _Unchecked(Exception):
    """The reason for which nothing was checked."""


def run_checks(deployment: Deployment) -> Iterator[Check]:
    """Run all checks, and yield the result of each one as it is known."""
    yield _run("identity", deployment.describe_caller)
    yield _run("stacks", lambda: _check_stacks(deployment))
    lake = deployment.account  # without a stack, the lake of the settings
    if deployment.is_on_aws:
        with suppress(ClickstreamError), aws_errors.translate_errors():
            lake = deployment.lake()
    checks: dict[str, Callable[[], str]] = {
        "bucket": lambda: _check_bucket(lake),
        "database": lambda: _check_database(lake),
        "Lake Formation": lambda: _check_lake_formation(deployment),
        "Athena": lambda: _check_athena(lake),
        "secrets": lambda: _check_secrets(lake),
        "alarms": lambda: _check_alarms(deployment),
        "hosts": lambda: _check_hosts(deployment),
        "disk": _check_disk,
    }
    yield from (_run(name, check) for name, check in checks.items())


def _run(name: str, check: Callable[[], str]) -> Check:
    """Run a check, which returns what it found. An error of AWS is its problem."""
    try:
        with aws_errors.translate_errors():
            return Check(name, found=check())
    except _Problem as problem:
        return Check(name, problem=problem.args[0], remedy=problem.args[1])
    except _Unchecked as reason:
        return Check(name, unchecked=str(reason))
    except ClickstreamError as error:
        return Check(name, problem=error.printed)


@contextmanager
def _only_on_aws(deployment: Deployment, missing_rights: str) -> Iterator[None]:
    """Skip a check elsewhere, and without its permissions: the role of the host lacks them."""
    if not deployment.is_on_aws:
        raise _Unchecked("the endpoint is not AWS")
    try:
        yield
    except ClientError as error:
        if code(error) not in ("AccessDenied", "AccessDeniedException", "AuthorizationError"):
            raise
        raise _Unchecked(f"these credentials {missing_rights}") from None


def _check_stacks(deployment: Deployment) -> str:
    with _only_on_aws(deployment, "lack cloudformation:DescribeStacks"):
        for kind in TEMPLATES:
            stack, name = deployment.stack(kind), deployment.stack_name(kind)
            if stack is None:
                raise _Problem(f"{name} does not exist", DEPLOY)
            if stack.status in UNUSABLE or stack.status == NEVER_CREATED:
                remedy = UNUSABLE.get(stack.status, f"{DEPLOY}, which creates it again")
                raise _Problem(f"{name} is {stack.status}", remedy)
    return ", ".join(map(deployment.stack_name, TEMPLATES))


def _check_bucket(lake: Lake) -> str:
    try:
        lake.s3.head_bucket(Bucket=lake.bucket)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            raise _Problem(f"{lake.bucket} does not exist", DEPLOY) from None
        if status != 403:
            raise
        remedy = "grant s3:ListBucket, or set [lake] bucket to a bucket of this account"
        raise _Problem(f"{lake.bucket} is refused", remedy) from None
    if lake.settings.aws.endpoint_url:
        return lake.bucket
    days = kept_days(lake)
    if days == 0:
        problem = f"{lake.bucket} keeps no versions, so it can't be restored"
        raise _Problem(problem, f"{DEPLOY}, or enable versioning")
    retention = f"replaced objects are kept {days} days" if days else "replaced objects are kept"
    return f"{lake.bucket}, {retention}"


def _check_database(lake: Lake) -> str:
    if not has_database(lake.glue, lake.database):
        problem = f"the Glue database {lake.database} does not exist"
        raise _Problem(problem, f"{DEPLOY}, or check [lake] database")
    return lake.database


def _check_lake_formation(deployment: Deployment) -> str:
    with _only_on_aws(deployment, "lack lakeformation:GetDataLakeSettings"):
        if deployment.has_iam_access():
            return "IAM policies alone decide about new databases and tables"
    problem = "its own permissions apply to new databases and tables"
    raise _Problem(problem, LAKE_FORMATION_REMEDY)


def _check_athena(lake: Lake) -> str:
    athena.execute(lake, "select 1", longest_seconds=60)
    return f"`select 1` succeeds in the workgroup {lake.settings.lake.workgroup}"


def _check_secrets(lake: Lake) -> str:
    number = sum(1 for _ in listed_secrets(lake))
    return f"{quantity(number, 'secret')} below {lake.settings.lake.key_secret}"


def _check_alarms(deployment: Deployment) -> str:
    """Name the alarms that are not in the state OK, and mail addresses that did not confirm."""
    with _only_on_aws(deployment, "may not read alarms and subscriptions"):
        stack = deployment.stack("alarms")
        if not stack:
            raise _Unchecked("no stack")
        pages = deployment.client("cloudwatch").get_paginator("describe_alarms")
        alarms = [
            alarm
            for page in pages.paginate(AlarmNamePrefix=f"{stack.name}-")
            for alarm in page["MetricAlarms"]
        ]
        topic = deployment.client("sns").list_subscriptions_by_topic(
            TopicArn=stack.outputs["TopicArn"]
        )
    if any(s["SubscriptionArn"] == "PendingConfirmation" for s in topic["Subscriptions"]):
        raise _Problem(
            "the address for mails is not confirmed, so no mail is sent",
            "open the mail `AWS Notification - Subscription Confirmation`",
        )
    if raised := [alarm["AlarmName"] for alarm in alarms if alarm["StateValue"] != "OK"]:
        remedy = "look at them in the CloudWatch console; docs/aws.md describes each one"
        raise _Problem(f"not OK: {shorten(raised)}", remedy)
    return f"{stack.name}: {quantity(len(alarms), 'alarm')}, none raised"


def _check_hosts(deployment: Deployment) -> str:
    """Connect to the hosts that the settings name, as `clickstream sources check` does."""
    hosts = hosts_of_settings(deployment.settings)
    if not hosts:
        raise _Unchecked("the settings name no host")
    results = [*check_hosts(deployment.settings, hosts)]
    problems = [problem for host in results for problem in host.problems]
    if problems:
        failing = shorten([host.name for host in results if host.problems])
        others = f" (and {quantity(len(problems) - 1, 'other problem')})" if problems[1:] else ""
        remedy = "run `clickstream sources check` on a machine that reaches the hosts"
        raise _Problem(f"{failing}: {problems[0]}{others}", remedy)
    unchecked = [host.name for host in results if host.unchecked]
    if len(unchecked) == len(results):
        raise _Unchecked(f"{shorten(unchecked)}: the login is not available here")
    return f"{quantity(len(results) - len(unchecked), 'host')} can be pulled"


def _check_disk() -> str:
    directory = tempfile.gettempdir()
    free = shutil.disk_usage(directory).free
    if free < FREE_BYTES:
        remedy = "free space, or set TMPDIR to a directory with at least 2 GB"
        raise _Problem(f"only {free / 1e9:,.1f} GB are free in {directory}", remedy)
    return f"{free / 1e9:,.1f} GB free in {directory}"
