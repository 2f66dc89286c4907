"""The visitor keys in Secrets Manager: made once, found by the hour they are good for."""

from __future__ import annotations

import json
import secrets

from botocore.exceptions import ClientError

from clickstream.hours import Hour
from clickstream.lake.client import Lake

KEY_BYTES = 32
BEGINNING = "1970-01-01T00"


def ensure(lake: Lake) -> None:
    """Make the secret with one random key if it does not exist; never touch one that does."""
    first = [{"from": BEGINNING, "key": secrets.token_hex(KEY_BYTES)}]
    try:
        lake.secrets.create_secret(
            Name=lake.settings.lake.key_secret,
            Description="Keys that visitor ids are hashed with, by the hour each begins to hold.",
            SecretString=json.dumps({"keys": first}),
        )
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceExistsException":
            raise


def visitor_key(lake: Lake, hour: Hour) -> bytes:
    """The key that holds in an hour."""
    secret = lake.secrets.get_secret_value(SecretId=lake.settings.lake.key_secret)
    keys = json.loads(secret["SecretString"])["keys"]
    holding = max((k for k in keys if k["from"] <= str(hour)), key=lambda k: str(k["from"]))
    return bytes.fromhex(holding["key"])
