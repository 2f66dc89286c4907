"""The HTTP server: finds the service of each request and calls it in a worker thread.

A request names its service in the credential scope of its signature (``AK/date/region/s3/
aws4_request``). The signature itself is not checked, because the server listens on the loopback
address, or in a private network of containers. Unsigned requests are still refused: a web page in a
browser can't send the header of a signature to another site.
"""

from __future__ import annotations

import json
import logging
import re
import uuid
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from types import MappingProxyType
from urllib.parse import parse_qs
from xml.etree import ElementTree as ET

from anyio import to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localaws.athena import AthenaService
from localaws.athena.engine import DEFAULT, Limits
from localaws.errors import AwsError, UnknownOperationError
from localaws.glue import GlueCatalogStore
from localaws.s3 import S3, BlobAccess, S3Request
from localaws.s3.protocol import respond_with_error
from localaws.secretsmanager import SecretsManager
from localaws.service import ACCOUNT_ID, Json
from localaws.store import BlobFolder, Database

_SCOPE = re.compile(r"Credential=[^/,\s]*/[^,\s]*/([a-z0-9-]+)/aws4_request")

log = logging.getLogger(__name__)


def build_app(
    root: Path,
    limits: Limits = DEFAULT,
    workgroups: Mapping[str, str] = MappingProxyType({}),
    host_name: str = "",
) -> Starlette:
    """Build the application over one folder, which the caller has locked with ``lock_root``.

    ``limits`` apply to queries of Athena. ``workgroups`` has the output location of each workgroup.
    ``host_name`` is another name that clients may use. Raises StartError if the folder has data of
    another version.
    """
    database = Database(root / "localaws.db")
    database.check_format()
    s3 = S3(database, BlobFolder(root / "blobs"))
    glue = GlueCatalogStore(database)
    athena = AthenaService(root / "athena", BlobAccess(s3), glue, limits, workgroups)
    secrets = SecretsManager(database)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        await to_thread.run_sync(athena.close)

    # Accept only these Host headers: a web page that rebinds its own host name to 127.0.0.1 (DNS
    # rebinding) is refused.
    names = ["127.0.0.1", "localhost", *([host_name] if host_name else [])]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=names)
    app = Starlette(lifespan=lifespan, middleware=[hosts])
    services = {"glue": glue.call, "athena": athena.call, "secretsmanager": secrets.call}
    app.router.default = Gateway(s3, services)
    return app


class Gateway:
    """ASGI application that passes each request to its service."""

    def __init__(self, s3: S3, services: Mapping[str, Callable[[str, Json], Json]]) -> None:
        self._s3 = s3
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        request = Request(scope, receive)
        try:
            body = await request.body()
        except ClientDisconnect:
            return
        signed = _SCOPE.search(request.headers.get("authorization", ""))
        service = signed[1] if signed else "json" if "x-amz-target" in request.headers else "s3"
        try:
            if not signed:
                reason = "Access Denied: the request is not signed. Sign it with any access key."
                raise AwsError("AccessDenied", reason, 403)
            call = {"s3": self._call_s3, "sts": _call_sts}.get(service, self._call_json)
            response = await to_thread.run_sync(call, request, body, service)
        except AwsError as error:
            response = _respond_with_error(request, service, error)
        except Exception as error:  # such as a full disk; clients send the request again
            log.exception("localaws failed to answer a request to %s", service)
            message = f"localaws failed: {type(error).__name__}: {error}"
            failure = AwsError("InternalError", message, 500)
            response = _respond_with_error(request, service, failure)
        response.headers.setdefault("x-amz-request-id", uuid.uuid4().hex[:16].upper())
        await response(scope, receive, send)

    def _call_s3(self, request: Request, body: bytes, _service: str) -> Response:
        path, query = request.scope["raw_path"], dict(request.query_params)
        call = S3Request.from_http(request.method, path, query, request.headers, body)
        return self._s3.handle(call)

    def _call_json(self, request: Request, body: bytes, service: str) -> Response:
        operation = request.headers.get("x-amz-target", "").rpartition(".")[2]
        if service not in self._services:
            raise UnknownOperationError(
                service, operation or f"{request.method} {request.url.path}"
            )
        return _respond_json(self._services[service](operation, json.loads(body)))


def _call_sts(_request: Request, body: bytes, _service: str) -> Response:
    """Answer GetCallerIdentity, by which clients learn their account, in the query protocol."""
    action = parse_qs(body.decode()).get("Action", [""])[0]
    if action != "GetCallerIdentity":
        raise UnknownOperationError("sts", action)
    namespace = "https://sts.amazonaws.com/doc/2011-06-15/"
    root = ET.Element("GetCallerIdentityResponse", xmlns=namespace)
    result = ET.SubElement(root, "GetCallerIdentityResult")
    ET.SubElement(result, "Arn").text = f"arn:aws:iam::{ACCOUNT_ID}:root"
    ET.SubElement(result, "UserId").text = ACCOUNT_ID
    ET.SubElement(result, "Account").text = ACCOUNT_ID
    return Response(ET.tostring(root), media_type="text/xml")


def _respond_with_error(request: Request, service: str, error: AwsError) -> Response:
    """Build an error in the protocol of the service."""
    if service == "s3":
        path = request.scope["raw_path"].decode("latin-1")
        return respond_with_error(error, path, request.method == "HEAD")
    if service == "sts":
        root = ET.Element("ErrorResponse")
        element = ET.SubElement(root, "Error")
        ET.SubElement(element, "Code").text = error.code
        ET.SubElement(element, "Message").text = error.message
        return Response(ET.tostring(root), error.status, media_type="text/xml")
    content = {"__type": error.code, "message": error.message, **error.members}
    response = _respond_json(content, error.status)
    response.headers["x-amzn-errortype"] = error.code
    return response


def _respond_json(content: Json, status: int = 200) -> Response:
    headers = {"x-amzn-requestid": str(uuid.uuid4())}
    return Response(json.dumps(content), status, headers, media_type="application/x-amz-json-1.1")
