"""What the services share: the account, its region, and the interfaces that Athena calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO, Protocol

ACCOUNT_ID = "000000000000"
"""The only account; it owns all resources."""

REGION = "us-east-1"
"""The region in resource names (ARNs); clients may sign for any region."""

Json = dict[str, Any]
"""Members of a request or a response, as botocore describes them for the operation."""


class Blobs(Protocol):
    """Objects of the local S3, as files."""

    def path(self, bucket: str, key: str) -> Path | None:
        """Return the file with the object's bytes, or None if there is no such object.

        Raises AwsError (InvalidObjectState) if the file is missing on the disk.

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

    def call(self, operation: str, body: Json) -> Json:
        """Answer a Glue operation as over HTTP. Raises AwsError (EntityNotFoundException...)."""
        ...
