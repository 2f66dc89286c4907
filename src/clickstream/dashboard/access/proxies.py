"""Logins at a proxy that authenticates users before it passes a request on.

The proxy names the user in a header (`HeaderLogin`), or in a token that an Application Load
Balancer signs (`load_balancer`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from starlette.datastructures import Headers
from starlette.types import Scope

from clickstream.core.networks import NetworkSet
from clickstream.dashboard.access.peers import peer_address

LONGEST_ACCOUNT = 128


class ProxyLogin(Protocol):
    """Finds the user whom a proxy has authenticated."""

    def account_of(self, scope: Scope) -> str | None:
        """Return the name of the user; None if the request has no trustworthy login."""


@dataclass(frozen=True)
class HeaderLogin:
    """The user in a header, which only proxies in `networks` can send.

    The name of the header must match exactly: X_Forwarded_User is another header.
    """

    header: str
    networks: NetworkSet

    @classmethod
    def of(cls, header: str, networks: Sequence[str]) -> HeaderLogin:
        """Build it from settings. Raises SettingsError for a malformed network."""
        return cls(header, NetworkSet.of(networks))

    def account_of(self, scope: Scope) -> str | None:
        """Return the header's value if it is one name, and the request comes from a proxy."""
        peer = peer_address(scope)
        if peer is None or peer not in self.networks:
            return None
        values = Headers(scope=scope).getlist(self.header)
        return account_name(_decode(values[0])) if len(values) == 1 else None


def account_name(value: object) -> str | None:
    """Return the value if it can be an account name; a list of several names is none."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST_ACCOUNT:
        return None
    is_plain = value.isprintable() and "," not in value and value == value.strip()
    return value if is_plain else None


def _decode(value: str) -> str:
    """Decode a header's value as UTF-8; return an empty text for another encoding."""
    try:
        return value.encode("latin-1").decode("utf-8")
    except UnicodeDecodeError:
        return ""
