"""Error pages for requests that can't be answered, each with one sentence."""

from __future__ import annotations

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse
from starlette.exceptions import HTTPException as StarletteHttpException

from clickstream.dashboard.access.identity import find_identity
from clickstream.dashboard.web.service import DashboardService
from clickstream.errors import ClickstreamError, InputError

log = logging.getLogger("clickstream")

UNAVAILABLE = "The figures can't be read at the moment. Try again later."
"""Shown to readers of share links; the reason may name buckets, and is only in the log."""


def add_error_pages(app: FastAPI, dashboard: DashboardService) -> None:
    """Register the handlers that show error pages."""

    def refuse(request: Request, status: int, sentence: str) -> HTMLResponse:
        base = "../" * (_path(request).count("/") - 1)
        html = dashboard.renderer.refusal(HTTPStatus(status).phrase, sentence, base)
        return HTMLResponse(html, status_code=status)

    def show_input_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, InputError)  # noqa: S101  the handler is registered for it
        text = error.printed if _has_login(request) else str(error)
        return refuse(request, HTTPStatus.BAD_REQUEST, text)

    def show_our_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, ClickstreamError)  # noqa: S101  the handler is registered for it
        # Log no token of a share link, because it grants access.
        log.warning(f"{_path(request)}: {error.printed}")
        text = error.printed if _has_login(request) else UNAVAILABLE
        return refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, text)

    def show_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHttpException)  # noqa: S101  the handler is registered for it
        return refuse(request, error.status_code, str(error.detail))

    app.add_exception_handler(InputError, show_input_error)
    app.add_exception_handler(ClickstreamError, show_our_error)
    app.add_exception_handler(StarletteHttpException, show_http_error)


def _has_login(request: Request) -> bool:
    """Whether the reader is logged in, so may see reasons and codes; not by a share link."""
    identity = find_identity(request)
    return identity is not None and identity.shared is None


def _path(request: Request) -> str:
    """Return the path below the application's address, or below that of a share link."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))
