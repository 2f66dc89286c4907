"""A real SMTP server on 127.0.0.1 that keeps what it accepts; a test chooses its replies."""

from __future__ import annotations

import asyncio
import contextlib
import smtplib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOST = "127.0.0.1"
SECONDS = 120
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Received:
    """A message that the server accepted, and its envelope."""

    sender: str
    recipients: list[str]
    content: bytes

    @property
    def message(self) -> EmailMessage:
        """The message, parsed."""
        parsed = message_from_bytes(self.content, policy=default)
        assert isinstance(parsed, EmailMessage)
        return parsed


@dataclass
class Rules:
    """The replies: to MAIL and DATA, and to recipients by address; empty ones accept.

    `login` is the user and the password that AUTH demands. `breaks_in` is a command during which
    the server closes the connection: before it accepts a message ("RCPT"), or after ("DATA").
    `waits_in` is a command that the server never answers; `is_waiting` tells that it got there.
    """

    sender: str = ""
    content: str = ""
    recipients: dict[str, str] = field(default_factory=dict)
    login: tuple[str, str] | None = None
    breaks_in: str = ""
    waits_in: str = ""
    is_waiting: threading.Event = field(default_factory=threading.Event)


class MailServer:
    """A server that listens until the block ends."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.rules = Rules()
        self._tls = tls
        self.received: list[Received] = []
        self.connections = 0
        self.port = _free_port()
        self._controller: Controller | None = None

    def __enter__(self) -> MailServer:
        self._controller = Controller(
            _Handler(self),
            hostname=HOST,
            port=self.port,
            authenticator=self._authenticate,
            auth_require_tls=False,
            tls_context=self._tls,
            require_starttls=self._tls is not None,
            ready_timeout=SECONDS,
        )
        self._controller.start()
        return self

    def __exit__(self, *_: object) -> None:
        assert self._controller is not None
        self._controller.stop()

    @contextlib.contextmanager
    def client(self) -> Iterator[smtplib.SMTP]:
        """A connected client."""
        with smtplib.SMTP(HOST, self.port, timeout=SECONDS) as client:
            yield client

    def open_client(self) -> Callable[[], contextlib.AbstractContextManager[smtplib.SMTP]]:
        """What opens a client."""
        return self.client

    def _authenticate(self, _server: Any, _session: Any, _envelope: Any, _way: str, data: Any):
        given = data.login.decode(), data.password.decode()
        return AuthResult(success=given == self.rules.login, handled=False)


class _Handler:
    """Answers the commands by the server's rules."""

    def __init__(self, server: MailServer) -> None:
        self._server = server

    async def handle_EHLO(self, _server, session, _envelope, hostname, responses):  # noqa: N802
        self._server.connections += 1
        session.host_name = hostname
        return responses

    async def handle_MAIL(self, server, session, envelope, address, _options):  # noqa: N802
        if self._server.rules.login and not session.authenticated:
            return "530 5.7.0 Authentication required"
        await self._disturb("MAIL", server)
        if not self._server.rules.sender:
            envelope.mail_from = address
        return self._server.rules.sender or "250 OK"

    async def handle_RCPT(self, server, _session, envelope, address, _options):  # noqa: N802
        await self._disturb("RCPT", server)
        reply = self._server.rules.recipients.get(address, "")
        if not reply:
            envelope.rcpt_tos.append(address)
        return reply or "250 OK"

    async def handle_DATA(self, server, _session, envelope):  # noqa: N802
        if not self._server.rules.content:
            received = Received(envelope.mail_from, envelope.rcpt_tos, envelope.content)
            self._server.received.append(received)
        await self._disturb("DATA", server)
        return self._server.rules.content or "250 OK"

    async def _disturb(self, command: str, server: Any) -> None:
        if self._server.rules.waits_in == command:
            self._server.rules.is_waiting.set()
            await asyncio.sleep(SECONDS)
        if self._server.rules.breaks_in == command:
            server.transport.abort()


def self_signed(directory: Path, ends_in: timedelta = DAY) -> ssl.SSLContext:
    """A server's TLS with a certificate that nobody trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - DAY).not_valid_after(now + ends_in)
    certificate = builder.sign(key, hashes.SHA256())
    plain = serialization.NoEncryption()
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    file = directory / "mail-server.pem"
    file.write_bytes(key.private_bytes(pem, pkcs8, plain) + certificate.public_bytes(pem))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
