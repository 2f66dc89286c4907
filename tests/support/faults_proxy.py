"""A proxy between the pipeline and AWS that sees every request of every client, and breaks some.

boto3 and pyarrow's own S3 client speak plain HTTP to it, so a fault is what it is in life: a socket
that closes, an answer that never comes, a process that is gone while its bytes are on the way.
"""

from __future__ import annotations

import http.client
import json
import os
import re
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import unquote, urlsplit

WRITES = re.compile(r"PUT |POST |DELETE |Create|Update|Delete|Start|Put")
_HOP_BY_HOP = {"connection", "transfer-encoding", "content-length", "expect", "keep-alive"}
_KEYS = (
    (re.compile(r"warehouse/[^/]+/(\w+)/data/.*"), r"\1 data file"),
    (re.compile(r"warehouse/[^/]+/(\w+)/metadata/snap-.*"), r"\1 manifest list"),
    (re.compile(r"warehouse/[^/]+/(\w+)/metadata/.*\.avro"), r"\1 manifest"),
    (re.compile(r"warehouse/[^/]+/(\w+)/metadata/00000-.*\.metadata\.json"), "first metadata"),
    (re.compile(r"warehouse/[^/]+/(\w+)/metadata/.*\.metadata\.json"), r"\1 metadata"),
    (re.compile(r"staging/.*/(\w+)(-\w+)?\.(parquet|json)"), r"staged \1"),
    (re.compile(r"bookmarks/[^/]+/finished\.json"), "list of finished files"),
    (re.compile(r"bookmarks/.*"), "bookmark"),
    (re.compile(r"sources/.*"), "source state"),
    (re.compile(r"publishing/parts/.*"), "replaced parts"),
    (re.compile(r"publishing/hours/.*"), "publishing mark"),
    (re.compile(r"(raw|pending|athena-results|warehouse)(/.*)?"), r"\1"),
)


@dataclass(frozen=True)
class Reply:
    """What AWS answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes


@dataclass
class Exchange:
    """One request, and what can be done to it. `name` says what it is for, like `PUT raw`."""

    name: str
    handler: _Handler
    body: bytes

    @property
    def is_write(self) -> bool:
        """Whether it may change something."""
        return WRITES.match(self.name) is not None

    def forward(self) -> Reply:
        """Let AWS answer it."""
        aws = self._begun(len(self.body))
        aws.send(self.body)
        answer = aws.getresponse()
        reply = Reply(answer.status, answer.getheaders(), answer.read())
        aws.close()
        return reply

    def forward_half(self) -> None:
        """Send AWS the first half of its body, and hang up."""
        aws = self._begun(len(self.body))
        aws.send(self.body[: len(self.body) // 2])
        aws.close()

    def answer(self, reply: Reply, share: float = 1.0) -> None:
        """Answer the client; with a `share` below 1 the body breaks off there."""
        handler, is_head = self.handler, self.handler.command == "HEAD"
        handler.send_response_only(reply.status)
        for name, value in reply.headers:
            if name.lower() not in _HOP_BY_HOP or (is_head and name.lower() == "content-length"):
                handler.send_header(name, value)
        if not is_head:
            handler.send_header("Content-Length", str(len(reply.body)))
        handler.end_headers()
        handler.wfile.write(reply.body[: int(len(reply.body) * share)])

    def hang_up(self) -> None:
        """Reset the client's connection, as a dying machine does."""
        self.handler.close_connection = True
        linger = struct.pack("ii", 1, 0)
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.handler.connection.close()

    def _begun(self, length: int) -> http.client.HTTPConnection:
        aws = http.client.HTTPConnection(self.handler.proxy.upstream, timeout=60)
        aws.putrequest(self.handler.command, self.handler.path, True, True)
        for name, value in self.handler.headers.items():
            if name.lower() not in _HOP_BY_HOP:
                aws.putheader(name, value)
        aws.putheader("Content-Length", str(length))
        aws.endheaders()
        return aws


Fault = Callable[[Exchange], None]
"""What happens to one request."""


def passes(exchange: Exchange) -> None:
    """Nothing happens: AWS answers."""
    exchange.answer(exchange.forward())


def answers(status: int, code: str) -> Fault:
    """AWS refuses with a status and a code, in the language of the service, and does nothing."""

    def refuse(exchange: Exchange) -> None:
        if "x-amz-target" in exchange.handler.headers:
            body = json.dumps({"__type": code, "message": "on purpose"}).encode()
        else:
            body = f"<Error><Code>{code}</Code><Message>on purpose</Message></Error>".encode()
        exchange.answer(Reply(status, [("Content-Type", "application/xml")], body))

    return refuse


def throttles(exchange: Exchange) -> None:
    """AWS says that it is asked too often, and does nothing."""
    is_json = "x-amz-target" in exchange.handler.headers
    refuse = answers(400, "ThrottlingException") if is_json else answers(503, "SlowDown")
    refuse(exchange)


def resets(exchange: Exchange) -> None:
    """The connection is reset before AWS has seen the request."""
    exchange.hang_up()


def loses_the_answer(exchange: Exchange) -> None:
    """AWS does what it was asked for, and the connection is reset before it can say so."""
    exchange.forward()
    exchange.hang_up()


def breaks_off(exchange: Exchange) -> None:
    """The connection is reset in the middle of AWS's answer."""
    exchange.answer(exchange.forward(), share=0.5)
    exchange.hang_up()


def hangs(seconds: float) -> Fault:
    """AWS says nothing for so long, and then hangs up."""

    def hang(exchange: Exchange) -> None:
        time.sleep(seconds)
        exchange.hang_up()

    return hang


def kills(pid: Callable[[], int], moment: str) -> Fault:
    """The process that asks is killed `before`, `inside` or `after` what it asks for is done."""

    def kill(exchange: Exchange) -> None:
        if moment == "after":
            exchange.forward()
        os.kill(pid(), signal.SIGKILL)
        if moment == "inside":
            exchange.forward_half()
        exchange.hang_up()

    return kill


class FaultsProxy:
    """The proxy in front of the AWS at `upstream`. `plan` says what happens to each request."""

    def __init__(self, upstream: str, plan: Callable[[Exchange], Fault]) -> None:
        self.upstream = urlsplit(upstream).netloc
        self.plan = plan
        self._lock = threading.Lock()
        handler = type("Handler", (_Handler,), {"proxy": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> FaultsProxy:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.shutdown()
        self._server.server_close()

    def fault_for(self, exchange: Exchange) -> Fault:
        """What happens to a request."""
        with self._lock:
            return self.plan(exchange)


class _Handler(BaseHTTPRequestHandler):
    """One connection of a client."""

    proxy: FaultsProxy
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        body = self._body()
        exchange = Exchange(_name(self, body), self, body)
        try:
            self.proxy.fault_for(exchange)(exchange)
        except OSError:  # the client is gone
            self.close_connection = True

    do_PUT = do_POST = do_HEAD = do_DELETE = do_GET  # noqa: N815 - as http.server wants them

    def log_message(self, *_anything: object) -> None:
        """Say nothing."""

    def handle(self) -> None:
        try:
            super().handle()
        except (OSError, ValueError):  # reset while a request was read
            self.close_connection = True

    def finish(self) -> None:
        try:
            super().finish()
        except (OSError, ValueError):  # hung up on purpose
            return

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding", "").lower() != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body


def _name(handler: BaseHTTPRequestHandler, body: bytes) -> str:
    """What a request is for: the method and the kind of key, or the operation and its object."""
    target = handler.headers.get("X-Amz-Target")
    if target:
        asked = json.loads(body)
        operation = target.rpartition(".")[2]
        table = asked.get("TableInput", {}).get("Name") if operation == "UpdateTable" else None
        return f"{operation} {table}" if table else operation
    url = urlsplit(handler.path)
    key = unquote(url.path).lstrip("/").partition("/")[2]
    if "delete" in url.query:
        key = (re.findall(r"<Key>(.*?)</Key>", body.decode()) or [""])[0]
        return f"DELETE {_kind(key)}"
    if _kind(key) == "bookmark" and body:
        return "PUT bookmark " + ("intent" if json.loads(body)["pending_end"] else "move")
    if not key:
        found = re.search(r"prefix=([\w%]+)", url.query)
        return f"LIST {_kind(unquote(found[1]))}" if found else f"{handler.command} bucket"
    upload = " of an upload" if "upload" in url.query else ""
    return f"{handler.command} {_kind(key)}{upload}"


def _kind(key: str) -> str:
    for pattern, kind in _KEYS:
        if pattern.match(key):
            return pattern.sub(kind, key)
    return key
