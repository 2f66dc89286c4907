"""The lake's secret for the keys of customers, in Secrets Manager: one that is never replaced.

It is created when it is first needed. Its name is below the prefix of the visitor keys, which
ignore it (`visitor_keys`).
"""

from __future__ import annotations

import secrets

from botocore.exceptions import ClientError

from clickstream.lake.client import Lake
from clickstream.lake.visitor_keys import KEY_BYTES

NAME = "customers"


def customer_secret(lake: Lake) -> bytes:
    """Return the secret. If two processes create it at once, both get the same one."""
    name = f"{lake.settings.lake.key_secret}/{NAME}"
    try:
        stored = lake.secrets.get_secret_value(SecretId=name)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        _create(lake, name)
        stored = lake.secrets.get_secret_value(SecretId=name)
    return bytes.fromhex(stored["SecretString"])


def _create(lake: Lake, name: str) -> None:
    try:
        lake.secrets.create_secret(
            Name=name,
            Description="Key of customer_key in the tables of sales; without it keys change.",
            SecretString=secrets.token_bytes(KEY_BYTES).hex(),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise
