"""What the services share: account, region, their operations, and what Athena calls."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from localaws.errors import NotSupportedError, UnknownOperationError

ACCOUNT_ID = "000000000000"
"""The only account; it owns all resources."""

REGION = "us-east-1"
"""The region in resource names (ARNs); clients may sign for any region."""

Json = dict[str, Any]
"""Members of a request or a response, as botocore describes them for the operation."""

Operations = Mapping[str, Callable[[Json], Json]]
"""The operations of a service by name."""


def find_operation(
    service: str, operations: Operations, operation: str, body: Json, refused: Sequence[str] = ()
) -> Callable[[Json], Json]:
    """Return what answers an operation. ``refused`` are members that a request must not use.

    Raises AwsError, with the name of the operation or of the member, for what localaws lacks.
    """
    if operation not in operations:
        raise UnknownOperationError(service, operation)
    for name in refused:
        if body.get(name):
            raise NotSupportedError(f"{name} in {service} {operation}")
    return operations[operation]


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
