"""The source of a request: its address, and whether it used https.

Headers of a proxy are trusted only if it connects from this machine or from a network in the
settings, because other clients could write them, too.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clickstream.core import networks
from clickstream.core.networks import NetworkSet

LOOPBACK = ("127.0.0.0/8", "::1/128")
_PEER = "clickstream.peer"
"""Scope key of the address that connected to this server."""


class ForwardedPeers:
    """ASGI middleware that reads what a trusted proxy reports about the browser.

    It sets `client` and `scheme` of the scope to those of the browser. It reads X-Forwarded-For
    from the right, past trusted proxies, because a client can write its left end.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str] = ()) -> None:
        self._app = app
        self._trusted = NetworkSet.of([*LOOPBACK, *networks])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request with the browser's address and scheme."""
        await self._app(self._read(scope) if scope["type"] == "http" else scope, receive, send)

    def _read(self, scope: Scope) -> Scope:
        peer = str((scope.get("client") or ("unknown",))[0])
        headers = Headers(scope=scope)
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        client = networks.client_address(peer, forwarded, self._trusted)
        scheme = scope["scheme"]
        if [protocol.lower() for protocol in headers.getlist("x-forwarded-proto")] == ["https"]:
            is_trusted = (networks.address_in(peer) or "") in self._trusted
            scheme = "https" if is_trusted else scheme
        return {**scope, "client": (client, 0), "scheme": scheme, _PEER: peer}


def peer_address(scope: Scope) -> str | None:
    """Return the address that connected to this server: the browser's, or the last proxy's.

    An IPv6 address that represents an IPv4 address (`::ffff:10.0.0.1`) is converted to it. None if
    the address is unknown, as on a Unix socket.
    """
    return networks.address_in(str(scope.get(_PEER, "")))


def client_address(scope: Scope) -> str:
    """Return the browser's address, or its /64 network for IPv6; failed logins count by it."""
    return _network(str((scope.get("client") or ("unknown",))[0]))


def is_https(scope: Scope) -> bool:
    """Whether the browser used https, to this server or to a trusted proxy."""
    return str(scope["scheme"]) == "https"


def _network(address: str) -> str:
    """Return an IPv4 address, or the IPv6 network in which one customer can choose addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
