"""An S3 request in the form that operations use: parsed, with its body as a stream of blocks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers

from localaws.errors import AwsError, NotSupportedError
from localaws.service import ACCOUNT_ID

MAX_KEY_BYTES = 1024
MAX_METADATA_BYTES = 2048

# Content headers S3 keeps with an object and returns with it.
CONTENT_HEADERS = (
    "cache-control",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-type",
    "expires",
)

# Headers for features of S3 that localaws lacks, each with the values that are accepted because
# they ask for the default.
_UNSUPPORTED_HEADERS: Mapping[str, tuple[str, ...]] = {
    "x-amz-acl": ("private", "bucket-owner-full-control"),
    "x-amz-bucket-object-lock-enabled": ("false",),
    "x-amz-grant-full-control": (),
    "x-amz-grant-read": (),
    "x-amz-grant-write": (),
    "x-amz-object-lock-legal-hold": ("OFF",),
    "x-amz-object-lock-mode": (),
    "x-amz-server-side-encryption": ("AES256",),
    "x-amz-server-side-encryption-customer-algorithm": (),
    "x-amz-storage-class": ("STANDARD",),
    "x-amz-tagging": ("",),
    "x-amz-website-redirect-location": (),
    "x-amz-write-offset-bytes": (),
}


@dataclass(frozen=True)
class S3Request:
    """One request. ``bucket`` and ``key`` are empty where the path has none.

    ``query`` maps names to decoded values. ``body`` yields the raw body in blocks of about 1 MiB
    and blocks while the client has not sent the next one.
    """

    method: str
    bucket: str
    key: str
    query: Mapping[str, str]
    headers: Headers
    body: Iterator[bytes]

    def check_headers(self) -> None:
        """Raise AwsError if a header asks for an unsupported feature or names another owner."""
        for name, harmless in _UNSUPPORTED_HEADERS.items():
            value = self.headers.get(name)
            if value is not None and value not in harmless:
                raise NotSupportedError(f"the S3 header {name}: {value}")
        if self.headers.get("x-amz-expected-bucket-owner", ACCOUNT_ID) != ACCOUNT_ID:
            raise AwsError("AccessDenied", "Access Denied", 403)

    def object_headers(self) -> dict[str, str]:
        """Return the content headers and user metadata to store, by lower-case name."""
        kept = {
            name: value
            for name, value in self.headers.items()
            if name in CONTENT_HEADERS or name.startswith("x-amz-meta-")
        }
        kept["content-encoding"] = _without_aws_chunked(kept.get("content-encoding", ""))
        kept.setdefault("content-type", "binary/octet-stream")
        _check_metadata_size(kept)
        return {name: value for name, value in kept.items() if value}


def split_path(raw_path: bytes) -> tuple[str, str]:
    """Split a percent-encoded path into bucket and key.

    Raises AwsError (InvalidURI, KeyTooLongError).
    """
    bucket, _, key = raw_path.removeprefix(b"/").partition(b"/")
    try:
        names = unquote_to_bytes(bucket).decode(), unquote_to_bytes(key).decode()
    except UnicodeDecodeError as error:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from error
    if len(names[1].encode()) > MAX_KEY_BYTES:
        raise AwsError("KeyTooLongError", "Your key is too long")
    return names


def _without_aws_chunked(encoding: str) -> str:
    """Remove ``aws-chunked``, the transfer framing, from a Content-Encoding."""
    parts = (part.strip() for part in encoding.split(","))
    return ",".join(part for part in parts if part and part != "aws-chunked")


def _check_metadata_size(headers: Mapping[str, str]) -> None:
    prefix = "x-amz-meta-"
    size = sum(
        len(name) - len(prefix) + len(value)
        for name, value in headers.items()
        if name.startswith(prefix)
    )
    if size > MAX_METADATA_BYTES:
        raise AwsError(
            "MetadataTooLarge", "Your metadata headers exceed the maximum allowed metadata size"
        )
