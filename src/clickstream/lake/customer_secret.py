"""The lake's secret for the keys of customers, in Secrets Manager: one that is never replaced.

It is created when it is first needed. Its name is below the prefix of the visitor keys, which
ignore it (`visitor_keys`).
"""

from __future__ import annotations

from clickstream.lake.client import Lake
from clickstream.lake.visitor_keys import create_secret, read_secret

NAME = "customers"
DESCRIPTION = "Key of customer_key in the tables of sales; without it keys change."


def customer_secret(lake: Lake) -> bytes:
    """Return the secret. If two processes create it at once, both get the same one."""
    name = f"{lake.settings.lake.key_secret}/{NAME}"
    while (secret := read_secret(lake, name)) is None:
        create_secret(lake, name, DESCRIPTION)
    return secret
