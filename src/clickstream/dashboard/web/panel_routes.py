"""Routes of single panels: their page with SQL, their CSV file, and the query to Athena."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from http import HTTPStatus

from fastapi import Depends, FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, StreamingResponse

from clickstream.dashboard.access.identity import (
    Identity,
    identity_of,
    require_tab,
    require_writer,
)
from clickstream.dashboard.questions.answers import Answer
from clickstream.dashboard.questions.folding import fold
from clickstream.dashboard.questions.question import Question
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.questions.view_urls import parse_view
from clickstream.dashboard.tabs.panels import PANELS, questions_of
from clickstream.dashboard.tabs.trust.panels import SALES_LEDGER
from clickstream.dashboard.web.details import compare_answers, csv_lines, detail_parts
from clickstream.dashboard.web.service import DashboardService
from clickstream.dashboard.web.shown_rows import SEARCH, START, ShownRows
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake import aws_errors


def add_panel_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes to the application."""

    def view_of(name: str, request: Request) -> View:
        without_sales = not dashboard.settings.sales and name == SALES_LEDGER.name
        if name not in PANELS or without_sales:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no panel {name[:40]}.")
        require_tab(request, PANELS[name].tab)
        given = request.query_params.multi_items()
        return parse_view(PANELS[name].tab, given, (SEARCH, START))

    @contextlib.contextmanager
    def page_of(name: str, view: View, request: Request) -> Iterator[PageContext]:
        with dashboard.page(view, identity_of(request)) as page:
            require_money(page, name)
            yield page

    def show_csv(name: str, request: Request) -> Response:
        view = view_of(name, request)
        with page_of(name, view, request) as page:
            lines = list(csv_lines(page, name))
            file_name = f"{name}-{page.period.first}-{page.period.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        return StreamingResponse(iter(lines), media_type="text/csv", headers=headers)

    def show_panel(name: str, request: Request) -> HTMLResponse:
        view, shown = view_of(name, request), ShownRows.parse(request.query_params)
        with page_of(name, view, request) as page:
            parts = detail_parts(page, PANELS[name], shown)
            html = dashboard.renderer.detail(page, PANELS[name], parts, None, shown.search)
        return HTMLResponse(html)

    def ask(name: str, request: Request) -> HTMLResponse:
        view = view_of(name, request)
        with dashboard.turn_at_athena():
            return _show_both(dashboard, view, identity_of(request), name)

    app.add_api_route("/panels/{name}.csv", show_csv, response_model=None)
    app.add_api_route("/panels/{name}", show_panel, response_model=None)
    app.add_api_route(
        "/panels/{name}",
        ask,
        methods=["POST"],
        response_model=None,
        dependencies=[Depends(require_writer)],
    )


def require_money(page: PageContext, name: str) -> None:
    """Refuse a panel of orders and amounts on a page without them."""
    if PANELS[name].is_of_money and not page.has_money:
        reason = explain_no_money(page) or f"There is no panel {name}."
        raise HTTPException(HTTPStatus.NOT_FOUND, reason)


def _show_both(
    dashboard: DashboardService, view: View, identity: Identity, name: str
) -> HTMLResponse:
    """Run a panel's SQL on Athena, and show the answer beside the dashboard's."""
    panel = PANELS[name]

    def ask(question: Question) -> Answer:
        return Answer(question, dashboard.engine.ask_views(question))

    with dashboard.page(view, identity) as page, aws_errors.translate_errors():
        require_money(page, name)
        questions = questions_of(page, panel)
        pairs = [(fold(page.ask, one), fold(ask, one).rows) for one in questions]
        comparison, parts = compare_answers(page, pairs)
        return HTMLResponse(dashboard.renderer.detail(page, panel, parts, comparison))
