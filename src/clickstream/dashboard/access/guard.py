"""Lets nobody into the dashboard without a session; `install` is what an application calls."""

from __future__ import annotations

from collections.abc import Callable, Collection
from http import HTTPStatus
from pathlib import Path
from urllib.parse import quote

from fastapi import FastAPI, Request
from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from clickstream.dashboard.access.accounts import Accounts
from clickstream.dashboard.access.headers import HostCheck, SecurityHeaders
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.access.login import LOGIN, LOGOUT, Login, Wording
from clickstream.dashboard.access.origins import is_same_origin, requested_path
from clickstream.dashboard.access.peers import is_https
from clickstream.dashboard.access.sessions import Session, Sessions

OPEN_PATHS = (LOGIN, LOGOUT, "/healthz")
OPEN_PREFIXES = ("/static/", "/login/once/")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")


def install(
    app: FastAPI, directory: Path, hosts: Collection[str] = (), wording: Wording | None = None
) -> None:
    """Put accounts, login and security headers around an application, before its other routes.

    `directory` is that of the dashboard; it holds accounts, links and the session secret. `hosts`
    are names beside localhost that browsers reach the dashboard by. A route finds who asks by
    `identity.identity_of`.
    """
    accounts = Accounts(directory)
    sessions = Sessions(directory, accounts)
    login = Login(directory, accounts, sessions, wording or Wording())
    login.add_routes(app)
    app.add_middleware(Guard, login=login, sessions=sessions)
    _wrap(app, lambda inner: SecurityHeaders(HostCheck(OriginCheck(inner), hosts)))


def install_embedded(app: FastAPI) -> None:
    """Put the checks around an application whose users another program authenticates.

    Its routes must depend on that program's login, which sets `request.state.identity`.
    """
    _wrap(app, lambda inner: SecurityHeaders(OriginCheck(inner)))


def _wrap(app: FastAPI, wrap: Callable[[ASGIApp], ASGIApp]) -> None:
    """Put middleware around all of an application, its answer to a crash included."""
    inner = app.build_middleware_stack
    app.build_middleware_stack = lambda: wrap(inner())  # type: ignore[method-assign]


class OriginCheck:
    """ASGI middleware that refuses requests which another site's page sends to change something."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        is_change = scope["type"] == "http" and scope["method"] not in SAFE_METHODS
        if is_change and not is_same_origin(Headers(scope=scope)):
            await _refuse_other_site(scope, receive, send)
        else:
            await self._app(scope, receive, send)


class Guard:
    """ASGI middleware that answers in place of the application when a request may not pass."""

    def __init__(self, app: ASGIApp, login: Login, sessions: Sessions) -> None:
        self._app = app
        self._login = login
        self._sessions = sessions

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await self._answer(scope, receive, send)
        else:  # the dashboard has no websockets
            await send({"type": "websocket.close", "code": 1008})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        session = self._login.session_of(request)
        if session:
            request.state.identity = Identity(session.account.name, can_log_out=True)
        elif not _is_open(scope["path"]):
            await _ask_to_log_in(request)(scope, receive, send)
            return
        await self._app(scope, receive, self._renewing(scope, send, session))

    def _renewing(self, scope: Scope, send: Send, session: Session | None) -> Send:
        """Add a new cookie to the answer if the session is due for one."""
        if not session or not session.is_due_for_renewal or _is_open(scope["path"]):
            return send
        cookie = self._sessions.set_cookie(session.account, is_https(scope))

        async def send_with_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).append("Set-Cookie", cookie)
            await send(message)

        return send_with_cookie


def _is_open(path: str) -> bool:
    """Whether a path needs no session; one that climbs out of an open directory does."""
    return path in OPEN_PATHS or (path.startswith(OPEN_PREFIXES) and ".." not in path)


async def _refuse_other_site(scope: Scope, receive: Receive, send: Send) -> None:
    text = "This request did not come from a page of the dashboard. Open the page and try again.\n"
    await PlainTextResponse(text, HTTPStatus.FORBIDDEN)(scope, receive, send)


def _ask_to_log_in(request: Request) -> Response:
    """The way to the login page for a person; a plain refusal for a program."""
    is_page = request.method == "GET" and "text/html" in request.headers.get("accept", "")
    if not is_page:
        return PlainTextResponse("Log in to the dashboard first.\n", HTTPStatus.UNAUTHORIZED)
    wanted = quote(requested_path(request.scope), safe="/")
    return RedirectResponse(
        LOGIN if wanted == "/" else f"{LOGIN}?next={wanted}", HTTPStatus.SEE_OTHER
    )
