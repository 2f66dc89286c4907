"""Operations on multipart uploads: create, upload or copy a part, list, complete, abort."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

from starlette.responses import Response

from localaws.errors import AwsError
from localaws.s3 import xml
from localaws.s3.buckets import read_document
from localaws.s3.conditions import WriteCondition
from localaws.s3.index import ObjectIndex
from localaws.s3.objects import ObjectOperations, file_blocks, source_bucket
from localaws.s3.payload import Payload
from localaws.s3.request import S3Request
from localaws.s3.uploads import MAX_PART_NUMBER, UploadPart, Uploads

_MAX_PARTS = 1000


class MultipartOperations:
    """Operations on one multipart upload."""

    def __init__(self, index: ObjectIndex, objects: ObjectOperations) -> None:
        self._index = index
        self._objects = objects
        self._uploads = Uploads(index)

    def create(self, request: S3Request) -> Response:
        """CreateMultipartUpload."""
        upload_id = self._uploads.create(request.bucket, request.key, request.object_headers())
        return xml.response(
            "InitiateMultipartUploadResult",
            {"Bucket": request.bucket, "Key": request.key, "UploadId": upload_id},
        )

    def put_part(self, request: S3Request) -> Response:
        """UploadPart, or UploadPartCopy if the request names a source."""
        upload_id, number = self._check(request), _part_number(request)
        if "x-amz-copy-source" in request.headers:
            return self._copy_part(request, upload_id, number)
        with self._index.blobs.writing() as blob:
            checksums = Payload(request).save(blob)
            part = self._uploads.put_part(upload_id, number, blob)
        return Response(headers={"ETag": f'"{part.etag}"', **checksums})

    def list_parts(self, request: S3Request) -> Response:
        """ListParts, in pages."""
        upload_id = self._check(request)
        after = _number(request, "part-number-marker", 0)
        limit = min(_number(request, "max-parts", _MAX_PARTS), _MAX_PARTS)
        parts = [part for part in self._uploads.parts(upload_id) if part.number > after]
        page = parts[:limit]
        return xml.response(
            "ListPartsResult",
            {
                "Bucket": request.bucket,
                "Key": request.key,
                "UploadId": upload_id,
                "PartNumberMarker": after,
                "NextPartNumberMarker": page[-1].number if page else 0,
                "MaxParts": limit,
                "IsTruncated": len(parts) > len(page),
                "StorageClass": "STANDARD",
                "Part": [_describe(part) for part in page],
            },
        )

    def complete(self, request: S3Request) -> Response:
        """CompleteMultipartUpload."""
        root = xml.parse(read_document(request))
        stored = self._uploads.complete(
            request.bucket,
            request.key,
            request.query["uploadId"],
            [_wanted_part(element) for element in root.findall("Part")],
            WriteCondition.of(request.headers),
        )
        return xml.response(
            "CompleteMultipartUploadResult",
            {
                "Location": str(request.headers.get("host", ""))
                + f"/{request.bucket}/{request.key}",
                "Bucket": request.bucket,
                "Key": request.key,
                "ETag": f'"{stored.etag}"',
            },
        )

    def abort(self, request: S3Request) -> Response:
        """AbortMultipartUpload."""
        self._uploads.abort(self._check(request))
        return Response(status_code=204)

    def _check(self, request: S3Request) -> str:
        """Return the id of the object's upload. Raises AwsError (NoSuchUpload)."""
        upload_id = request.query["uploadId"]
        self._index.bucket_region(request.bucket)
        self._uploads.check(request.bucket, request.key, upload_id)
        return upload_id

    def _copy_part(self, request: S3Request, upload_id: str, number: int) -> Response:
        source, file = self._objects.open_source(request)
        self._index.check(source_bucket(request), source, file)
        with self._index.blobs.writing() as blob:
            for block in file_blocks(file, *_source_range(request, source.size)):
                blob.write(block)
            blob.finish()
            part = self._uploads.put_part(upload_id, number, blob)
        return xml.response(
            "CopyPartResult",
            {"ETag": f'"{part.etag}"', "LastModified": xml.timestamp(part.modified_at)},
        )


def _source_range(request: S3Request, size: int) -> tuple[int, int]:
    """Return start and length of the range of the source to copy."""
    header = request.headers.get("x-amz-copy-source-range")
    if header is None:
        return 0, size
    match = re.fullmatch(r"bytes=(\d+)-(\d+)", header)
    if match is None or not int(match[1]) <= int(match[2]) < size:
        raise AwsError(
            "InvalidArgument",
            f"Range specified is not valid for source object of size: {size}",
        )
    return int(match[1]), int(match[2]) - int(match[1]) + 1


def _part_number(request: S3Request) -> int:
    number = _number(request, "partNumber", 0)
    if not 1 <= number <= MAX_PART_NUMBER:
        raise AwsError(
            "InvalidArgument",
            f"Part number must be an integer between 1 and {MAX_PART_NUMBER}, inclusive",
        )
    return number


def _number(request: S3Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if text and not text.isdecimal():
        raise AwsError("InvalidArgument", f"Provided {name} is not an integer")
    return int(text) if text else default


def _wanted_part(element: ET.Element) -> tuple[int, str]:
    number, etag = element.findtext("PartNumber"), element.findtext("ETag")
    if number is None or etag is None or not number.isdecimal():
        raise xml.malformed_xml()
    return int(number), etag.strip('"')


def _describe(part: UploadPart) -> dict[str, Any]:
    return {
        "PartNumber": part.number,
        "LastModified": xml.timestamp(part.modified_at),
        "ETag": f'"{part.etag}"',
        "Size": part.size,
    }
