"""Records the permission that each request to the local AWS needs at AWS, for tests of policies.

Each request is one JSON line::

    {"action": "s3:GetObject", "resources": ["arn:aws:s3:::lake/k"], "who": "AKID"}

``action`` must be allowed on each of ``resources``, as IAM names them in the Service Authorization
Reference. ``who`` is the access key. A conditional request that compares an ETag is two lines,
because it also needs ``s3:GetObject``. Requests of the local Athena to S3 and Glue are not
recorded; at AWS, Athena makes them with the permissions of its caller.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from localaws.errors import AwsError
from localaws.s3 import S3Request
from localaws.s3.protocol import parse
from localaws.service import ACCOUNT_ID, REGION

ACTIONS = {
    "service GET": "ListAllMyBuckets",
    "bucket PUT": "CreateBucket",
    "bucket HEAD": "ListBucket",
    "bucket GET list-type": "ListBucket",
    "bucket POST delete": "DeleteObject",
    "object PUT": "PutObject",
    "object GET": "GetObject",
    "object HEAD": "GetObject",
    "object DELETE": "DeleteObject",
    "object POST uploads": "PutObject",
    "object PUT partNumber uploadId": "PutObject",
    "object POST uploadId": "PutObject",
    "object DELETE uploadId": "AbortMultipartUpload",
}
"""The action of IAM for each operation of S3 that localaws has."""

SCOPE = re.compile(r"Credential=([^/]*)/[^,]*/([a-z0-9-]+)/aws4_request")


class Recorder:
    """ASGI application that records each request before the local AWS answers it."""

    def __init__(self, app: ASGIApp, file: Path) -> None:
        self._app = app
        self._file = file
        file.touch()
        self._workgroups: dict[str | None, str] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope, receive)
        body = await request.body()
        signed = SCOPE.search(request.headers.get("authorization", ""))
        assert signed is not None, "The recorder needs signed requests."
        who, service = signed.groups()
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        members = json.loads(body) if operation else {}
        with self._file.open("a", encoding="utf-8") as file:
            for action, resources in self._needs(service, operation, members, request, body):
                line = {"action": f"{service}:{action}", "resources": resources, "who": who}
                file.write(json.dumps(line) + "\n")

        async def receive_body() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def remember_workgroup(message: Message) -> None:
            if operation == "StartQueryExecution" and message["type"] == "http.response.body":
                query_id = json.loads(message["body"]).get("QueryExecutionId")
                self._workgroups[query_id] = members.get("WorkGroup", "primary")
            await send(message)

        await self._app(scope, receive_body, remember_workgroup)

    def _needs(
        self,
        service: str,
        operation: str,
        members: Mapping[str, Any],
        request: Request,
        body: bytes,
    ) -> Iterator[tuple[str, list[str]]]:
        """Yield the actions of a request, each with its resources."""
        prefix = f"arn:aws:{service}:{REGION}:{ACCOUNT_ID}"
        if service == "s3":
            path, query = request.scope["raw_path"], dict(request.query_params)
            call = S3Request.from_http(request.method, path, query, request.headers, body)
            yield from _needs_of_s3(call)
        elif service == "sts":
            yield "GetCallerIdentity", ["*"]
        elif service == "glue":
            yield operation, [f"{prefix}:{name}" for name in _glue_names(operation, members)]
        elif service == "athena" and "CatalogName" in members:
            yield operation, [f"{prefix}:datacatalog/{members['CatalogName']}"]
        elif service == "athena":
            of_query = self._workgroups.get(members.get("QueryExecutionId", "none"))
            name = of_query or members.get("WorkGroup", "primary")
            yield operation, [f"{prefix}:workgroup/{name}"]
        elif operation == "ListSecrets":
            yield operation, ["*"]
        else:
            yield operation, [f"{prefix}:secret:{members.get('SecretId') or members.get('Name')}"]


def _needs_of_s3(request: S3Request) -> Iterator[tuple[str, list[str]]]:
    names = [name for name in (request.bucket, request.key) if name]
    own = f"arn:aws:s3:::{'/'.join(names) or '*'}"
    resources = [own]
    if request.operation == "bucket POST delete":
        try:
            entries = parse(request.content).findall("Object")
            resources = [f"{own}/{entry.findtext('Key')}" for entry in entries]
        except AwsError:
            resources = [f"{own}/*"]
    yield ACTIONS.get(request.operation, request.operation), resources
    is_write = request.method not in ("GET", "HEAD")
    if is_write and request.headers.get("if-match", "*") != "*":
        yield "GetObject", [own]


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
