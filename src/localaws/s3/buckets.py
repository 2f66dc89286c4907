"""Operations on buckets: create, find, list, delete, and delete several objects."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from localaws.errors import AwsError, NotSupportedError
from localaws.s3 import xml
from localaws.s3.index import ObjectIndex, StoredObject
from localaws.s3.listing import list_page
from localaws.s3.payload import Payload
from localaws.s3.request import S3Request
from localaws.service import ACCOUNT_ID, REGION

MAX_ENTRIES = 1000
_OWNER = {"ID": ACCOUNT_ID, "DisplayName": "localaws"}


class BucketOperations:
    """Operations on one bucket, and ListBuckets."""

    def __init__(self, index: ObjectIndex) -> None:
        self._index = index

    def list_buckets(self, _request: S3Request) -> Response:
        """ListBuckets."""
        buckets = [
            {"Name": name, "CreationDate": xml.timestamp(created_at), "BucketRegion": region}
            for name, region, created_at in self._index.buckets()
        ]
        return xml.response(
            "ListAllMyBucketsResult", {"Buckets": {"Bucket": buckets}, "Owner": _OWNER}
        )

    def create(self, request: S3Request) -> Response:
        """CreateBucket."""
        body = read_document(request)
        constraint = xml.parse(body).findtext("LocationConstraint") if body else None
        self._index.create_bucket(request.bucket, constraint or REGION)
        return Response(headers={"Location": f"/{request.bucket}"})

    def head(self, request: S3Request) -> Response:
        """HeadBucket."""
        return Response(
            headers={"x-amz-bucket-region": self._index.bucket_region(request.bucket)},
            media_type="application/xml",
        )

    def location(self, request: S3Request) -> Response:
        """GetBucketLocation: empty for us-east-1, as at AWS."""
        region = self._index.bucket_region(request.bucket)
        return xml.response("LocationConstraint", "" if region == REGION else region)

    def delete(self, request: S3Request) -> Response:
        """DeleteBucket."""
        self._index.delete_bucket(request.bucket)
        return Response(status_code=204)

    def delete_objects(self, request: S3Request) -> Response:
        """DeleteObjects: up to 1,000 keys in one transaction."""
        root = xml.parse(read_document(request))
        entries = root.findall("Object")
        keys = [entry.findtext("Key") or "" for entry in entries]
        if not keys or len(keys) > MAX_ENTRIES or not all(keys):
            raise xml.malformed_xml()
        for entry in entries:
            for child in entry:
                if child.tag != "Key":
                    raise NotSupportedError(f"{child.tag} in S3 DeleteObjects")
        self._index.delete(request.bucket, keys)
        quiet = root.findtext("Quiet") == "true"
        return xml.response(
            "DeleteResult", {} if quiet else {"Deleted": [{"Key": key} for key in keys]}
        )

    def list_objects(self, request: S3Request) -> Response:
        """ListObjects, version 1 or 2."""
        self._index.bucket_region(request.bucket)
        if request.query.get("list-type") == "2":
            return self._list_v2(request)
        return self._list_v1(request)

    def _list_v1(self, request: S3Request) -> Response:
        query, encode = request.query, _encoder(request)
        marker, delimiter = query.get("marker", ""), query.get("delimiter", "")
        page = list_page(
            self._index,
            request.bucket,
            query.get("prefix", ""),
            delimiter,
            marker,
            _max_keys(request),
        )
        # AWS returns a next marker only with a delimiter; otherwise clients use the last key.
        next_marker = page.last if page.last is not None and delimiter else None
        return xml.response(
            "ListBucketResult",
            {
                **_echo(request),
                "Marker": encode(marker),
                "NextMarker": next_marker and encode(next_marker),
                "IsTruncated": page.last is not None,
                "Contents": [_contents(stored, encode, True) for stored in page.objects],
                "CommonPrefixes": [{"Prefix": encode(name)} for name in page.common_prefixes],
            },
        )

    def _list_v2(self, request: S3Request) -> Response:
        query, encode = request.query, _encoder(request)
        token, start_after = query.get("continuation-token"), query.get("start-after")
        after = _decode_token(token) if token is not None else start_after or ""
        page = list_page(
            self._index,
            request.bucket,
            query.get("prefix", ""),
            query.get("delimiter", ""),
            after,
            _max_keys(request),
        )
        with_owner = query.get("fetch-owner") == "true"
        return xml.response(
            "ListBucketResult",
            {
                **_echo(request),
                "StartAfter": start_after and encode(start_after),
                "KeyCount": len(page),
                "ContinuationToken": token,
                "NextContinuationToken": page.last and _encode_token(page.last),
                "IsTruncated": page.last is not None,
                "Contents": [_contents(stored, encode, with_owner) for stored in page.objects],
                "CommonPrefixes": [{"Prefix": encode(name)} for name in page.common_prefixes],
            },
        )


def read_document(request: S3Request) -> bytes:
    """Read and verify a small request body.

    Raises AwsError (MalformedXML if it is too large, BadDigest, …).
    """
    payload, body = Payload(request), bytearray()
    for block in payload:
        body += block
        if len(body) > xml.MAX_DOCUMENT_BYTES:
            raise xml.malformed_xml()
    payload.verify(hashlib.md5(body, usedforsecurity=False).digest())
    return bytes(body)


def _echo(request: S3Request) -> dict[str, Any]:
    """Return the request parameters that both versions of a listing repeat."""
    encode, query = _encoder(request), request.query
    return {
        "Name": request.bucket,
        "Prefix": encode(query.get("prefix", "")),
        "Delimiter": encode(query["delimiter"]) if query.get("delimiter") else None,
        "MaxKeys": _max_keys(request),
        "EncodingType": query.get("encoding-type"),
    }


def _contents(
    stored: StoredObject, encode: Callable[[str], str], with_owner: bool
) -> dict[str, Any]:
    return {
        "Key": encode(stored.key),
        "LastModified": xml.timestamp(stored.modified_at),
        "ETag": f'"{stored.etag}"',
        "Size": stored.size,
        "StorageClass": "STANDARD",
        "Owner": _OWNER if with_owner else None,
    }


def _max_keys(request: S3Request) -> int:
    text = request.query.get("max-keys", str(MAX_ENTRIES))
    if not text.isdecimal():
        raise AwsError(
            "InvalidArgument", "Provided max-keys not an integer or within integer range"
        )
    return min(int(text), MAX_ENTRIES)


def _encoder(request: S3Request) -> Callable[[str], str]:
    """Return the function that encodes names: URL encoding if the client asks for it."""
    encoding = request.query.get("encoding-type")
    if encoding is None:
        return str
    if encoding != "url":
        raise AwsError("InvalidArgument", "Invalid Encoding Method specified in Request")
    return quote


def _encode_token(entry: str) -> str:
    return base64.urlsafe_b64encode(entry.encode()).decode()


def _decode_token(token: str) -> str:
    try:
        return base64.urlsafe_b64decode(token).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise AwsError("InvalidArgument", "The continuation token provided is incorrect") from error
