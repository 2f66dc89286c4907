"""Secrets Manager: named secrets, each with versions, and stages that point to versions.

Readers get the version of the stage ``AWSCURRENT`` by default. When ``AWSCURRENT`` moves to a new
version, ``AWSPREVIOUS`` moves to the version before. A secret that is scheduled for deletion can't
be read. When its recovery window ends, or when deletion is forced, its bytes are wiped from disk.
"""

from localaws.secretsmanager.manager import SecretsManager

__all__ = ["SecretsManager"]
