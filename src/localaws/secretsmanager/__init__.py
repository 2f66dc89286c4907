"""Secrets Manager: the operations that the library uses, for secrets that have one value each.

A destroyed secret is wiped from the disk. Other operations and members are refused by name.
"""

from localaws.secretsmanager.manager import SecretsManager

__all__ = ["SecretsManager"]
