"""The route that plans a holdout test of a campaign."""

from __future__ import annotations

from http import HTTPStatus

from fastapi import Depends, FastAPI, HTTPException, Request
from fastapi.responses import HTMLResponse

from clickstream.dashboard.access.identity import identity_of, require_tab, require_writer
from clickstream.dashboard.questions.view import View
from clickstream.dashboard.tabs.marketing.holdout_plan import build_plan
from clickstream.dashboard.tabs.marketing.holdouts import HAS_SCIPY, NO_SCIPY
from clickstream.dashboard.web.service import DashboardService


def add_plan_route(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the route. It needs an account, because a plan takes seconds of CPU time."""

    def show_plan(request: Request, campaign: str = "", metric: str = "") -> HTMLResponse:
        require_tab(request, "marketing")
        if not HAS_SCIPY:
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SCIPY)
        with dashboard.page(View("marketing"), identity_of(request)) as page:
            html = dashboard.renderer.plan(build_plan(page, campaign, metric))
        return HTMLResponse(html)

    needed = [Depends(require_writer)]
    app.add_api_route("/holdouts", show_plan, response_model=None, dependencies=needed)
