"""Records the permission that each request needs at AWS, for ``python -m localaws --record FILE``.

Each request is one JSON line::

    {"service": "s3", "action": "s3:GetObject", "resources": ["arn:aws:s3:::lake/k"], "who": "AKID"}

``action`` must be allowed on each of ``resources``, as IAM names them in the Service Authorization
Reference. ``who`` is the access key. A conditional request that compares an ETag is two lines,
because it also needs ``s3:GetObject``. Requests of the local Athena to S3 and Glue are not
recorded; at AWS, Athena makes them with the permissions of its caller.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote

from localaws.errors import AwsError
from localaws.s3 import S3Request
from localaws.s3.api import name_of
from localaws.s3.buckets import read_document
from localaws.s3.xml import parse
from localaws.service import ACCOUNT_ID, REGION

_ACTIONS = {
    "service GET": "ListAllMyBuckets",
    "bucket PUT": "CreateBucket",
    "bucket HEAD": "ListBucket",
    "bucket GET": "ListBucket",
    "bucket GET location": "GetBucketLocation",
    "bucket DELETE": "DeleteBucket",
    "bucket POST delete": "DeleteObject",
    "object PUT": "PutObject",
    "object GET": "GetObject",
    "object HEAD": "GetObject",
    "object DELETE": "DeleteObject",
    "object POST uploads": "PutObject",
    "object PUT uploadId": "PutObject",
    "object GET uploadId": "ListMultipartUploadParts",
    "object POST uploadId": "PutObject",
    "object DELETE uploadId": "AbortMultipartUpload",
}
"""The action of IAM for each operation of S3 that localaws has."""

WorkgroupOf = Callable[[str], str]
"""Returns the workgroup of a query by its id. Raises AwsError."""


class Recorder(Protocol):
    """Sees each request before its service does."""

    def s3(self, request: S3Request, who: str) -> S3Request:
        """Record a request to S3, and return it with its body unread."""
        ...

    def json(self, service: str, operation: str, members: Mapping[str, Any], who: str) -> None:
        """Record a request to another service."""
        ...


class NoRecorder:
    """Records nothing."""

    def s3(self, request: S3Request, who: str) -> S3Request:  # noqa: ARG002
        """Return the request."""
        return request

    def json(self, service: str, operation: str, members: Mapping[str, Any], who: str) -> None:
        """Do nothing."""


class FileRecorder:
    """Appends to a file; a line is complete before its request is answered."""

    def __init__(self, path: Path, workgroup_of: WorkgroupOf) -> None:
        self._file = path.open("a", encoding="utf-8", buffering=1)
        self._lock = threading.Lock()
        self._workgroup_of = workgroup_of

    def s3(self, request: S3Request, who: str) -> S3Request:
        """Record a request to S3, and return it with its body unread.

        The body of DeleteObjects is read, because it names the objects.
        """
        name, resources = name_of(request), [_own(request)]
        if name == "bucket POST delete":
            body = b"".join(request.body)
            resources = _deleted(replace(request, body=iter((body,))))
            request = replace(request, body=iter((body,)))
        self._write("s3", _ACTIONS.get(name, name), resources, who)
        for resource in _also_read(request):
            self._write("s3", "GetObject", [resource], who)
        return request

    def json(self, service: str, operation: str, members: Mapping[str, Any], who: str) -> None:
        """Record a request to another service."""
        self._write(service, operation, self._resources(service, operation, members), who)

    def _write(self, service: str, action: str, resources: Sequence[str], who: str) -> None:
        line = {
            "service": service,
            "action": f"{service}:{action}",
            "resources": resources,
            "who": who,
        }
        with self._lock:
            self._file.write(json.dumps(line) + "\n")

    def _resources(self, service: str, operation: str, members: Mapping[str, Any]) -> Sequence[str]:
        prefix = f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}"
        if service == "glue":
            return [f"{prefix}:{name}" for name in _glue_names(operation, members)]
        if service == "athena":
            return [f"{prefix}:{self._athena_name(members)}"]
        if service == "secretsmanager" and operation != "ListSecrets":
            return [f"{prefix}:secret:{members.get('SecretId') or members.get('Name')}"]
        return ["*"]

    def _athena_name(self, members: Mapping[str, Any]) -> str:
        if "CatalogName" in members:
            return f"datacatalog/{members['CatalogName']}"
        try:
            known = self._workgroup_of(members["QueryExecutionId"])
        except (AwsError, KeyError):
            known = members.get("WorkGroup") or "primary"
        return f"workgroup/{known}"


def _own(request: S3Request) -> str:
    names = [name for name in (request.bucket, request.key) if name]
    return f"arn:aws:s3:::{'/'.join(names) or '*'}"


def _deleted(request: S3Request) -> list[str]:
    """Return the objects that DeleteObjects names; all of the bucket if its document is invalid."""
    try:
        entries = parse(read_document(request)).findall("Object")
    except AwsError:
        return [f"{_own(request)}/*"]
    return [f"{_own(request)}/{entry.findtext('Key')}" for entry in entries]


def _also_read(request: S3Request) -> Iterator[str]:
    """Yield the objects that a write also reads: whose ETag it compares, or that it copies."""
    is_write = request.method not in ("GET", "HEAD")
    if is_write and request.headers.get("if-match", "*") != "*":
        yield _own(request)
    if source := request.headers.get("x-amz-copy-source"):
        yield f"arn:aws:s3:::{unquote(source.lstrip('/').partition('?')[0])}"


def _glue_names(operation: str, members: Mapping[str, Any]) -> list[str]:
    """Return catalog, database and table of a request; Glue checks the permission for each."""
    name = members.get("Name")
    database = members.get("DatabaseName") or members.get("DatabaseInput", {}).get("Name")
    if operation.endswith("Database"):
        return ["catalog", f"database/{database or name}"]
    if operation.endswith("Databases"):
        return ["catalog", "database/*"]
    table = members.get("TableInput", {}).get("Name") or members.get("TableName") or name or "*"
    return ["catalog", f"database/{database}", f"table/{database}/{table}"]
