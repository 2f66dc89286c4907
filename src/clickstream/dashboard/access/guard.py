"""Middleware that requires a login for the dashboard; an application calls `install`.

A reader is logged in by a session of the dashboard, or by a proxy in front of it. A share link
opens its pages without a login.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clickstream.core.networks import NetworkSet, address_in
from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.headers import HostHeaderCheck, SecurityHeaders
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.access.login import LOGIN, LOGOUT, LoginRoutes, Wording
from clickstream.dashboard.access.origins import is_same_origin, requested_path
from clickstream.dashboard.access.peers import LOOPBACK, ForwardedPeers, is_https
from clickstream.dashboard.access.proxies import ProxyLogin
from clickstream.dashboard.access.sessions import LoginSession, SessionCookies
from clickstream.dashboard.access.shared_pages import SharedPages, is_shared
from clickstream.dashboard.access.shares import Shares

OPEN_PATHS = (LOGIN, LOGOUT, "/healthz")
OPEN_PREFIXES = ("/static/", "/login/once/")
METRICS_PATH = "/metrics"
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True)
class Surroundings:
    """The dashboard's addresses, and the proxies in front of it.

    `url` is its address for browsers, empty if requests have the right one. `hosts` are further
    names under which browsers reach it. The guard trusts proxies in `networks` to report the
    browser's address and scheme. `proxy` finds the user whom a proxy has authenticated. Clients on
    this machine and in `scrapers` need no login for /metrics.
    """

    url: str = ""
    hosts: Collection[str] = ()
    networks: Sequence[str] = ()
    proxy: ProxyLogin | None = None
    scrapers: Sequence[str] = ()

    @property
    def names(self) -> list[str]:
        """The names under which browsers reach the dashboard, in addition to localhost."""
        return [*self.hosts, urlsplit(self.url).netloc]


def install(
    app: FastAPI,
    directory: Path,
    around: Surroundings = Surroundings(),
    wording: Wording | None = None,
    shares: Shares | None = None,
) -> None:
    """Add accounts, login and security headers to an application, before its other routes.

    `directory` is that of the dashboard; it contains accounts, links and the session secret.
    Without `shares` there are no share links. Routes get the reader from `identity.identity_of`.
    """
    accounts = Accounts(directory)
    sessions = SessionCookies(directory, accounts)
    login = LoginRoutes(directory, accounts, sessions, wording or Wording())
    login.add_routes(app)
    app.add_middleware(Guard, login=login, sessions=sessions, around=around, shares=shares)

    def protect(inner: ASGIApp) -> ASGIApp:
        checked = HostHeaderCheck(OriginCheck(inner), around.names)
        return ForwardedPeers(SecurityHeaders(checked), around.networks)

    _wrap(app, protect)


def install_embedded(app: FastAPI) -> None:
    """Add the checks to an application whose users another program has authenticated.

    Its routes must depend on that program's login, which sets `request.state.identity`. Share links
    are made and opened on the dashboard's own address only.
    """
    _wrap(app, lambda inner: ForwardedPeers(SecurityHeaders(OriginCheck(inner))))


def _wrap(app: FastAPI, wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """Add middleware around a whole application, including its response to a crash."""
    inner = app.build_middleware_stack
    app.build_middleware_stack = lambda: wrap(inner())  # type: ignore[method-assign]


class OriginCheck:
    """ASGI middleware that refuses changing requests that a page of another site sends."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or refuse it."""
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if is_change and not is_same_origin(Headers(scope=scope)):
            await _refuse_other_site(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Guard:
    """ASGI middleware that answers requests that may not reach the application."""

    def __init__(
        self,
        app: ASGIApp,
        login: LoginRoutes,
        sessions: SessionCookies,
        around: Surroundings,
        shares: Shares | None,
    ) -> None:
        self._app = app
        self._login = login
        self._sessions = sessions
        self._around = around
        self._scrapers = NetworkSet.of([*LOOPBACK, *around.scrapers])
        self._shared = SharedPages(app, shares, login.show_message) if shares else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request to the application, or answer it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # the dashboard has no websockets
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._shared and is_shared(scope["path"]):
            await self._shared(scope, receive, send)
            return
        request = Request(scope)
        account = await self._account_at_proxy(scope)
        session = None if account else self._login.session_of(request)
        if account or session:
            request.state.identity = Identity(
                account or (session.account.name if session else ""),
                can_log_out=account is None,
                shares_at=self._address(scope) if self._shared else "",
            )
        elif not (_is_open(scope["path"]) or self._is_scrape(scope)):
            await _ask_to_log_in(request)(scope, receive, send)
            return
        await self._app(scope, receive, self._renew_cookie(scope, send, session))

    def _is_scrape(self, scope: Scope) -> bool:
        """Whether a client that needs no login asks for the metrics."""
        client = address_in(scope["client"][0])
        return scope["path"] == METRICS_PATH and client is not None and client in self._scrapers

    async def _account_at_proxy(self, scope: Scope) -> str | None:
        """Return the user whom a proxy has authenticated; takes precedence over a session."""
        if self._around.proxy is None:
            return None
        return await run_in_threadpool(self._around.proxy.account_of, scope)

    def _address(self, scope: Scope) -> str:
        """Return the dashboard's address for browsers."""
        if self._around.url:
            return self._around.url.rstrip("/")
        return f"{scope['scheme']}://{Headers(scope=scope).get('host', '')}"

    def _renew_cookie(self, scope: Scope, send: Send, session: LoginSession | None) -> Send:
        """Add a new cookie to the response if the session is due for renewal."""
        if not session or not session.is_due_for_renewal or _is_open(scope["path"]):
            return send
        cookie = self._sessions.set_cookie(session.account, is_https(scope))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        return send_with_cookie


def _is_open(path: str) -> bool:
    """Whether a path needs no session; a path with `..` always needs one."""
    return path in OPEN_PATHS or (path.startswith(OPEN_PREFIXES) and ".." not in path)


async def _refuse_other_site(scope: Scope, receive: Receive, send: Send) -> None:
    text = "This request did not come from a page of the dashboard. Open the page and try again.\n"
    await PlainTextResponse(text, HTTPStatus.FORBIDDEN)(scope, receive, send)


def _ask_to_log_in(request: Request) -> Response:
    """Redirect a person to the login page; refuse a program with a plain text."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not is_page:
        return PlainTextResponse("Log in to the dashboard first.\n", HTTPStatus.UNAUTHORIZED)
    wanted = quote(requested_path(request.scope), safe="/")
    return RedirectResponse(
        LOGIN if wanted == "/" else f"{LOGIN}?next={wanted}", HTTPStatus.SEE_OTHER
    )
