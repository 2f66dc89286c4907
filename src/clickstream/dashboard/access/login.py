"""The login page and its routes: by password, by one-time link, and logging out."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from anyio import CapacityLimiter, to_thread
from cachetools import TTLCache
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse
from jinja2 import PackageLoader

from clickstream.dashboard.access.accounts import OWNER, Account, Accounts
from clickstream.dashboard.access.forms import read_form
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.access.link import use_token
from clickstream.dashboard.access.origins import HOME, safe_path
from clickstream.dashboard.access.peers import client_address, is_https
from clickstream.dashboard.access.sessions import LoginSession, SessionCookies
from clickstream.dashboard.templates import template_environment

# Delays logins after failed ones, by account and by address.

FREE_FAILURES = 5
FIRST_WAIT_SECONDS = 5
LONGEST_WAIT_SECONDS = 300
FORGET_SECONDS = 3600
"""Seconds without a failure after which an account or address has no delay again."""

MAX_ENTRIES = 10_000


@dataclass
class _Failures:
    """The number of failed logins, and the time at which the next one is checked."""

    count: int = 0
    free_at: float = 0.0


class Throttle:
    """Counts failed logins in memory; a restart clears the counts.

    A login counts as failed from its start until it succeeds, so parallel logins gain nothing.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, max_entries: int = MAX_ENTRIES
    ) -> None:
        self._clock = clock
        self._entries: TTLCache[tuple[str, str], _Failures] = TTLCache(
            max_entries, FORGET_SECONDS, clock
        )
        self._lock = threading.Lock()

    def begin(self, account: str, address: str) -> int:
        """Start a login: return 0, or the seconds to wait before the next one is checked."""
        keys = _keys(account, address)
        with self._lock:
            now = self._clock()
            entries = [self._entries.get(key) or _Failures() for key in keys]
            wait = max(entry.free_at - now for entry in entries)
            if wait > 0:
                return math.ceil(wait)
            for key, entry in zip(keys, entries, strict=True):
                entry.count += 1
                if entry.count >= FREE_FAILURES:
                    doublings = min(entry.count - FREE_FAILURES, 16)
                    seconds = min(FIRST_WAIT_SECONDS * 2**doublings, LONGEST_WAIT_SECONDS)
                    entry.free_at = now + seconds
                self._entries[key] = entry  # now it is forgotten an hour later
            return 0

    def succeed(self, account: str, address: str) -> None:
        """Remove the count of `begin`, and clear the account's failures.

        The address keeps its earlier failures, which may belong to other accounts.
        """
        of_account, of_address = _keys(account, address)
        with self._lock:
            self._entries.pop(of_account, None)
            if entry := self._entries.get(of_address):
                entry.count -= 1
                entry.free_at = 0.0

    def __len__(self) -> int:
        return len(self._entries)


def _keys(account: str, address: str) -> tuple[tuple[str, str], tuple[str, str]]:
    """Return keys of limited size: no account name is longer than 64 characters."""
    return ("account", account[:65]), ("address", address)


log = logging.getLogger(__name__)

LOGIN, LOGOUT, ONCE = "/login", "/logout", "/login/once/{token}"
_HEADERS = {"Cache-Control": "no-store"}
CHECKED_AT_ONCE, MOST_WAITING = 2, 8
"""Limits of passwords that are checked at once, and of logins that wait for it."""
RETRY_SECONDS = 5


@dataclass(frozen=True)
class Wording:
    """The language of the login page, and the name of the site."""

    language: str = "en"
    title: str = "AnyCompany Café"


class LoginRoutes:
    """The routes of the login."""

    def __init__(
        self, directory: Path, accounts: Accounts, sessions: SessionCookies, wording: Wording
    ) -> None:
        self._directory = directory
        self._accounts = accounts
        self._sessions = sessions
        self._wording = wording
        self._throttle = Throttle()
        # The pages' threads stay free: a check of a password takes 0.1 s of a processor.
        self._limiter = CapacityLimiter(CHECKED_AT_ONCE)
        self._begun = 0
        """Logins that are checked or wait for it; the limiter counts a new one too late."""
        self._templates = template_environment(PackageLoader("clickstream.dashboard.access"))

    def add_routes(self, app: FastAPI) -> None:
        """Add the routes to an application."""
        # FastAPI adds no HEAD to these routes: checking a link by HEAD does not use it up.
        for path, endpoint, method in (
            (LOGIN, self.show_page, "GET"),
            (LOGIN, self.log_in, "POST"),
            (ONCE, self.log_in_once, "GET"),
            (LOGOUT, self.log_out, "POST"),
        ):
            app.add_api_route(
                path, endpoint, methods=[method], response_model=None, include_in_schema=False
            )

    def session_of(self, request: Request) -> LoginSession | None:
        """Return the session of a request."""
        return self._sessions.read(request.cookies.get(self._sessions.cookie_name))

    async def show_page(self, request: Request) -> Response:
        """Show the login page, or redirect readers who are logged in."""
        next_path = safe_path(request.query_params.get("next", HOME))
        if _is_logged_in(request):
            return _redirect(next_path)
        return self._page(next_path)

    async def log_in(self, request: Request) -> Response:
        """Log in by name and password."""
        form = await read_form(request)
        name, next_path = form.get("name", "").strip(), safe_path(form.get("next", HOME))
        address = client_address(request.scope)
        if self._begun >= CHECKED_AT_ONCE + MOST_WAITING:
            return self._busy_response(next_path, name)
        if wait := self._throttle.begin(name, address):
            return self._throttle_response(next_path, name, wait)
        account = await self._verify(name, form.get("password", ""))
        if not account:
            shown_name = repr(name) if self._accounts.get(name) else "an unknown account"
            log.warning("Login to %s failed from %s.", shown_name, address)
            message = "The name or the password is wrong."
            return self._page(next_path, name, message, HTTPStatus.UNAUTHORIZED)
        self._throttle.succeed(name, address)
        return self._start_session(request, account, next_path)

    async def _verify(self, name: str, password: str) -> Account | None:
        self._begun += 1
        try:
            return await to_thread.run_sync(
                self._accounts.verify, name, password, limiter=self._limiter
            )
        finally:
            self._begun -= 1

    async def log_in_once(self, request: Request, token: str) -> Response:
        """Log in by a one-time link.

        The first GET uses up a link. A browser that prefetches the link announces it, and is
        refused without using the link up. A second click finds the session of the first and shows
        the same page.
        """
        if "prefetch" in request.headers.get("sec-purpose", request.headers.get("purpose", "")):
            return Response(status_code=HTTPStatus.SERVICE_UNAVAILABLE, headers=_HEADERS)
        if _is_logged_in(request):
            return _redirect(HOME)
        owner = self._accounts.get(OWNER)
        if not owner or not use_token(self._directory, token):
            message = "This link has been used already, or it is older than 24 hours."
            return self._page(HOME, message=message, status=HTTPStatus.GONE)
        return self._start_session(request, owner, HOME)

    async def log_out(self, request: Request) -> Response:
        """End all sessions of the account, for example also on a lost phone."""
        if session := self.session_of(request):
            self._accounts.end_sessions(session.account.name)
        response = _redirect(LOGIN)
        response.headers["Set-Cookie"] = self._sessions.delete_cookie(is_https(request.scope))
        return response

    def show_message(self, sentence: str, status: HTTPStatus) -> Response:
        """Show one sentence and no link, for readers without an account."""
        html = self._templates.get_template("message.html").render(
            wording=self._wording, sentence=sentence
        )
        return HTMLResponse(html, status)

    def _start_session(self, request: Request, account: Account, path: str) -> Response:
        response = _redirect(path)
        response.headers["Set-Cookie"] = self._sessions.set_cookie(account, is_https(request.scope))
        return response

    def _busy_response(self, next_path: str, name: str) -> Response:
        message = "Many people log in just now. Try again in a moment."
        response = self._page(next_path, name, message, HTTPStatus.SERVICE_UNAVAILABLE)
        response.headers["Retry-After"] = str(RETRY_SECONDS)
        return response

    def _throttle_response(self, next_path: str, name: str, wait: int) -> Response:
        message = f"Too many logins failed. Wait {wait} seconds, then try again."
        response = self._page(next_path, name, message, HTTPStatus.TOO_MANY_REQUESTS)
        response.headers["Retry-After"] = str(wait)
        return response

    def _page(
        self,
        next_path: str,
        name: str = "",
        message: str = "",
        status: HTTPStatus = HTTPStatus.OK,
    ) -> Response:
        html = self._templates.get_template("login.html").render(
            wording=self._wording, next_path=next_path, name=name, message=message
        )
        return HTMLResponse(html, status, headers=_HEADERS)


def _is_logged_in(request: Request) -> bool:
    """Whether the guard has found a session or a proxy's login."""
    return isinstance(getattr(request.state, "identity", None), Identity)


def _redirect(path: str) -> RedirectResponse:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers=_HEADERS)
