"""Routes of the tabs, of their version, and of links to single hours."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import JSONResponse, PlainTextResponse, RedirectResponse

from clickstream.dashboard.access.identity import NO_PAGE, identity_of, require_tab
from clickstream.dashboard.questions.coverage import period_of_hour
from clickstream.dashboard.questions.view import TABS, Tab, View
from clickstream.dashboard.questions.view_urls import parse_hour, parse_view
from clickstream.dashboard.web.filter_field import (
    FIELDS,
    FILTER,
    add_filter,
    may_see_values,
    suggest_names,
)
from clickstream.dashboard.web.rendered_pages import compress, compressed_response
from clickstream.dashboard.web.service import DashboardService
from clickstream.dashboard.web.share_menu import SHOWN

VALUES = "values"
"""The path of the suggestions, which page.js asks for."""


def add_tab_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes to the application."""
    for tab in TABS:
        path = "/" if tab == "overview" else f"/{tab}"
        app.add_api_route(path, _tab_route(dashboard, tab), response_model=None)
    app.add_api_route("/version", _version_route(dashboard), response_model=None)
    app.add_api_route(f"/{VALUES}", _values_route(dashboard), response_model=None)
    _add_hour_routes(app, dashboard)


def _version_route(dashboard: DashboardService) -> Callable[[Request], Response]:
    def show_version(request: Request) -> Response:
        return PlainTextResponse(dashboard.version(identity_of(request)))

    return show_version


def _values_route(dashboard: DashboardService) -> Callable[[Request], Response]:
    def suggest(request: Request) -> Response:
        """Answer with the names that the field for filters suggests, as JSON."""
        if not may_see_values(identity_of(request)):
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)
        view = parse_view("overview", request.query_params.multi_items(), (SHOWN, *FIELDS))
        with dashboard.page(view, identity_of(request)) as page:
            names = suggest_names(page, request.query_params)
        return JSONResponse(names, headers={"Cache-Control": "no-store"})

    return suggest


def _tab_route(dashboard: DashboardService, tab: Tab) -> Callable[[Request], Response]:
    def show_tab(request: Request) -> Response:
        require_tab(request, tab)
        view = parse_view(tab, request.query_params.multi_items(), (SHOWN, *FIELDS))
        if FILTER in request.query_params:
            with dashboard.page(view, identity_of(request)) as page:
                return _found(add_filter(page, request.query_params).query)
        etag = _etag(dashboard, request)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        identity = identity_of(request)
        # A page with the address of a new share link must not be cached: the address grants access.
        if shown := request.query_params.get(SHOWN):
            html = compress(dashboard.render_tab(view, identity, shown))
            return compressed_response(request, html, {"ETag": etag, "Cache-Control": "no-store"})
        html = dashboard.pages.find(etag) or compress(dashboard.render_tab(view, identity))
        if etag == _etag(dashboard, request):  # else its inputs changed while it was rendered
            dashboard.pages.keep(etag, html)
        return compressed_response(request, html, {"ETag": etag})

    return show_tab


def _etag(dashboard: DashboardService, request: Request) -> str:
    """Build an ETag from all inputs of a page: URL, reader, facts, notes, hour, refresh problem.

    Pages do not show who reads them, so accounts with equal rights have equal pages.
    """
    now = dashboard.clock().strftime("%Y-%m-%dT%H")
    identity = replace(identity_of(request), account="")
    parts = (
        *(str(request.url), identity, dashboard.version(identity), now),
        *(dashboard.refresher.problem, dashboard.shares.version() if identity.can_share else ""),
    )
    return f'W/"{hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


def _add_hour_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add addresses of UTC hours for links from elsewhere, which redirect to the Trust tab."""

    def show_hour(hour: str, request: Request) -> Response:
        named = parse_hour(hour)
        with dashboard.page(View(tab="trust"), identity_of(request)) as page:
            day = period_of_hour(named, page.zone).first
        return _found(f"../trust{View().with_hour(named, day).query}#hour")

    def show_hours(first: str, last: str, request: Request) -> Response:
        hours = sorted((parse_hour(first), parse_hour(last)))
        with dashboard.page(View(tab="trust"), identity_of(request)) as page:
            days = [period_of_hour(hour, page.zone).first for hour in hours]
        return _found(f"../../trust{View().with_days(days[0], days[1]).query}#hours")

    app.add_api_route("/hours/{hour}", show_hour, response_model=None)
    app.add_api_route("/hours/{first}/{last}", show_hours, response_model=None)


def _found(address: str) -> Response:
    return RedirectResponse(address, HTTPStatus.FOUND)
