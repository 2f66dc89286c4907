"""Conditional headers and byte ranges, as S3 interprets them (RFC 9110, sections 13 and 14)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from localaws.errors import AwsError, NotSupportedError


@dataclass(frozen=True)
class WriteCondition:
    """Condition on the current object for a write, checked in the transaction of the write."""

    if_match: str | None = None
    if_none_match: str | None = None

    @classmethod
    def of(cls, headers: Mapping[str, str]) -> WriteCondition:
        """Read the condition from headers. Raises AwsError for If-None-Match other than ``*``."""
        if_none_match = headers.get("if-none-match")
        if if_none_match not in (None, "*"):
            raise NotSupportedError(
                f"writing with If-None-Match: {if_none_match} (S3 itself allows only *)"
            )
        return cls(headers.get("if-match"), if_none_match)

    def check(self, current_etag: str | None) -> None:
        """Raise AwsError (PreconditionFailed, NoSuchKey); ``current_etag`` is None if absent."""
        if self.if_none_match and current_etag is not None:
            raise _precondition_failed("If-None-Match")
        if self.if_match is None:
            return
        if current_etag is None:
            raise AwsError("NoSuchKey", "The specified key does not exist.", 404)
        if not _matches(self.if_match, current_etag):
            raise _precondition_failed("If-Match")


def is_modified(
    headers: Mapping[str, str], etag: str, modified_at: float, prefix: str = ""
) -> bool:
    """Whether a read returns the object; False means 304 Not Modified.

    ``prefix`` is ``x-amz-copy-source-`` for the source of a copy. An ETag condition takes
    precedence over a date condition. Raises AwsError (PreconditionFailed).
    """
    match, none_match = headers.get(prefix + "if-match"), headers.get(prefix + "if-none-match")
    unmodified_since = _seconds(headers.get(prefix + "if-unmodified-since"))
    modified_since = _seconds(headers.get(prefix + "if-modified-since"))
    if match is not None and not _matches(match, etag):
        raise _precondition_failed("If-Match")
    if match is None and unmodified_since is not None and int(modified_at) > unmodified_since:
        raise _precondition_failed("If-Unmodified-Since")
    if none_match is not None:
        return not _matches(none_match, etag)
    return modified_since is None or int(modified_at) > modified_since


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Return start and length of the requested range, or None for the whole object.

    As at S3, a malformed header or one with several ranges is ignored. Raises AwsError
    (InvalidRange).
    """
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header or "")
    if match is None or match[0] == "bytes=-":
        return None
    if match[1]:
        start = int(match[1])
        end = min(int(match[2]), size - 1) if match[2] else size - 1
        if match[2] and int(match[2]) < start:
            return None
    else:
        start, end = max(0, size - int(match[2])), size - 1
    if start > end:
        raise AwsError(
            "InvalidRange",
            "The requested range is not satisfiable",
            416,
            members={"RangeRequested": header, "ActualObjectSize": size},
        )
    return start, end - start + 1


def _matches(header: str, etag: str) -> bool:
    candidates = (candidate.strip().removeprefix("W/") for candidate in header.split(","))
    return any(candidate == "*" or candidate.strip('"') == etag for candidate in candidates)


def _seconds(date: str | None) -> float | None:
    """Return an HTTP date as Unix seconds; None if it is missing or malformed, as S3 ignores it."""
    try:
        return parsedate_to_datetime(date).timestamp() if date else None
    except ValueError:
        return None


def _precondition_failed(condition: str) -> AwsError:
    return AwsError(
        "PreconditionFailed",
        "At least one of the pre-conditions you specified did not hold",
        412,
        members={"Condition": condition},
    )
