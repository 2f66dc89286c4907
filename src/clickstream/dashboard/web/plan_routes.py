"""Routes of plans: of a holdout test of a campaign, and of locations for a new café."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from clickstream.dashboard.access.identity import identity_of, require_tab, require_writer
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.web.service import DashboardService

NO_SALES = "Plans of locations need orders: add a source to [[sales]]."


def add_plan_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes. They need an account, because a plan takes up to seconds of CPU time."""
    needed = [Depends(require_writer)]
    for path, show in (
        ("/holdouts", _holdouts_route(dashboard)),
        ("/locations", _locations_route(dashboard)),
    ):
        app.add_api_route(path, show, response_model=None, dependencies=needed)


def _holdouts_route(dashboard: DashboardService) -> Callable[..., HTMLResponse]:

    def show_plan(request: Request, campaign: str = "", metric: str = "") -> HTMLResponse:
        from clickstream.dashboard.tabs.marketing.holdout_plan import build_plan
        from clickstream.dashboard.tabs.marketing.holdouts import HAS_SCIPY, NO_SCIPY

        require_tab(request, "marketing")
        if not HAS_SCIPY:
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SCIPY)
        with dashboard.page(View("marketing"), identity_of(request)) as page:
            html = dashboard.renderer.plan(build_plan(page, campaign, metric))
        return HTMLResponse(html)

    return show_plan


def _locations_route(dashboard: DashboardService) -> Callable[..., HTMLResponse]:
    def show_report(request: Request) -> HTMLResponse:
        from clickstream.dashboard.tabs.places.location_report import build_report

        require_tab(request, "places")
        if not dashboard.settings.sales:
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SALES)
        with dashboard.page(View("places"), identity_of(request)) as page:
            report = build_report(page, request.query_params)
            html = dashboard.renderer.location_report(report)
        return HTMLResponse(html)

    return show_report
