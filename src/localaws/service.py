"""Interfaces between the parts of localaws.

The server speaks HTTP. A ``Service`` answers one AWS JSON-1.1 API. Athena uses S3 through
``Blobs`` and Glue through ``Catalog``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Protocol

ACCOUNT_ID = "000000000000"
"""The only account; it owns all resources."""

REGION = "us-east-1"
"""The region in resource names (ARNs); clients may sign for any region."""


class Service(Protocol):
    """One AWS service that speaks JSON 1.1."""

    name: str
    """Signing name, as in the credential scope: ``glue``, ``athena``, ``secretsmanager``."""

    target_prefix: str
    """Left part of ``X-Amz-Target``: ``AWSGlue``, ``AmazonAthena``, ``secretsmanager``."""

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one operation; runs in a worker thread and may block.

        Raises AwsError for each error that is returned to the client.
        """
        ...

    def close(self) -> None:
        """Release what the service holds; called once, when the server stops."""
        ...


class Blobs(Protocol):
    """Objects of the local S3, as files."""

    def path(self, bucket: str, key: str) -> Path | None:
        """Return the file with the object's bytes, or None if there is no such object.

        Raises AwsError (InvalidObjectState) if the stored bytes are damaged or missing.

        The file never changes, but it is removed when the object is overwritten or deleted. A
        caller that finds the file missing must call again.
        """
        ...

    def put(self, bucket: str, key: str, data: BinaryIO, content_type: str) -> None:
        """Store an object durably, as PutObject does. Raises AwsError (NoSuchBucket)."""
        ...

    def exists_bucket(self, bucket: str) -> bool:
        """Whether the bucket exists."""
        ...


class Catalog(Protocol):
    """The Glue Data Catalog, called by another service of the same process."""

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer a Glue operation as over HTTP. Raises AwsError (EntityNotFoundException...)."""
        ...
