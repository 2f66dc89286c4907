"""Publishes messages to SNS topics, for alerts."""

from __future__ import annotations

from botocore.config import Config

from clickstream.lake import aws_errors
from clickstream.lake.client import Lake

LONGEST_SUBJECT = 100
"""SNS's limit of a subject, in ASCII characters."""

SECONDS = 10


@aws_errors.translate_errors()
def publish(lake: Lake, topic: str, subject: str, text: str) -> None:
    """Publish a text to the topic with this ARN.

    The endpoint is that of boto3's environment (AWS_ENDPOINT_URL_SNS), because an endpoint of the
    lake need not serve SNS.
    """
    ascii_only = subject.encode("ascii", "replace").decode()
    client = lake.session.client(
        "sns",
        region_name=topic.split(":")[3],
        config=Config(
            retries={"mode": "standard", "total_max_attempts": 2},
            connect_timeout=SECONDS,
            read_timeout=SECONDS,
        ),
    )
    client.publish(TopicArn=topic, Subject=ascii_only[:LONGEST_SUBJECT], Message=text)
