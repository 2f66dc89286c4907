"""ASGI middleware for every response: security headers, and the check of the Host header."""

from __future__ import annotations

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clickstream.dashboard.access.origins import host_name
from clickstream.dashboard.access.peers import is_https
from clickstream.dashboard.access.shared_pages import is_shared, is_shared_file

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'self'"
)
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
SHARED_HEADERS = {
    **HEADERS,
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}
"""For share links, whose addresses grant access: no site or search engine may learn them."""

STRICT_TRANSPORT_SECURITY = "max-age=31536000"
CACHE_CONTROL = "private, no-cache"
SHARED_CACHE_CONTROL = "private, no-store"
LOCAL_HOSTS = ("127.0.0.1", "localhost", "::1")
HEALTH = "/healthz"


class SecurityHeaders:
    """Sets the security headers on every response; keeps a Cache-Control that a page sets."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, and complete the headers of its response."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(SHARED_HEADERS if is_shared(scope["path"]) else HEADERS)
                if is_shared(scope["path"]) and not is_shared_file(scope["path"]):
                    headers["Cache-Control"] = SHARED_CACHE_CONTROL
                headers.setdefault("Cache-Control", CACHE_CONTROL)
                if is_https(scope):
                    headers["Strict-Transport-Security"] = STRICT_TRANSPORT_SECURITY
            await send(message)

        await self._app(scope, receive, send_with_headers if scope["type"] == "http" else send)


class HostHeaderCheck:
    """Refuses requests for host names other than the dashboard's own.

    This prevents DNS rebinding: a site of an attacker whose name resolves to 127.0.0.1 has no
    cookies of the dashboard, but could read what needs no login. The health check of a load
    balancer sends this machine's address as Host; its response reveals nothing, so it accepts any
    name.
    """

    def __init__(self, app: ASGIApp, hosts: Collection[str] = ()) -> None:
        self._app = app
        self._names = {*LOCAL_HOSTS, *map(host_name, hosts)} - {""}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application if its host name is allowed."""
        name = host_name(Headers(scope=scope).get("host", "")) if "headers" in scope else None
        if name is None or name in self._names or scope.get("path") == HEALTH:
            await self._app(scope, receive, send)
            return
        refusal = PlainTextResponse(
            "The dashboard does not allow this host name. Add it to hosts in the "
            "section [dashboard] of the settings, and restart the dashboard.\n",
            status_code=400,
        )
        await refusal(scope, receive, send)
