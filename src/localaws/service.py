"""What the parts of localaws promise each other.

The server speaks HTTP; a ``Service`` answers one AWS JSON-1.1 API; ``Blobs`` and ``Catalog`` are
what Athena needs to know of S3 and Glue.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Protocol

ACCOUNT_ID = "000000000000"
"""The one account everything belongs to."""

REGION = "us-east-1"
"""The region that resource names (ARNs) carry; clients may sign for any region."""


class Service(Protocol):
    """One AWS service that speaks JSON 1.1."""

    name: str
    """Signing name, as in the credential scope: ``glue``, ``athena``, ``secretsmanager``."""

    target_prefix: str
    """Left part of ``X-Amz-Target``: ``AWSGlue``, ``AmazonAthena``, ``secretsmanager``."""

    def call(self, operation: str, body: dict[str, Any]) -> dict[str, Any]:
        """Answer one operation; runs in a worker thread and may block.

        Raises AwsError for everything the client is to be told.
        """
        ...

    def close(self) -> None:
        """Release what the service holds; called once, when the server stops."""
        ...


class Blobs(Protocol):
    """Objects of the local S3, as files."""

    def path(self, bucket: str, key: str) -> Path | None:
        """File with the object's bytes, or None if there is no such object.

        Raises AwsError (InternalError) if the stored bytes are damaged or gone.

        The file never changes, but it disappears when the object is overwritten or deleted: a
        caller that finds it gone asks again.
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
