"""The HTTP server: finds the service of each request and calls it in a worker thread.

A request names its service in the credential scope of its signature (``AK/date/region/s3/
aws4_request``). The signature itself is not checked, because the server listens on the loopback
address, or in a private network of containers. Unsigned requests are still refused, so that web
pages in a browser can't use it.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any

from anyio import CapacityLimiter, fail_after, from_thread, to_thread
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from localaws import sts
from localaws.athena import AthenaService
from localaws.athena.limits import DEFAULT, Limits
from localaws.errors import AwsError, UnknownOperationError
from localaws.glue import GlueCatalogStore
from localaws.members import check_members, parse_body
from localaws.recorder import FileRecorder, NoRecorder, Recorder
from localaws.s3 import S3, BlobAccess, S3Request, split_path
from localaws.s3.xml import error_response
from localaws.secretsmanager import SecretsManager
from localaws.service import Service
from localaws.store import BlobFolder, Database

WORKER_THREADS = 64
BODY_SECONDS = 20
"""Time limit for the next bytes of a body, because each waiting upload occupies a thread."""

_BLOCK = 1 << 20
_MAX_JSON_BYTES = 16 << 20
_SCOPE = re.compile(r"Credential=([^/,\s]*)/[^,\s]*/([a-z0-9-]+)/aws4_request")


def build_app(
    root: Path,
    limits: Limits = DEFAULT,
    workgroups: Mapping[str, str] = MappingProxyType({}),
    host_name: str = "",
    record: Path | None = None,
) -> Starlette:
    """Build the application over one folder, which the caller has locked with ``lock_root``.

    ``limits`` apply to queries of Athena. ``workgroups`` has the output location of each workgroup.
    ``host_name`` is another name that clients may use. ``record`` is the file of the recorder.
    """
    root.mkdir(parents=True, exist_ok=True)
    database = Database(root / "localaws.db")
    s3 = S3(database, BlobFolder(root / "blobs"))
    glue = GlueCatalogStore(database)
    athena = AthenaService(root / "athena", BlobAccess(s3), glue, limits, workgroups)
    services: list[Service] = [glue, athena, SecretsManager(database)]
    recorder = FileRecorder(record, athena.workgroup_of) if record else NoRecorder()

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        yield
        for service in services:
            await to_thread.run_sync(service.close)

    # Accept only these Host headers: a web page that rebinds its own host name to 127.0.0.1 (DNS
    # rebinding) is refused.
    names = ["127.0.0.1", "localhost", *([host_name] if host_name else [])]
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=names)
    app = Starlette(lifespan=lifespan, middleware=[hosts])
    app.router.default = Gateway(s3, services, recorder)
    return app


class Gateway:
    """ASGI application that passes each request to its service."""

    def __init__(self, s3: S3, services: list[Service], recorder: Recorder) -> None:
        self._s3 = s3
        self._recorder = recorder
        self._services = {service.name: service for service in services}
        self._threads = CapacityLimiter(WORKER_THREADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request."""
        try:
            response = await self._answer(Request(scope, receive))
        except ClientDisconnect:
            return
        response.headers.setdefault("x-amz-request-id", uuid.uuid4().hex[:16].upper())
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if _is_from_a_page(request):
            return _hang_up(
                _refuse(request, "Access Denied: localaws refuses requests of web pages.")
            )
        signer = _signer(request)
        if signer is None:
            reason = "Access Denied: the request is not signed. Sign it with any access key."
            return _hang_up(_refuse(request, reason))
        who, service = signer
        if service == "s3":
            return await self._answer_s3(request, who)
        try:
            body = await _read(request)
            if service == "sts":
                action = sts.action_of(body)
                self._recorder.json(service, action, {}, who)
                return sts.answer(action)
            call = partial(self._call, service, request, body, who)
            return _json_response(await to_thread.run_sync(call, limiter=self._threads))
        except AwsError as error:
            content = {"__type": error.code, "message": error.message, **error.members}
            return _json_response(content, error.status, error.code)

    async def _answer_s3(self, request: Request, who: str) -> Response:
        try:
            bucket, key = split_path(request.scope["raw_path"])
        except AwsError as error:
            return _hang_up(error_response(error, "", "", request.method == "HEAD"))
        s3_request = S3Request(
            method=request.method,
            bucket=bucket,
            key=key,
            query=dict(request.query_params),
            headers=request.headers,
            body=_blocks(request),
        )
        handle = partial(self._handle_s3, s3_request, who)
        return await to_thread.run_sync(handle, limiter=self._threads)

    def _handle_s3(self, request: S3Request, who: str) -> Response:
        return self._s3.handle(self._recorder.s3(request, who))

    def _call(self, name: str, request: Request, body: bytes, who: str) -> dict[str, Any]:
        prefix, _, operation = request.headers.get("x-amz-target", "").rpartition(".")
        service = self._services.get(name)
        if service is None or service.target_prefix != prefix:
            raise UnknownOperationError(name, operation or f"{request.method} {request.url.path}")
        members = parse_body(body)
        check_members(name, operation, members)
        self._recorder.json(name, operation, members, who)
        return service.call(operation, members)


def _is_from_a_page(request: Request) -> bool:
    """Whether a browser sent the request for a page of another site.

    A browser sends such a request without asking the server if a form could send it as well (Fetch
    standard, simple requests). It hides the response from the page, but the server would execute
    the request. AWS clients never send these headers.
    """
    site = request.headers.get("sec-fetch-site", "none")
    return "origin" in request.headers or site not in ("none", "same-origin")


def _signer(request: Request) -> tuple[str, str] | None:
    """Return access key and service of the credential scope; None if the request is unsigned.

    The scope is in the header or in a presigned URL. A POST needs the header, which no form can
    send.
    """
    is_form_like = request.method == "POST"
    credential = "" if is_form_like else request.query_params.get("X-Amz-Credential", "")
    authorization = request.headers.get("authorization", "")
    match = _SCOPE.search(authorization) or _SCOPE.search(f"Credential={credential}")
    if match:
        return match[1], match[2]
    # The older signature (version 2) names no service; only S3 still accepts it.
    is_in_query = "AWSAccessKeyId" in request.query_params and not is_form_like
    is_older = is_in_query or authorization.startswith("AWS ")
    return ("", "s3") if is_older else None


def _hang_up(response: Response) -> Response:
    """Close the connection after a response that is sent before the body is read.

    Otherwise the rest of the body would be parsed as the next request.
    """
    response.headers["connection"] = "close"
    return response


def _refuse(request: Request, reason: str) -> Response:
    if "x-amz-target" in request.headers:
        code = "MissingAuthenticationTokenException"
        return _json_response({"__type": code, "message": reason}, 403, code)
    error = AwsError("AccessDenied", reason, 403)
    return error_response(error, "", "", request.method == "HEAD")


async def _read(request: Request) -> bytes:
    body = bytearray()
    stream = request.stream()
    while chunk := await _next_chunk(stream):
        body += chunk
        if len(body) > _MAX_JSON_BYTES:
            raise AwsError(
                "RequestEntityTooLargeException", f"The body exceeds {_MAX_JSON_BYTES} bytes.", 413
            )
    return bytes(body)


async def _next_chunk(stream: AsyncIterator[bytes]) -> bytes:
    """Return the next part of a body, empty at its end.

    Raises AwsError if the client sends nothing for BODY_SECONDS.
    """
    try:
        with fail_after(BODY_SECONDS):
            async for chunk in stream:
                if chunk:
                    return chunk
    except TimeoutError:
        raise AwsError(
            "RequestTimeout",
            "Your socket connection to the server was not read from or written to within the "
            "timeout period.",
        ) from None
    return b""


def _blocks(request: Request) -> Iterator[bytes]:
    """Yield the body in blocks to a worker thread, with one call to the event loop per block."""
    stream = request.stream()

    async def next_block() -> bytes:
        block = bytearray()
        while len(block) < _BLOCK and (chunk := await _next_chunk(stream)):
            block += chunk
        return bytes(block)

    while block := from_thread.run(next_block):
        yield block


def _json_response(content: Any, status: int = 200, error: str | None = None) -> Response:
    request_id = str(uuid.uuid4())
    headers = {"x-amzn-requestid": request_id}
    if error:
        headers["x-amzn-errortype"] = error
    return Response(json.dumps(content), status, headers, media_type="application/x-amz-json-1.1")
