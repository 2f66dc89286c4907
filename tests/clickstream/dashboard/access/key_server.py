"""A real server of public keys on 127.0.0.1, as AWS has one, and tokens that its keys verify."""

from __future__ import annotations

import base64
import contextlib
import json
import threading
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

ARN = (
    "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/cafe/50dc6c495c0c9188"
)
NOW = 1_795_000_000
CLAIMS = {"sub": "user-1", "email": "ana@cafe.example", "exp": NOW + 120}


def encoded(data: bytes) -> str:
    """Base64 as the load balancer writes it: with its padding."""
    return base64.urlsafe_b64encode(data).decode()


@dataclass
class Signer:
    """A key of a load balancer, which signs tokens."""

    private: ec.EllipticCurvePrivateKey = field(
        default_factory=lambda: ec.generate_private_key(ec.SECP256R1())
    )
    kid: str = field(default_factory=lambda: str(uuid.uuid4()))

    @property
    def pem(self) -> bytes:
        """The public key as the key server sends it."""
        return self.private.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def header(self, **changed: Any) -> dict[str, Any]:
        """The header of a token; a value of None leaves the field out."""
        usual = {
            "typ": "JWT",
            "kid": self.kid,
            "alg": "ES256",
            "iss": "https://idp.example",
            "client": "client-1",
            "signer": ARN,
            "exp": NOW + 120,
        }
        return {name: one for name, one in {**usual, **changed}.items() if one is not None}

    def token(self, claims: dict[str, Any] | None = None, **changed: Any) -> str:
        """A token, signed over the text with its padding."""
        payload = CLAIMS if claims is None else claims
        parts = [encoded(json.dumps(one).encode()) for one in (self.header(**changed), payload)]
        signed = ".".join(parts)
        der = self.private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
        numbers = decode_dss_signature(der)
        return f"{signed}.{encoded(b''.join(one.to_bytes(32, 'big') for one in numbers))}"


class _Handler(BaseHTTPRequestHandler):
    """Answers with the server's files, and counts what is asked for."""

    server: KeyServer

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        if self.server.is_slow.is_set():
            self.server.over.wait(60)
        status, headers, body = self.server.files.get(self.path, (404, {}, b"no such key"))
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(body)

    def log_message(self, *_arguments: Any) -> None:
        """Nothing is logged."""


class KeyServer(ThreadingHTTPServer):
    """The server; `files` has status, headers and body of each path."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, tuple[int, dict[str, str], bytes]] = {}
        self.asked: list[str] = []
        self.is_slow = threading.Event()
        self.over = threading.Event()

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def publish(self, signer: Signer, body: bytes | None = None) -> Signer:
        """Serve a signer's key, or something else under its id."""
        self.files[f"/{signer.kid}"] = (200, {}, signer.pem if body is None else body)
        return signer


@contextlib.contextmanager
def running_key_server() -> Iterator[KeyServer]:
    """Run a server in a thread until the block is over."""
    server = KeyServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
