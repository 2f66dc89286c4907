"""Operations on objects: put, get, head, copy, delete."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from typing import IO
from urllib.parse import parse_qsl, unquote

from starlette.responses import Response, StreamingResponse

from localaws.errors import AwsError, NotSupportedError
from localaws.s3 import xml
from localaws.s3.conditions import WriteCondition, byte_range, is_modified
from localaws.s3.index import ObjectIndex, StoredObject
from localaws.s3.payload import Payload
from localaws.s3.request import CONTENT_HEADERS, MAX_METADATA_BYTES, S3Request, split_path
from localaws.store import BlobWriter

# A body up to this size is read by the thread that looks up the object; a longer one is streamed.
_BLOCK = 1 << 20


class ObjectOperations:
    """Operations on one object, except multipart uploads."""

    def __init__(self, index: ObjectIndex) -> None:
        self._index = index

    def put(self, request: S3Request) -> Response:
        """PutObject, or CopyObject if a source is named."""
        if "x-amz-copy-source" in request.headers:
            return self._copy(request)
        self._index.bucket_region(request.bucket)
        with self._index.blobs.writing() as blob:
            checksums = Payload(request).save(blob)
            stored = stored_object(request.key, blob, request.object_headers(), checksums)
            self._index.put(request.bucket, stored, WriteCondition.of(request.headers))
        return Response(headers={"ETag": f'"{stored.etag}"', **_checksum_headers(stored)})

    def put_stream(self, bucket: str, key: str, data: IO[bytes], content_type: str) -> None:
        """Store data of this process, block by block. Raises AwsError (NoSuchBucket)."""
        with self._index.blobs.writing() as blob:
            shutil.copyfileobj(data, blob, _BLOCK)
            blob.finish()
            stored = stored_object(key, blob, {"content-type": content_type})
            self._index.put(bucket, stored, WriteCondition())

    def get(self, request: S3Request) -> Response:
        """GetObject."""
        refuse_versions(request)
        stored, file = self._index.open(request.bucket, request.key)
        try:
            head = _read_head(request, stored)
            if head.status_code == 304:
                file.close()
                return head
            return self._with_body(request, head, stored, file)
        except BaseException:
            file.close()
            raise

    def head(self, request: S3Request) -> Response:
        """HeadObject."""
        refuse_versions(request)
        return _read_head(request, self._index.get(request.bucket, request.key))

    def delete(self, request: S3Request) -> Response:
        """DeleteObject."""
        refuse_versions(request)
        self._index.delete(request.bucket, [request.key], request.headers.get("if-match"))
        return Response(status_code=204)

    def open_source(self, request: S3Request) -> tuple[StoredObject, IO[bytes]]:
        """Open the source of a copy. Raises AwsError (NoSuchKey, PreconditionFailed, …)."""
        path, _, query = request.headers["x-amz-copy-source"].partition("?")
        if query:
            raise NotSupportedError(f"the S3 copy source parameter {parse_qsl(query)[0][0]}")
        stored, file = self._index.open(*split_path(path.encode("latin-1")))
        if not is_modified(
            request.headers, stored.etag, stored.modified_at, prefix="x-amz-copy-source-"
        ):
            file.close()
            raise AwsError(
                "PreconditionFailed",
                "At least one of the pre-conditions you specified did not hold",
                412,
            )
        return stored, file

    def _with_body(
        self, request: S3Request, head: Response, stored: StoredObject, file: IO[bytes]
    ) -> Response:
        """Add the body to the response of a read, and compare its bytes with their MD5.

        A large object is compared while it is sent; if it is damaged, the connection is closed
        before the last block. The next read of the object is refused before it is sent.
        """
        part = byte_range(request.headers.get("range"), stored.size)
        length = int(head.headers["content-length"])
        if part or self._index.integrity.is_suspect(stored.blob):
            self._index.check(request.bucket, stored, file)
        elif length > _BLOCK:  # before the head is sent
            self._index.check_size(request.bucket, stored, file)
        if part:
            blocks = file_blocks(file, *part)
        else:
            blocks = self._index.blocks(request.bucket, stored, file)
        if length <= _BLOCK:
            return Response(b"".join(blocks), head.status_code, head.headers)
        return StreamingResponse(blocks, head.status_code, head.headers)

    def _copy(self, request: S3Request) -> Response:
        replace = request.headers.get("x-amz-metadata-directive", "COPY") == "REPLACE"
        source = unquote(request.headers["x-amz-copy-source"]).removeprefix("/")
        if source == f"{request.bucket}/{request.key}" and not replace:
            raise AwsError(
                "InvalidRequest",
                "This copy request is illegal because it is trying to copy an object to itself "
                "without changing the object's metadata.",
            )
        original, file = self.open_source(request)
        headers = request.object_headers() if replace else original.headers
        with self._index.blobs.writing() as blob:
            for block in self._index.blocks(source_bucket(request), original, file):
                blob.write(block)
            blob.finish()
            stored = stored_object(request.key, blob, headers)
            self._index.put(request.bucket, stored, WriteCondition.of(request.headers))
        return xml.response(
            "CopyObjectResult",
            {"ETag": f'"{stored.etag}"', "LastModified": xml.timestamp(stored.modified_at)},
        )


def stored_object(
    key: str,
    blob: BlobWriter,
    headers: Mapping[str, str],
    checksums: Mapping[str, str] | None = None,
) -> StoredObject:
    """Build the object of a finished blob; its ETag is the MD5 of its bytes."""
    return StoredObject(key, blob.name, blob.size, blob.md5().hex(), headers, checksums or {})


def source_bucket(request: S3Request) -> str:
    """The bucket of the source of a copy."""
    path = request.headers["x-amz-copy-source"].partition("?")[0]
    return split_path(path.encode("latin-1"))[0]


def refuse_versions(request: S3Request) -> None:
    """Raise NotSupportedError if the request asks for a version or a part of an object."""
    for name in ("versionId", "partNumber"):
        if name in request.query:
            raise NotSupportedError(f"the S3 parameter {name} in {request.method} of an object")


def file_blocks(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes of a file from ``start`` in blocks; close the file at the end."""
    with file:
        file.seek(start)
        while length > 0 and (block := file.read(min(length, _BLOCK))):
            length -= len(block)
            yield block


def _read_head(request: S3Request, stored: StoredObject) -> Response:
    """Build status and headers of the response to a read, without the body."""
    headers = {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified_at, usegmt=True),
    }
    if not is_modified(request.headers, stored.etag, stored.modified_at):
        return Response(status_code=304, headers=headers)
    headers |= {"Accept-Ranges": "bytes", **stored.headers, **_overrides(request)}
    part = byte_range(request.headers.get("range"), stored.size)
    if part is None and request.headers.get("x-amz-checksum-mode") == "ENABLED":
        headers |= _checksum_headers(stored)
    start, length = part or (0, stored.size)
    headers["Content-Length"] = str(length)
    if part:
        headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{stored.size}"
    return Response(status_code=206 if part else 200, headers=headers)


def _overrides(request: S3Request) -> dict[str, str]:
    """Return the response headers that the URL overrides: ``response-content-type=...``.

    Raises AwsError (InvalidArgument) for a value that is invalid in a header (RFC 9110, 5.5).
    """
    names = {name: f"response-{name}" for name in CONTENT_HEADERS}
    found = {name: request.query[key] for name, key in names.items() if key in request.query}
    for name, value in found.items():
        if not value.isprintable() or not value.isascii() or len(value) > MAX_METADATA_BYTES:
            raise AwsError("InvalidArgument", f"response-{name} can't be the value of a header.")
    return found


def _checksum_headers(stored: StoredObject) -> dict[str, str]:
    if not stored.checksums:
        return {}
    return {**stored.checksums, "x-amz-checksum-type": "FULL_OBJECT"}
