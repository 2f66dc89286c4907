"""The lake of the settings, reached through Airflow's connection to AWS."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import Connection

if TYPE_CHECKING:
    import boto3

    from clickstream.lake import Lake

AWS_CONNECTION = "aws_default"


def open_lake() -> Lake:
    """Open the lake in a task, whose process is set up for building hours."""
    from clickstream.memory import freeze_imports, use_system_allocator

    use_system_allocator()
    from clickstream import lake  # noqa: F401, its imports are the ones to freeze

    freeze_imports()
    return connect_lake()


def connect_lake() -> Lake:
    """Open the lake through the connection `aws_default`, if there is one.

    Without that connection, boto3's own chain (environment, instance role) and the settings
    decide how AWS is reached.
    """
    from clickstream import lake, settings

    session, endpoint_url = _aws_connection()
    return lake.open_lake(settings.load(), session=session, endpoint_url=endpoint_url)


def refer_to_lake() -> Lake:
    """Refer to the same lake for reading, without a request to AWS that could fail."""
    from clickstream import lake, settings

    session, endpoint_url = _aws_connection()
    return lake.refer_to_lake(settings.load(), session=session, endpoint_url=endpoint_url)


def _aws_connection() -> tuple[boto3.Session | None, str | None]:
    """Session and endpoint of the connection; looked up by name first, as the hook loads slowly."""
    from airflow.exceptions import AirflowNotFoundException  # type: ignore[attr-defined]

    try:
        Connection.get(AWS_CONNECTION)
    except AirflowNotFoundException:
        return None, None
    from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

    hook: AwsGenericHook[Any] = AwsGenericHook(aws_conn_id=AWS_CONNECTION)
    return hook.get_session(), hook.conn_config.endpoint_url
