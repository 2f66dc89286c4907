"""Routes of single visits: their list, its CSV file, one visit, and log lines.

They need an identity that may see single visits. Their pages are not stored by browsers.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from http import HTTPStatus

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse, StreamingResponse

from clickstream.dashboard.access.identity import Identity, identity_of, require_visits
from clickstream.dashboard.ask.view import View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.visits.listing import Record, build_list, csv_rows
from clickstream.dashboard.visits.log_lines import MOST_LINES, VisitLines
from clickstream.dashboard.visits.questions import PageKey, parse_id
from clickstream.dashboard.visits.sample import SAMPLE_LINES, build_sample, logged, sample_visits
from clickstream.dashboard.visits.visit import build_visit, find_visit
from clickstream.dashboard.web.details import csv_line
from clickstream.dashboard.web.filter_field import FIELDS, FILTER, add_filter
from clickstream.dashboard.web.service import DashboardService
from clickstream.dashboard.widgets.page import PageContext

log = logging.getLogger("clickstream")

NO_VISIT = (
    "There is no such visit. Its facts may be older than keep_days of [dashboard], or its hour was "
    "built again with new visitor ids."
)
NO_VISITS = "No visits in this range. Choose another range, or clear the filters."
_NOT_STORED = {"Cache-Control": "no-store"}
_MAY_SEE_VISITS = [Depends(require_visits)]


def add_visit_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes to the application."""

    def show_list(request: Request) -> Response:
        before = request.query_params.get("before")
        after = PageKey.parse(before) if before else None
        with dashboard.page(_view_of(request), identity_of(request)) as page:
            if FILTER in request.query_params:
                query = add_filter(page, request.query_params).query
                return RedirectResponse(f"visits{query}", HTTPStatus.FOUND)
            visit_list = build_list(page, after)
            html = dashboard.renderer.visits(page, visit_list, is_first=after is None)
        return HTMLResponse(html, headers=_NOT_STORED)

    def show_csv(request: Request) -> Response:
        stack = ExitStack()
        page = stack.enter_context(dashboard.page(_view_of(request), identity_of(request)))
        name = f"visits-{page.period.first}-{page.period.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', **_NOT_STORED}
        return StreamingResponse(_csv_lines(page, stack), media_type="text/csv", headers=headers)

    def show_visit(session_id: str, request: Request) -> Response:
        with dashboard.page(_view_of(request), identity_of(request)) as page:
            shown = build_visit(page, _find(page, session_id))
            html = dashboard.renderer.visit(page, shown, None)
        return HTMLResponse(html, headers=_NOT_STORED)

    for path, route in (
        ("/visits", show_list),
        ("/visits.csv", show_csv),
        ("/visits/{session_id}", show_visit),
    ):
        app.add_api_route(path, route, response_model=None, dependencies=_MAY_SEE_VISITS)
    _add_line_routes(app, dashboard)


def _add_line_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes of log lines, which are forms: each reading is written to the log."""

    def show_sample(request: Request) -> Response:
        identity = identity_of(request)
        with dashboard.page(_view_of(request), identity) as page:
            visits = _sample(page)
            lines = _read_lines(dashboard, identity, visits, SAMPLE_LINES)
            html = dashboard.renderer.sample(page, build_sample(page, visits, lines))
        return HTMLResponse(html, headers=_NOT_STORED)

    def show_lines(session_id: str, request: Request) -> Response:
        identity = identity_of(request)
        with dashboard.page(_view_of(request), identity) as page:
            visit = _find(page, session_id)
            lines = _read_lines(dashboard, identity, [visit], MOST_LINES)
            html = dashboard.renderer.visit(page, build_visit(page, visit), lines)
        return HTMLResponse(html, headers=_NOT_STORED)

    for path, route in (("/visits", show_sample), ("/visits/{session_id}", show_lines)):
        app.add_api_route(
            path, route, methods=["POST"], response_model=None, dependencies=_MAY_SEE_VISITS
        )


def _view_of(request: Request) -> View:
    return parse_view("overview", request.query_params.multi_items(), ("before", *FIELDS))


def _csv_lines(page: PageContext, stack: ExitStack) -> Iterator[str]:
    """Yield the lines of the CSV file from one version of the facts, and close it at the end."""
    with stack:
        yield from map(csv_line, csv_rows(page))


def _read_lines(
    dashboard: DashboardService, identity: Identity, visits: Sequence[Record], most: int
) -> VisitLines:
    """Read log lines of visits, and log who read them."""
    with dashboard.turn_at_athena():
        lines = dashboard.read_lines(logged(visits), most)
    for visit in visits:
        log.info(f"{identity.account} read log lines of visit {visit['session_id']}.")
    return lines


def _sample(page: PageContext) -> list[Record]:
    """Return some visits of the view. Raises HTTPException 404 if it has none."""
    visits = sample_visits(page)
    if not visits:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_VISITS)
    return visits


def _find(page: PageContext, session_id: str) -> Record:
    """Return the visit with an id. Raises HTTPException 404 without such a visit."""
    try:
        visit = find_visit(page, parse_id(session_id))
    except ValueError:
        visit = None
    if visit is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, NO_VISIT)
    return visit
