"""Airflow's own checks of the user, which run before every route of the dashboard.

Users who may see Airflow's web UI may read. Users who may trigger the hourly DAG may also write
notes and query Athena. The dashboard sets no cookie in addition to Airflow's.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from airflow.api_fastapi.auth.managers.models.resource_details import AccessView, DagAccessEntity
from airflow.api_fastapi.core_api.security import (
    GetUserDep,
    requires_access_dag,
    requires_access_view,
)
from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse
from jinja2 import PackageLoader
from starlette.exceptions import HTTPException as StarletteHttpException

from clickstream.dashboard.access.headers import CACHE_CONTROL, HEADERS
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.templates import template_environment
from clickstream_airflow.addresses import airflow_path
from clickstream_airflow.defaults import HOURLY

LOGIN_REQUIRED = "Log in to Airflow in this browser, then reload this page."
NOT_ALLOWED = "Your Airflow account may not see the web UI, so it may not see the dashboard."
ALL_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]

_templates = template_environment(PackageLoader("clickstream_airflow.dashboard"))
_check_trigger = requires_access_dag("POST", DagAccessEntity.RUN, HOURLY)
_check_view = requires_access_view(AccessView.WEBSITE)


def check_reader(request: Request, user: GetUserDep) -> None:
    """Refuse users who may not see Airflow's web UI, also those with a role that Airflow lacks."""
    try:
        _check_view(request, user)
    except (KeyError, ValueError):  # of Airflow's simple login, for a role that it does not know
        raise HTTPException(HTTPStatus.FORBIDDEN) from None


def identify(request: Request, user: GetUserDep) -> None:
    """Store the user's name, and whether the user may write, in the request."""
    try:
        _check_trigger(request, user)
        may_write = True
    except (HTTPException, KeyError, ValueError):
        may_write = False
    request.state.identity = Identity(user.get_name(), is_read_only=not may_write)


CHECKS = (Depends(check_reader), Depends(identify))
"""The dependencies of every route. The first one refuses users who may not read."""


def refusing_app(sentence: str) -> FastAPI:
    """Return an application that shows every user why the dashboard is not available."""
    app = FastAPI(dependencies=list(CHECKS), openapi_url=None, docs_url=None, redoc_url=None)

    def show_reason(request: Request) -> Response:
        return plain_page(request, HTTPStatus.SERVICE_UNAVAILABLE, sentence)

    app.add_api_route("/{path:path}", show_reason, methods=ALL_METHODS, response_model=None)
    app.add_exception_handler(StarletteHttpException, show_refusal)
    return app


def show_refusal(request: Request, error: Any) -> Response:
    """Refuse a request that failed the checks: without a login, or without permission."""
    is_anonymous = error.status_code == HTTPStatus.UNAUTHORIZED
    sentence = LOGIN_REQUIRED if is_anonymous else NOT_ALLOWED
    return plain_page(request, HTTPStatus(error.status_code), sentence)


def plain_page(request: Request, status: HTTPStatus, sentence: str) -> Response:
    """Return a page with one sentence.

    In a frame it has no link to Airflow, because Airflow surrounds the frame. It has no style
    sheet: the dashboard's own needs a login and a dashboard that works.
    """
    is_framed = request.headers.get("sec-fetch-dest") == "iframe"
    html = _templates.get_template("refusal.html").render(
        title=status.phrase,
        sentence=sentence,
        airflow="" if is_framed else f"{airflow_path()}/",
    )
    return HTMLResponse(html, status, {**HEADERS, "Cache-Control": CACHE_CONTROL})
