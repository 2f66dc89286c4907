"""Where a request comes from: its address, and whether it came by https.

A proxy is believed only if it connects from this machine or from a network that the settings name;
anybody else could write its headers.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from clickstream.clean import addresses
from clickstream.clean.addresses import NetworkSet

LOOPBACK = ("127.0.0.0/8", "::1/128")
_PEER = "clickstream.peer"
"""Key of the scope for the address that connected to this server."""


class ForwardedPeers:
    """ASGI middleware that reads what a trusted proxy reports of the browser.

    `client` and `scheme` of the scope become those of the browser. X-Forwarded-For is read from the
    right, through trusted proxies, because a client can write its left end.
    """

    def __init__(self, app: ASGIApp, networks: Sequence[str] = ()) -> None:
        self._app = app
        self._trusted = NetworkSet.of([*LOOPBACK, *networks])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with the browser's address and scheme."""
        await self._app(self._read(scope) if scope["type"] == "http" else scope, receive, send)

    def _read(self, scope: Scope) -> Scope:
        peer = str((scope.get("client") or ("unknown",))[0])
        headers = Headers(scope=scope)
        forwarded = ",".join(headers.getlist("x-forwarded-for"))
        client = addresses.client_address(peer, forwarded, self._trusted)
        scheme = scope["scheme"]
        if [one.lower() for one in headers.getlist("x-forwarded-proto")] == ["https"]:
            is_trusted = (addresses.address_in(peer) or "") in self._trusted
            scheme = "https" if is_trusted else scheme
        return {**scope, "client": (client, 0), "scheme": scheme, _PEER: peer}


def peer_address(scope: Scope) -> str | None:
    """The address that connected to this server: the browser's, or that of the last proxy.

    An IPv6 address that stands for an IPv4 one (`::ffff:10.0.0.1`) becomes that. None if it is not
    known, as on a Unix socket.
    """
    return addresses.address_in(str(scope.get(_PEER, "")))


def client_address(scope: Scope) -> str:
    """The browser's address, by which failed logins are counted; of IPv6 its network of 64 bits."""
    return _network(str((scope.get("client") or ("unknown",))[0]))


def is_https(scope: Scope) -> bool:
    """Whether the browser spoke https, to this server or to a trusted proxy."""
    return str(scope["scheme"]) == "https"


def _network(address: str) -> str:
    """The address, or what one customer of an IPv6 network can choose from."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return str(parsed)
