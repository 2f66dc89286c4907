"""The S3 service: finds the operation of a request, or refuses it by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

from starlette.responses import Response

from localaws.errors import AwsError, NotSupportedError
from localaws.s3 import xml
from localaws.s3.buckets import BucketOperations
from localaws.s3.index import ObjectIndex
from localaws.s3.multipart import MultipartOperations
from localaws.s3.objects import ObjectOperations
from localaws.s3.request import S3Request
from localaws.store import BlobFolder, Database

_Operation = Callable[[S3Request], Response]

# Query parameters that turn a request into another operation.
_SUBRESOURCES = (
    "accelerate",
    "acl",
    "analytics",
    "append",
    "attributes",
    "cors",
    "delete",
    "encryption",
    "intelligent-tiering",
    "inventory",
    "legal-hold",
    "lifecycle",
    "location",
    "logging",
    "metrics",
    "notification",
    "object-lock",
    "ownershipControls",
    "policy",
    "policyStatus",
    "publicAccessBlock",
    "renameObject",
    "replication",
    "requestPayment",
    "restore",
    "retention",
    "select",
    "session",
    "tagging",
    "torrent",
    "uploadId",
    "uploads",
    "versioning",
    "versions",
    "website",
)


class S3:
    """The S3 service; its methods block and are called from worker threads."""

    def __init__(self, database: Database, blobs: BlobFolder) -> None:
        self.index = ObjectIndex(database, blobs)
        self.objects = ObjectOperations(self.index)
        self._operations = _operations(
            BucketOperations(self.index),
            self.objects,
            MultipartOperations(self.index, self.objects),
        )

    def handle(self, request: S3Request) -> Response:
        """Answer a request. An AwsError becomes an error document of S3."""
        try:
            request.check_headers()
            return self._find(request)(request)
        except AwsError as error:
            # Read the rest of the body: else it would be parsed as the connection's next request.
            for _ in request.body:
                pass
            return xml.error_response(error, request.bucket, request.key, request.method == "HEAD")

    def _find(self, request: S3Request) -> _Operation:
        operation = self._operations.get(name_of(request))
        if operation is None:
            level, method, *subresource = name_of(request).split()
            parameter = "".join(f" ?{name}" for name in subresource)
            raise NotSupportedError(f"the S3 operation {method} {level}{parameter}")
        return operation


def name_of(request: S3Request) -> str:
    """Return the level, method and subresource of a request, such as ``bucket GET location``."""
    subresource = next((name for name in _SUBRESOURCES if name in request.query), "")
    level = "object" if request.key else "bucket" if request.bucket else "service"
    return f"{level} {request.method} {subresource}".rstrip()


class BlobAccess:
    """Objects as files, for the other services of this process (see ``service.Blobs``)."""

    def __init__(self, s3: S3) -> None:
        self._s3 = s3

    def path(self, bucket: str, key: str) -> Path | None:
        """Return the file with the object's bytes, or None; see ``service.Blobs``.

        Its bytes are compared with their MD5 once. Raises AwsError (InvalidObjectState) if they are
        damaged or missing.
        """
        index = self._s3.index
        try:
            stored, file = index.open(bucket, key)
        except AwsError as error:
            if error.code in ("NoSuchBucket", "NoSuchKey"):
                return None
            raise
        with file:
            index.check(bucket, stored, file)
        return index.blobs.path(stored.blob)

    def put(self, bucket: str, key: str, data: BinaryIO, content_type: str) -> None:
        """Store an object durably. Raises AwsError (NoSuchBucket)."""
        self._s3.objects.put_stream(bucket, key, data, content_type)

    def exists_bucket(self, bucket: str) -> bool:
        """Whether the bucket exists."""
        return self._s3.index.exists_bucket(bucket)


def _operations(
    buckets: BucketOperations, objects: ObjectOperations, multipart: MultipartOperations
) -> Mapping[str, _Operation]:
    """Map level, method and subresource of a request to its operation."""
    return {
        "service GET": buckets.list_buckets,
        "bucket PUT": buckets.create,
        "bucket HEAD": buckets.head,
        "bucket GET": buckets.list_objects,
        "bucket GET location": buckets.location,
        "bucket DELETE": buckets.delete,
        "bucket POST delete": buckets.delete_objects,
        "object PUT": objects.put,
        "object GET": objects.get,
        "object HEAD": objects.head,
        "object DELETE": objects.delete,
        "object POST uploads": multipart.create,
        "object PUT uploadId": multipart.put_part,
        "object GET uploadId": multipart.list_parts,
        "object POST uploadId": multipart.complete,
        "object DELETE uploadId": multipart.abort,
    }
