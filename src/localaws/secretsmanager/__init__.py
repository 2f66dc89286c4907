"""Secrets Manager: named secrets, each with versions, and stages that point at versions.

``AWSCURRENT`` is the stage readers get by default; when it moves to a new version, ``AWSPREVIOUS``
moves to the one it left. A secret scheduled for deletion cannot be read; when its window is over,
or when deletion is forced, its bytes are wiped from the disk.
"""

from localaws.secretsmanager.manager import SecretsManager

__all__ = ["SecretsManager"]
