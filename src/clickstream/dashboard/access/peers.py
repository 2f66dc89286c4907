"""Where a request comes from: its address, and whether it came by https.

A proxy is believed only if it connects from this machine; anybody else could write its headers.
"""

from __future__ import annotations

import ipaddress

from starlette.datastructures import Headers
from starlette.types import Scope


def client_address(scope: Scope) -> str:
    """The address that failed logins are counted by; of IPv6 its network of 64 bits.

    Behind a proxy on this machine it is the last entry of X-Forwarded-For, which that proxy wrote.
    """
    peer = str((scope.get("client") or ("unknown",))[0])
    forwarded = Headers(scope=scope).getlist("x-forwarded-for")
    if _is_loopback(peer) and forwarded:
        peer = forwarded[-1].rpartition(",")[2].strip()
    return _network(peer)


def is_https(scope: Scope) -> bool:
    """Whether the browser spoke https, to this server or to a proxy on this machine."""
    if scope["scheme"] == "https":
        return True
    peer = str((scope.get("client") or ("unknown",))[0])
    forwarded = Headers(scope=scope).getlist("x-forwarded-proto")
    return _is_loopback(peer) and [value.lower() for value in forwarded] == ["https"]


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


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
