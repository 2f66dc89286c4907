"""Access to the lake through Airflow's connection to AWS, for tasks and pages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection

if TYPE_CHECKING:
    import boto3

    from clickstream.lake import Lake

AWS_CONNECTION = "aws_default"


def open_lake() -> Lake:
    """Open the lake in a task, after setting up the memory of the process for building hours.

    It is opened through the connection `aws_default`, if that exists. Otherwise boto3's default
    chain (environment, instance role) and the settings give credentials and endpoint.
    """
    from clickstream.core.memory import freeze_imports, use_system_allocator

    use_system_allocator()
    from clickstream import lake, settings

    freeze_imports()  # after these imports
    session, endpoint_url = _aws_connection()
    return lake.open_lake(settings.load(), session=session, endpoint_url=endpoint_url)


def refer_to_lake() -> Lake:
    """Return the lake for reading, without a request to AWS, which could fail."""
    from clickstream import lake, settings

    session, endpoint_url = _aws_connection()
    return lake.refer_to_lake(settings.load(), session=session, endpoint_url=endpoint_url)


def _aws_connection() -> tuple[boto3.Session | None, str | None]:
    """Return session and endpoint of the connection; None for both if it does not exist.

    The connection is looked up before the hook is imported, because that import is slow.
    """
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    try:
        Connection.get(AWS_CONNECTION)
    except AirflowNotFoundException:
        return None, None
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    hook: AwsGenericHook[Any] = AwsGenericHook(aws_conn_id=AWS_CONNECTION)
    return hook.get_session(), hook.conn_config.endpoint_url
