"""Builds the web application, which turns a URL and a version of the facts into a page."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from fastapi import FastAPI, params
from fastapi.responses import PlainTextResponse
from starlette.middleware.gzip import GZipMiddleware

from clickstream.dashboard.access import guard
from clickstream.dashboard.access.login import Wording
from clickstream.dashboard.log_notes import LogNotes
from clickstream.dashboard.questions.engines import AnswerEngine
from clickstream.dashboard.web.entry_routes import add_entry_routes
from clickstream.dashboard.web.error_pages import add_error_pages
from clickstream.dashboard.web.metric_routes import add_metrics_route
from clickstream.dashboard.web.panel_routes import add_panel_routes
from clickstream.dashboard.web.plan_routes import add_plan_routes
from clickstream.dashboard.web.service import Clock, DashboardService, ReadLines, present
from clickstream.dashboard.web.share_routes import add_share_routes
from clickstream.dashboard.web.static_files import add_static_routes
from clickstream.dashboard.web.surroundings import surroundings_of
from clickstream.dashboard.web.tab_routes import add_tab_routes
from clickstream.dashboard.web.visit_routes import add_visit_routes
from clickstream.lake import Lake
from clickstream.settings import Settings

Protect = Callable[[FastAPI, DashboardService], None]
"""Puts a guard around an application."""


def build_app(
    settings: Settings,
    clock: Clock = present,
    *,
    lake: Lake | None = None,
    engine: AnswerEngine | None = None,
    read_lines: ReadLines | None = None,
    log_notes: Callable[[], LogNotes] = LogNotes,
    dependencies: Sequence[params.Depends] = (),
    protect: Protect | None = None,
) -> FastAPI:
    """Build the application; it refreshes its facts in the background while it runs.

    `engine` replaces the engine that the settings name, for example one with another copy, and
    `read_lines` what reads the lines of visits. `log_notes` returns those of the log. Without
    `lake`, an `engine` has no lake, and the application no /metrics.
    `dependencies` run before every route. `protect` puts a guard around the application, by default
    the dashboard's own login. A mounted application gets no lifespan events, so the
    outer application must call `start` and `stop` of `app.state.dashboard`.
    """
    dashboard = DashboardService(settings, clock, lake, engine, read_lines, log_notes)

    @contextlib.asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        dashboard.start()
        yield
        dashboard.stop()

    app = FastAPI(
        lifespan=lifespan,
        dependencies=list(dependencies),
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.dashboard = dashboard
    add_tab_routes(app, dashboard)
    add_panel_routes(app, dashboard)
    add_plan_routes(app, dashboard)
    add_visit_routes(app, dashboard)
    add_entry_routes(app, dashboard.entries, clock)
    add_share_routes(app, dashboard, clock)
    add_static_routes(app, settings.dashboard.icon)
    if lake or not engine:
        add_metrics_route(app, dashboard.lake, clock)
    app.add_api_route("/healthz", _show_health)
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    add_error_pages(app, dashboard)
    (protect or _protect_by_login)(app, dashboard)
    return app


async def _show_health() -> PlainTextResponse:
    """Answer without a thread, also while all threads serve pages."""
    return PlainTextResponse("ok")


def _protect_by_login(app: FastAPI, dashboard: DashboardService) -> None:
    """Require a login, except for static files, /healthz, and /metrics for some clients."""
    chosen, scrapers = dashboard.settings.dashboard, dashboard.settings.metrics.networks
    wording = Wording(dashboard.formats.language, dashboard.renderer.site)
    directory = dashboard.settings.resolve(chosen.directory)
    around = surroundings_of(chosen, scrapers)
    guard.install(app, directory, around, wording, dashboard.shares)
