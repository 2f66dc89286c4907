"""The dashboard's application in Airflow's API server, with a local copy for each process."""

from __future__ import annotations

import atexit
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, HTTPException, Request, Response
from starlette.exceptions import HTTPException as StarletteHttpException

from clickstream.dashboard.access import guard
from clickstream.dashboard.access.identity import Identity
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.service import DashboardService
from clickstream.lake import aws_errors
from clickstream_airflow.dashboard import login
from clickstream_airflow.dashboard.copies import open_engine
from clickstream_airflow.lake import refer_to_lake


@aws_errors.translate_errors()
def build_dashboard() -> FastAPI:
    """Build the application, look for facts once, and start the thread that refreshes them.

    Raises ClickstreamError if the settings can't be read or the directory can't be written. If AWS
    can't be reached, the dashboard shows the facts in the local copy.
    """
    lake = refer_to_lake()
    app = build_app(
        lake.settings,
        lake=lake,
        engine=open_engine(lake),
        dependencies=login.CHECKS,
        protect=_protect,
    )
    dashboard: DashboardService = app.state.dashboard
    # A mounted application gets no lifespan events: start it here, and stop it with the process.
    dashboard.refresher.look()
    dashboard.start()
    atexit.register(dashboard.stop)
    return app


def _protect(app: FastAPI, _dashboard: DashboardService) -> None:
    """Make every path, existing or not, answer only after the checks of the user."""
    app.add_api_route("/{path:path}", _show_nothing, methods=login.ALL_METHODS)
    show_error: Any = app.exception_handlers[StarletteHttpException]

    def show_http_error(request: Request, error: Exception) -> Response:
        is_known = isinstance(getattr(request.state, "identity", None), Identity)
        show = show_error if is_known else login.show_refusal
        response: Response = show(request, error)
        return response

    app.add_exception_handler(StarletteHttpException, show_http_error)
    guard.install_embedded(app)


def _show_nothing(path: str) -> None:  # noqa: ARG001, the route has it
    raise HTTPException(HTTPStatus.NOT_FOUND, "This page does not exist.")
