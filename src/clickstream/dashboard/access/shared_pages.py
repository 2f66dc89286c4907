"""Answers requests to share links; the guard sends it all requests below /shared/."""

from __future__ import annotations

import logging
from collections.abc import Callable
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from clickstream.core.errors import InputError
from clickstream.dashboard.access.identity import NO_PAGE, READ_ONLY, Identity, SharedWith
from clickstream.dashboard.access.shares import PREFIX, Share, ShareEnd, Shares
from clickstream.dashboard.ask.view import TABS

log = logging.getLogger(__name__)

ShowMessage = Callable[[str, HTTPStatus], Response]
"""Builds a page with one sentence."""

ENDED = {
    ShareEnd.EXPIRED: "This link has expired. Ask the person who sent it for a new one.",
    ShareEnd.WITHDRAWN: "This link has been withdrawn. Ask the person who sent it for a new one.",
}
UNREADABLE = "Links can't be checked at the moment. Try again later."


class SharedPages:
    """The pages that a share link opens: its tabs, their panels and files, and nothing else."""

    def __init__(self, app: ASGIApp, shares: Shares, show_message: ShowMessage) -> None:
        self._app = app
        self._shares = shares
        self._show_message = show_message

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on a request as the reader of its link, or answer it."""
        token, slash, rest = scope["path"].removeprefix(PREFIX).partition("/")
        result = self._find(token)
        if not isinstance(result, Share):
            await result(scope, receive, send)
            return
        answer = self._answer(result, token, slash + rest, scope["method"])
        if answer:
            await answer(scope, receive, send)
            return
        Request(scope).state.identity = Identity(
            "",
            is_read_only=True,
            tabs=result.tabs,
            sees_entries=False,
            shared=SharedWith(result.name, result.expires_at),
        )
        # As for a mounted application: its routes match the rest of the path.
        root_path = f"{scope.get('root_path', '')}{PREFIX}{token}"
        await self._app({**scope, "root_path": root_path}, receive, send)

    def _find(self, token: str) -> Share | Response:
        """Return the link of a token, or the response if it is not valid."""
        try:
            result = self._shares.find(token)
        except InputError as error:
            log.error("Share links do not work until this is repaired. %s", error)
            return self._show_message(UNREADABLE, HTTPStatus.SERVICE_UNAVAILABLE)
        if result is None:
            return self._show_message(NO_PAGE, HTTPStatus.NOT_FOUND)
        if isinstance(result, ShareEnd):
            return self._show_message(ENDED[result], HTTPStatus.GONE)
        return result

    def _answer(self, share: Share, token: str, path: str, method: str) -> Response | None:
        """Return the response to a request for another page; None if the link has the page."""
        if method not in ("GET", "HEAD"):
            return PlainTextResponse(f"{READ_ONLY}\n", HTTPStatus.FORBIDDEN)
        if not path:
            return _redirect(f"{token}/{_start(share)}")
        if path == "/" and not _opens(share, path):
            return _redirect(_start(share))
        return None if _opens(share, path) else self._show_message(NO_PAGE, HTTPStatus.NOT_FOUND)


def is_shared(path: str) -> bool:
    """Whether a path belongs to a share link."""
    return path.startswith(PREFIX)


def is_shared_file(path: str) -> bool:
    """Whether a path is a style sheet, script or map below a share link."""
    return path.removeprefix(PREFIX).partition("/")[2].startswith("static/")


def _opens(share: Share, path: str) -> bool:
    """Whether a link opens a path. The routes of panels and values also check the tabs."""
    if path in ("/version", "/values") or (
        path.startswith(("/static/", "/panels/")) and ".." not in path
    ):
        return True
    return any(path == _tab_path(tab) for tab in TABS if tab in share.tabs)


def _tab_path(tab: str) -> str:
    return "/" if tab == "overview" else f"/{tab}"


def _start(share: Share) -> str:
    """Return the first view of a link, as the part of its path after the token."""
    return _tab_path(share.start).removeprefix("/") + (share.query if share.query != "?" else "")


def _redirect(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER)
