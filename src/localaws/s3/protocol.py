"""The REST protocol of S3: requests, their bodies, and XML documents.

A request with a header or parameter that is not listed here is refused by its name, because an
answer that ignores it could be wrong.
"""

from __future__ import annotations

import base64
import hashlib
import uuid
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any
from urllib.parse import unquote
from xml.etree import ElementTree as ET

from starlette.datastructures import Headers
from starlette.responses import Response

from localaws.errors import AwsError, NotSupportedError
from localaws.service import ACCOUNT_ID

STORED_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)
"""The headers that S3 keeps with an object; also those of user metadata."""

_METADATA = "x-amz-meta-"
_KNOWN_HEADERS = {
    "x-amz-api-version",
    "x-amz-content-sha256",
    "x-amz-date",
    "x-amz-decoded-content-length",
    "x-amz-mp-object-size",
    "x-amz-sdk-checksum-algorithm",
    "x-amz-security-token",
    "x-amz-trailer",
    "x-amz-user-agent",
}
_DEFAULTS = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-expected-bucket-owner": (ACCOUNT_ID,),
    "x-amz-server-side-encryption": ("AES256",),
    "x-amz-storage-class": ("STANDARD",),
}
"""Headers of features that localaws lacks, with the values that ask for what it does anyway."""

_UNKNOWN_CONDITIONS = ("if-modified-since", "if-unmodified-since")
_OPERATION_PARAMETERS = {"delete", "list-type", "partNumber", "uploadId", "uploads"}
_OTHER_PARAMETERS = {
    "continuation-token",
    "delimiter",
    "encoding-type",
    "max-keys",
    "prefix",
    "start-after",
    "x-id",
}
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


@dataclass(frozen=True)
class S3Request:
    """One request. ``bucket`` and ``key`` are empty where the path has none.

    ``query`` maps names to decoded values. ``body`` has the bytes as the client framed them.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Headers
    body: bytes

    @classmethod
    def from_http(
        cls, method: str, raw_path: bytes, query: Mapping[str, str], headers: Headers, body: bytes
    ) -> S3Request:
        """Split the path, which is percent-encoded: ``/bucket/key``."""
        bucket, _, key = raw_path.decode("ascii").removeprefix("/").partition("/")
        return cls(method, unquote(bucket), unquote(key), query, headers, body)

    @cached_property
    def operation(self) -> str:
        """Level, method and the parameters that select an operation: ``bucket GET list-type``."""
        level = "object" if self.key else "bucket" if self.bucket else "service"
        return " ".join([level, self.method, *sorted(_OPERATION_PARAMETERS & self.query.keys())])

    def check(self) -> None:
        """Raise NotSupportedError for a parameter or header that localaws does not know."""
        for name in self.query:
            if name not in _OPERATION_PARAMETERS | _OTHER_PARAMETERS:
                level, method = self.operation.split()[:2]
                raise NotSupportedError(f"the S3 operation {method} {level} ?{name}")
        for name, value in self.headers.items():
            is_special = name.startswith("x-amz-") or name in _UNKNOWN_CONDITIONS
            is_known = name in _KNOWN_HEADERS or value in _DEFAULTS.get(name, ())
            if is_special and not is_known and not name.startswith((_METADATA, "x-amz-checksum-")):
                raise NotSupportedError(f"the S3 header {name}: {value}")
        if self.method in ("PUT", "POST") and self.headers.get("if-none-match", "*") != "*":
            raise NotSupportedError("a write with If-None-Match other than *")

    def object_headers(self) -> dict[str, str]:
        """Return the content headers and user metadata to store, by lower-case name."""
        stored = {"content-type": "binary/octet-stream"} | {
            name: value
            for name, value in self.headers.items()
            if name in STORED_HEADERS or name.startswith(_METADATA)
        }
        # aws-chunked is the framing of the request, not an encoding of the object.
        encodings = [part.strip() for part in stored.pop("content-encoding", "").split(",")]
        if encoding := ",".join(part for part in encodings if part not in ("", "aws-chunked")):
            stored["content-encoding"] = encoding
        return stored

    @cached_property
    def content(self) -> bytes:
        """The body without its ``aws-chunked`` frames.

        Raises AwsError (IncompleteBody; BadDigest if it differs from the CRC-32 or MD5 that the
        client sent). Other checksums, such as CRC64NVME, and signatures are not compared.
        """
        content = self.body
        trailers: dict[str, str] = {}
        encoding = self.headers.get("content-encoding", "")
        sha256 = self.headers.get("x-amz-content-sha256", "")
        if sha256.startswith("STREAMING-") or "aws-chunked" in encoding:
            content, trailers = _split_chunks(self.body)
        name = "x-amz-checksum-crc32"
        crc32, md5 = trailers.get(name) or self.headers.get(name), self.headers.get("content-md5")
        if crc32 and crc32 != _base64(zlib.crc32(content).to_bytes(4, "big")):
            raise AwsError("BadDigest", "The CRC32 that you sent did not match the content.")
        if md5 and md5 != _base64(hashlib.md5(content, usedforsecurity=False).digest()):
            raise AwsError("BadDigest", "The Content-MD5 that you sent did not match the content.")
        return content


def _split_chunks(body: bytes) -> tuple[bytes, dict[str, str]]:
    """Return the data of an ``aws-chunked`` body and its trailers by lower-case name.

    The format is that of the SigV4 documentation ("Transferring payload in multiple chunks"): a
    line with the size in hexadecimal and perhaps a signature, then the data, and after a chunk
    without data the trailers.
    """
    view, pieces, position = memoryview(body), [], 0
    try:
        while True:
            end = body.index(b"\r\n", position)
            size = int(body[position:end].partition(b";")[0], 16)
            position = end + 2
            if not size:
                break
            pieces.append(view[position : position + size])
            position += size + 2
    except ValueError:
        raise AwsError(
            "IncompleteBody",
            "You did not provide the number of bytes specified by the Content-Length HTTP header",
        ) from None
    lines = body[position:].decode("latin-1").splitlines()
    fields = (line.partition(":") for line in lines if line)
    return b"".join(pieces), {name.strip().lower(): value.strip() for name, _, value in fields}


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()


def respond(root: str, content: Mapping[str, Any]) -> Response:
    """Build the response with an XML document.

    A child is text, a number, a boolean, a mapping, a list (repeats the child) or None (no child).
    """
    element = ET.Element(root, xmlns=_NAMESPACE)
    _fill(element, content)
    return Response(_serialize(element), media_type="application/xml")


def respond_with_error(error: AwsError, path: str, is_head: bool) -> Response:
    """Build the error document of S3. A response to HEAD has no body."""
    request_id = uuid.uuid4().hex[:16].upper()
    element = ET.Element("Error")
    members = {"Code": error.code, "Message": error.message, **error.members}
    _fill(element, {**members, "Resource": path, "RequestId": request_id, "HostId": "localaws"})
    content = b"" if is_head else _serialize(element)
    headers = {"x-amz-request-id": request_id}
    return Response(content, error.status, headers, media_type="application/xml")


def parse(body: bytes) -> ET.Element:
    """Parse a request body and remove namespaces from names. Raises AwsError (MalformedXML)."""
    try:
        root = ET.fromstring(body)  # noqa: S314  expat itself stops entity bombs
    except ET.ParseError as error:
        raise AwsError("MalformedXML", "The XML you provided was not well-formed.") from error
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
    return root


def timestamp(seconds: float) -> str:
    """Return Unix seconds as S3 writes them in XML: whole seconds, ``.000Z``."""
    return datetime.fromtimestamp(int(seconds), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _fill(parent: ET.Element, content: Mapping[str, Any]) -> None:
    for name, value in content.items():
        for item in value if isinstance(value, list) else [value]:
            if item is None:
                continue
            child = ET.SubElement(parent, name)
            if isinstance(item, Mapping):
                _fill(child, item)
            else:
                child.text = str(item).lower() if isinstance(item, bool) else str(item)


def _serialize(element: ET.Element) -> bytes:
    data: bytes = ET.tostring(element, encoding="UTF-8", xml_declaration=True)
    # An XML parser would read a raw carriage return, as in a key, as a line feed.
    return data.replace(b"\r", b"&#13;")
