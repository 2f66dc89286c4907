"""Checks of a deployment's account, one after the other, each with what to do about a problem."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from botocore.exceptions import ClientError

from clickstream.aws.account import REMEDY, has_iam_access, identify
from clickstream.aws.deployment import DEPLOYED, Deployment
from clickstream.aws.stacks import UNUSABLE, CloudStack
from clickstream.errors import ClickstreamError
from clickstream.lake import Lake, athena, aws_errors
from clickstream.lake.client import has_database
from clickstream.lake.object_versions import kept_days
from clickstream.lake.s3_get import code
from clickstream.lake.visitor_keys import listed_secrets
from clickstream.pipeline.hosts.check import check_hosts
from clickstream.pipeline.hosts.listing import hosts_of_settings
from clickstream.wording import quantity, shorten

FREE_BYTES = 2 << 30
"""Bytes that a pull and a build of a busy hour may need in the temporary directory."""


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


def run_checks(deployment: Deployment) -> Iterator[Check]:
    """Run all checks, and yield the result of each one as it is known."""
    yield _run("identity", lambda: Check("", found=identify(deployment).sentence))
    yield _run("stacks", lambda: _check_stacks(deployment))
    lake = _lake_of(deployment)
    checks: dict[str, Callable[[], Check]] = {
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


def _run(name: str, check: Callable[[], Check]) -> Check:
    """Run a check; an error of AWS is its problem."""
    try:
        with aws_errors.translate_errors():
            return replace(check(), name=name)
    except ClickstreamError as error:
        return Check(name, problem=error.printed)


def _lake_of(deployment: Deployment) -> Lake:
    """Return the lake of the stack, or that of the settings without a stack."""
    if not deployment.is_on_aws:
        return deployment.account
    try:
        with aws_errors.translate_errors():
            return deployment.lake()
    except ClickstreamError:
        return deployment.account


def _check_stacks(deployment: Deployment) -> Check:
    if not deployment.is_on_aws:
        return Check("", unchecked="the endpoint is not AWS")
    try:
        return _states_of_stacks(deployment)
    except ClientError as error:
        if code(error) != "AccessDenied":
            raise
        return Check("", unchecked="these credentials lack cloudformation:DescribeStacks")


def _states_of_stacks(deployment: Deployment) -> Check:
    for kind in DEPLOYED:
        stack = deployment.stack(kind)
        name = deployment.stack_name(kind)
        if stack is None:
            return Check(
                "", problem=f"{name} does not exist", remedy="run `clickstream aws deploy`"
            )
        if stack.status in UNUSABLE or stack.status == "ROLLBACK_COMPLETE":
            remedy = UNUSABLE.get(
                stack.status, "run `clickstream aws deploy`, which creates it again"
            )
            return Check("", problem=f"{name} is {stack.status}", remedy=remedy)
    return Check("", found=", ".join(map(deployment.stack_name, DEPLOYED)))


def _check_bucket(lake: Lake) -> Check:
    try:
        lake.s3.head_bucket(Bucket=lake.bucket)
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        if status == 404:
            return Check(
                "", problem=f"{lake.bucket} does not exist", remedy="run `clickstream aws deploy`"
            )
        if status != 403:
            raise
        remedy = "grant s3:ListBucket, or set [lake] bucket to a bucket of this account"
        return Check("", problem=f"{lake.bucket} is refused", remedy=remedy)
    if lake.settings.aws.endpoint_url:
        return Check("", found=lake.bucket)
    days = kept_days(lake)
    if days == 0:
        return Check(
            "",
            problem=f"{lake.bucket} keeps no versions, so it can't be restored",
            remedy="run `clickstream aws deploy`, or enable versioning",
        )
    kept = f"replaced objects are kept {days} days" if days else "replaced objects are kept"
    return Check("", found=f"{lake.bucket}, {kept}")


def _check_database(lake: Lake) -> Check:
    if has_database(lake.glue, lake.database):
        return Check("", found=lake.database)
    return Check(
        "",
        problem=f"the Glue database {lake.database} does not exist",
        remedy="run `clickstream aws deploy`, or check [lake] database",
    )


def _check_lake_formation(deployment: Deployment) -> Check:
    if not deployment.is_on_aws:
        return Check("", unchecked="the endpoint is not AWS")
    try:
        is_open = has_iam_access(deployment)
    except ClientError as error:
        if code(error) != "AccessDeniedException":
            raise
        return Check("", unchecked="these credentials lack lakeformation:GetDataLakeSettings")
    if is_open:
        return Check("", found="IAM policies alone decide about new databases and tables")
    return Check("", problem="its own permissions apply to new databases and tables", remedy=REMEDY)


def _check_athena(lake: Lake) -> Check:
    athena.execute(lake, "select 1", longest_seconds=60)
    return Check("", found=f"`select 1` succeeds in the workgroup {lake.settings.lake.workgroup}")


def _check_secrets(lake: Lake) -> Check:
    number = sum(1 for _ in listed_secrets(lake))
    return Check("", found=f"{quantity(number, 'secret')} below {lake.settings.lake.key_secret}")


def _check_alarms(deployment: Deployment) -> Check:
    """Name the alarms that are not in the state OK, and mail addresses that did not confirm."""
    if not deployment.is_on_aws:
        return Check("", unchecked="the endpoint is not AWS")
    try:
        stack = deployment.stack("alarms")
        return _states_of_alarms(deployment, stack) if stack else Check("", unchecked="no stack")
    except ClientError as error:
        if code(error) not in ("AccessDenied", "AuthorizationError"):
            raise
        return Check("", unchecked="these credentials may not read alarms and subscriptions")


def _states_of_alarms(deployment: Deployment, stack: CloudStack) -> Check:
    pages = deployment.client("cloudwatch").get_paginator("describe_alarms")
    found = [
        one
        for page in pages.paginate(AlarmNamePrefix=f"{stack.name}-")
        for one in page["MetricAlarms"]
    ]
    topic = deployment.client("sns").list_subscriptions_by_topic(TopicArn=stack.outputs["TopicArn"])
    if any(one["SubscriptionArn"] == "PendingConfirmation" for one in topic["Subscriptions"]):
        return Check(
            "",
            problem="the address for mails is not confirmed, so no mail is sent",
            remedy="open the mail `AWS Notification - Subscription Confirmation`",
        )
    if raised := [one["AlarmName"] for one in found if one["StateValue"] != "OK"]:
        return Check(
            "",
            problem=f"not OK: {shorten(raised)}",
            remedy="look at them in the CloudWatch console; docs/aws.md describes each one",
        )
    return Check("", found=f"{stack.name}: {quantity(len(found), 'alarm')}, none raised")


def _check_hosts(deployment: Deployment) -> Check:
    """Connect to the hosts that the settings name, as `clickstream sources check` does."""
    hosts = hosts_of_settings(deployment.settings)
    if not hosts:
        return Check("", unchecked="the settings name no host")
    found = [*check_hosts(deployment.settings, hosts)]
    failing = [one.name for one in found if one.problems]
    if failing:
        return Check(
            "",
            problem=f"{shorten(failing)}: {_first_of([p for one in found for p in one.problems])}",
            remedy="run `clickstream sources check` on a machine that reaches the hosts",
        )
    unchecked = [one.name for one in found if one.unchecked]
    if len(unchecked) == len(found):
        return Check("", unchecked=f"{shorten(unchecked)}: the login is not available here")
    return Check("", found=f"{quantity(len(found) - len(unchecked), 'host')} can be pulled")


def _first_of(problems: Sequence[str]) -> str:
    more = f" (and {quantity(len(problems) - 1, 'other problem')})" if len(problems) > 1 else ""
    return f"{problems[0]}{more}"


def _check_disk() -> Check:
    directory = tempfile.gettempdir()
    free = shutil.disk_usage(directory).free
    if free >= FREE_BYTES:
        return Check("", found=f"{free / 1e9:,.1f} GB free in {directory}")
    return Check(
        "",
        problem=f"only {free / 1e9:,.1f} GB are free in {directory}",
        remedy="free space, or set TMPDIR to a directory with at least 2 GB",
    )
