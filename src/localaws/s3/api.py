"""The S3 service: the operations that it has, each as a method; all others are refused by name."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator
from email.utils import formatdate
from pathlib import Path
from typing import IO, BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from localaws.errors import AwsError, NotSupportedError
from localaws.s3 import protocol
from localaws.s3.objects import ObjectStore, StoredObject, is_match, precondition_failed
from localaws.s3.protocol import S3Request
from localaws.service import Json
from localaws.store import BlobFolder, Database

MAX_KEYS = 1000
# A body up to this size is read by the thread that looks up the object; a longer one is streamed.
_BLOCK = 1 << 20


class S3:
    """The S3 service; its methods block and are called from worker threads."""

    def __init__(self, database: Database, blobs: BlobFolder) -> None:
        self.objects = ObjectStore(database, blobs)
        self._operations: dict[str, Callable[[S3Request], Response]] = {
            "service GET": self._list_buckets,
            "bucket PUT": self._create_bucket,
            "bucket HEAD": self._head_bucket,
            "bucket GET list-type": self._list_objects,
            "bucket POST delete": self._delete_objects,
            "object PUT": self._put,
            "object GET": self._get,
            "object HEAD": self._head,
            "object DELETE": self._delete,
            "object POST uploads": self._create_upload,
            "object PUT partNumber uploadId": self._put_part,
            "object POST uploadId": self._complete_upload,
            "object DELETE uploadId": self._abort_upload,
        }

    def handle(self, request: S3Request) -> Response:
        """Answer a request. Raises AwsError."""
        request.check()
        operation = self._operations.get(request.operation)
        if operation is None:
            level, method, *names = request.operation.split()
            parameters = "".join(f" ?{name}" for name in names)
            raise NotSupportedError(f"the S3 operation {method} {level}{parameters}")
        return operation(request)

    def _list_buckets(self, _request: S3Request) -> Response:
        buckets = [
            {"Name": name, "CreationDate": protocol.timestamp(created_at)}
            for name, created_at in self.objects.buckets()
        ]
        return protocol.respond("ListAllMyBucketsResult", {"Buckets": {"Bucket": buckets}})

    def _create_bucket(self, request: S3Request) -> Response:
        self.objects.create_bucket(request.bucket)
        return Response(headers={"Location": f"/{request.bucket}"})

    def _head_bucket(self, request: S3Request) -> Response:
        self.objects.require_bucket(request.bucket)
        return Response(media_type="application/xml")

    def _list_objects(self, request: S3Request) -> Response:
        """ListObjectsV2: the entries of one page, in pages of up to 1,000."""
        query = request.query
        self.objects.require_bucket(request.bucket)
        encode: Callable[[str], str] = quote if query.get("encoding-type") == "url" else str
        limit = min(int(query.get("max-keys", MAX_KEYS)), MAX_KEYS)
        token, prefix = query.get("continuation-token"), query.get("prefix", "")
        after = base64.urlsafe_b64decode(token).decode() if token else query.get("start-after", "")
        delimiter = query.get("delimiter", "")
        contents: list[Json] = []
        prefixes: list[Json] = []
        last, is_truncated = "", False
        for entry in self.objects.list_entries(request.bucket, prefix, delimiter, after):
            if len(contents) + len(prefixes) == limit:
                is_truncated = limit > 0
                break
            if isinstance(entry, str):
                prefixes.append({"Prefix": encode(entry)})
                last = entry
                continue
            last = entry.key
            contents.append(
                {
                    "Key": encode(entry.key),
                    "LastModified": protocol.timestamp(entry.modified_at),
                    "ETag": f'"{entry.etag}"',
                    "Size": entry.size,
                    "StorageClass": "STANDARD",
                }
            )
        next_token = base64.urlsafe_b64encode(last.encode()).decode() if is_truncated else None
        return protocol.respond(
            "ListBucketResult",
            {
                "Name": request.bucket,
                "Prefix": encode(prefix),
                "Delimiter": encode(delimiter) or None,
                "MaxKeys": limit,
                "EncodingType": query.get("encoding-type"),
                "KeyCount": len(contents) + len(prefixes),
                "ContinuationToken": token,
                "NextContinuationToken": next_token,
                "IsTruncated": is_truncated,
                "Contents": contents,
                "CommonPrefixes": prefixes,
            },
        )

    def _delete_objects(self, request: S3Request) -> Response:
        root = protocol.parse(request.content)
        entries = root.findall("Object")
        for entry in entries:
            for child in entry:
                if child.tag != "Key":
                    raise NotSupportedError(f"{child.tag} in S3 DeleteObjects")
        keys = [entry.findtext("Key") or "" for entry in entries]
        self.objects.delete(request.bucket, keys)
        deleted = [] if root.findtext("Quiet") == "true" else [{"Key": key} for key in keys]
        return protocol.respond("DeleteResult", {"Deleted": deleted})

    def _put(self, request: S3Request) -> Response:
        headers, content = request.object_headers(), [request.content]
        stored = self.objects.put(request.bucket, request.key, content, headers, request.headers)
        return Response(headers={"ETag": f'"{stored.etag}"'})

    def _get(self, request: S3Request) -> Response:
        stored, file = self.objects.open(request.bucket, request.key)
        try:
            head, start, length = _read_head(request, stored)
            if length > _BLOCK:
                blocks = _file_blocks(file, start, length)
                return StreamingResponse(blocks, head.status_code, head.headers)
            if length:
                file.seek(start)
                head = Response(file.read(length), head.status_code, head.headers)
            file.close()
        except BaseException:
            file.close()
            raise
        return head

    def _head(self, request: S3Request) -> Response:
        return _read_head(request, self.objects.get(request.bucket, request.key))[0]

    def _delete(self, request: S3Request) -> Response:
        self.objects.delete(request.bucket, [request.key], request.headers)
        return Response(status_code=204)

    def _create_upload(self, request: S3Request) -> Response:
        bucket, key = request.bucket, request.key
        upload_id = self.objects.create_upload(bucket, key, request.object_headers())
        names = {"Bucket": bucket, "Key": key, "UploadId": upload_id}
        return protocol.respond("InitiateMultipartUploadResult", names)

    def _put_part(self, request: S3Request) -> Response:
        number = int(request.query["partNumber"])
        etag = self.objects.put_part(request.query["uploadId"], number, request.content)
        return Response(headers={"ETag": f'"{etag}"'})

    def _complete_upload(self, request: S3Request) -> Response:
        parts = [
            (int(part.findtext("PartNumber", "0")), part.findtext("ETag", "").strip('"'))
            for part in protocol.parse(request.content).findall("Part")
        ]
        stored = self.objects.complete_upload(request.query["uploadId"], parts, request.headers)
        names = {"Bucket": request.bucket, "Key": request.key, "ETag": f'"{stored.etag}"'}
        return protocol.respond("CompleteMultipartUploadResult", names)

    def _abort_upload(self, request: S3Request) -> Response:
        self.objects.abort_upload(request.query["uploadId"])
        return Response(status_code=204)


class BlobAccess:
    """Objects as files, for the other services of this process."""

    def __init__(self, s3: S3) -> None:
        self._objects = s3.objects

    def path(self, bucket: str, key: str) -> Path | None:
        """Return the file with the object's bytes, or None if there is no such object.

        The file never changes, but it is removed when the object is overwritten or deleted. A
        caller that finds the file missing must call again. Raises AwsError (InvalidObjectState) if
        the file is missing on the disk.
        """
        try:
            stored, file = self._objects.open(bucket, key)
        except AwsError as error:
            if error.code in ("NoSuchBucket", "NoSuchKey"):
                return None
            raise
        file.close()
        return self._objects.blobs.path(stored.blob)

    def put(self, bucket: str, key: str, data: BinaryIO, content_type: str) -> None:
        """Store an object durably. Raises AwsError (NoSuchBucket)."""
        blocks = iter(lambda: data.read(_BLOCK), b"")
        self._objects.put(bucket, key, blocks, {"content-type": content_type})

    def exists_bucket(self, bucket: str) -> bool:
        """Whether the bucket exists."""
        return self._objects.exists_bucket(bucket)


def _read_head(request: S3Request, stored: StoredObject) -> tuple[Response, int, int]:
    """Build the response to a read without its body; return it with start and length of the body.

    As at S3, a malformed range, or one of several parts, is ignored. Raises AwsError
    (PreconditionFailed, InvalidRange).
    """
    if not is_match(request.headers.get("if-match", "*"), stored.etag):
        raise precondition_failed()
    headers = {
        "ETag": f'"{stored.etag}"',
        "Last-Modified": formatdate(stored.modified_at, usegmt=True),
    }
    if is_match(request.headers.get("if-none-match", ""), stored.etag):
        return Response(status_code=304, headers=headers), 0, 0
    headers |= {"Accept-Ranges": "bytes", **stored.headers}
    start, end, status = 0, stored.size, 200
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", request.headers.get("range", ""))
    if match and match[0] != "bytes=-":
        status = 206
        if match[1]:
            start = int(match[1])
            end = min(int(match[2]) + 1, end) if match[2] else end
        else:
            start = max(0, end - int(match[2]))
        if start >= end:
            raise AwsError(
                "InvalidRange",
                "The requested range is not satisfiable",
                416,
                {"RangeRequested": match[0], "ActualObjectSize": stored.size},
            )
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{stored.size}"
    headers["Content-Length"] = str(end - start)
    return Response(status_code=status, headers=headers), start, end - start


def _file_blocks(file: IO[bytes], start: int, length: int) -> Iterator[bytes]:
    """Yield ``length`` bytes of a file from ``start`` in blocks; close the file at the end."""
    with file:
        file.seek(start)
        while length > 0 and (block := file.read(min(length, _BLOCK))):
            length -= len(block)
            yield block
