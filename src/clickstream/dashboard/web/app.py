"""Builds the web application, which turns a URL and a version of the facts into a page."""

from __future__ import annotations

import contextlib
import hashlib
import logging
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import replace
from http import HTTPStatus

from fastapi import Depends, FastAPI, HTTPException, Request, Response, params
from fastapi.responses import (
    HTMLResponse,
    JSONResponse,
    PlainTextResponse,
    RedirectResponse,
    StreamingResponse,
)
from starlette.exceptions import HTTPException as StarletteHttpException
from starlette.middleware.gzip import GZipMiddleware

from clickstream.core.errors import ClickstreamError, InputError
from clickstream.dashboard.access import guard
from clickstream.dashboard.access.identity import (
    NO_PAGE,
    Identity,
    find_identity,
    identity_of,
    require_tab,
    require_writer,
)
from clickstream.dashboard.access.login import Wording
from clickstream.dashboard.ask.answers import Answer
from clickstream.dashboard.ask.coverage import period_of_hour
from clickstream.dashboard.ask.engines import AnswerEngine
from clickstream.dashboard.ask.folding import fold
from clickstream.dashboard.ask.question import Question
from clickstream.dashboard.ask.view import TABS, Tab, View
from clickstream.dashboard.ask.view_urls import parse_hour, parse_view
from clickstream.dashboard.charts.maps import read_shape, shapes_digest
from clickstream.dashboard.log_notes import LogNotes
from clickstream.dashboard.pages.panels import PANELS, questions_of
from clickstream.dashboard.pages.trust.panels import SALES_LEDGER
from clickstream.dashboard.web.details import compare_answers, csv_lines, detail_parts
from clickstream.dashboard.web.entry_routes import add_entry_routes
from clickstream.dashboard.web.filter_field import (
    FIELDS,
    FILTER,
    add_filter,
    may_see_values,
    suggest_names,
)
from clickstream.dashboard.web.metric_routes import add_metrics_route
from clickstream.dashboard.web.rendered_pages import compress, compress_file, compressed_response
from clickstream.dashboard.web.rendering import ASSETS_DIGEST, STATIC, read_static
from clickstream.dashboard.web.service import Clock, DashboardService, ReadLines, present
from clickstream.dashboard.web.share_menu import JUST_SHARED
from clickstream.dashboard.web.share_routes import add_share_routes
from clickstream.dashboard.web.shown_rows import SEARCH, START, ShownRows
from clickstream.dashboard.web.surroundings import surroundings_of
from clickstream.dashboard.web.visit_routes import add_visit_routes
from clickstream.dashboard.widgets.money import explain_no_money
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake import Lake, aws_errors
from clickstream.settings import Settings
from clickstream.settings.dashboard import Icon

# Routes of the tabs, of their version, and of links to single hours.

VALUES = "values"
"""The path of the suggestions, which page.js asks for."""


def add_tab_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes to the application."""

    def show_version(request: Request) -> Response:
        return PlainTextResponse(dashboard.version(identity_of(request)))

    for tab in TABS:
        path = "/" if tab == "overview" else f"/{tab}"
        app.add_api_route(path, _tab_route(dashboard, tab), response_model=None)
    app.add_api_route("/version", show_version, response_model=None)
    app.add_api_route(f"/{VALUES}", _values_route(dashboard), response_model=None)
    _add_hour_routes(app, dashboard)


def _values_route(dashboard: DashboardService) -> Callable[[Request], Response]:
    def suggest(request: Request) -> Response:
        """Answer with the names that the field for filters suggests, as JSON."""
        if not may_see_values(identity_of(request)):
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_PAGE)
        view = parse_view("overview", request.query_params.multi_items(), (JUST_SHARED, *FIELDS))
        with dashboard.page(view, identity_of(request)) as page:
            names = suggest_names(page, request.query_params)
        return JSONResponse(names, headers={"Cache-Control": "no-store"})

    return suggest


def _tab_route(dashboard: DashboardService, tab: Tab) -> Callable[[Request], Response]:
    def show_tab(request: Request) -> Response:
        require_tab(request, tab)
        view = parse_view(tab, request.query_params.multi_items(), (JUST_SHARED, *FIELDS))
        if FILTER in request.query_params:
            with dashboard.page(view, identity_of(request)) as page:
                return _found(add_filter(page, request.query_params).query)
        etag = _etag(dashboard, request)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        identity = identity_of(request)
        # A page with the address of a new share link must not be cached: the address grants access.
        if shown := request.query_params.get(JUST_SHARED):
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
        str(request.url),
        identity,
        dashboard.version(identity),
        now,
        dashboard.refresher.problem,
        dashboard.shares.version() if identity.can_share else "",
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


# Routes of single panels: their page with SQL, their CSV file, and the query to Athena.


def add_panel_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes to the application."""

    def view_of(name: str, request: Request) -> View:
        without_sales = not dashboard.settings.sales and name == SALES_LEDGER.name
        if name not in PANELS or without_sales:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no panel {name[:40]}.")
        require_tab(request, PANELS[name].tab)
        parameters = request.query_params.multi_items()
        return parse_view(PANELS[name].tab, parameters, (SEARCH, START))

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
        pairs = [(fold(page.ask, question), fold(ask, question).rows) for question in questions]
        comparison, parts = compare_answers(page, pairs)
        return HTMLResponse(dashboard.renderer.detail(page, panel, parts, comparison))


# Error pages for requests that can't be answered, each with one sentence.

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


# Routes of plans: of a holdout test of a campaign, and of locations for a new café.

NO_SALES = "Plans of locations need orders: add a source to [[sales]]."


def add_plan_routes(app: FastAPI, dashboard: DashboardService) -> None:
    """Add the routes. They need an account, because a plan takes up to seconds of CPU time."""

    def show_plan(request: Request, campaign: str = "", metric: str = "") -> HTMLResponse:
        from clickstream.dashboard.pages.marketing.holdout_plan import build_plan
        from clickstream.dashboard.pages.marketing.holdouts import HAS_SCIPY, NO_SCIPY

        require_tab(request, "marketing")
        if not HAS_SCIPY:
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SCIPY)
        with dashboard.page(View("marketing"), identity_of(request)) as page:
            html = dashboard.renderer.plan(build_plan(page, campaign, metric))
        return HTMLResponse(html)

    def show_report(request: Request) -> HTMLResponse:
        from clickstream.dashboard.pages.places.location_report import build_report

        require_tab(request, "places")
        if not dashboard.settings.sales:
            raise HTTPException(HTTPStatus.NOT_FOUND, NO_SALES)
        with dashboard.page(View("places"), identity_of(request)) as page:
            report = build_report(page, request.query_params)
            html = dashboard.renderer.location_report(report)
        return HTMLResponse(html)

    needed = [Depends(require_writer)]
    app.add_api_route("/holdouts", show_plan, response_model=None, dependencies=needed)
    app.add_api_route("/locations", show_report, response_model=None, dependencies=needed)


# Routes of style sheets, scripts, pictures and map shapes, which need no login.

MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
ONE_YEAR = 365 * 24 * 3600


def add_static_routes(app: FastAPI, icon: Icon) -> None:
    """Add the routes to the application; `/static/favicon.svg` is the site's icon."""

    def show_icon(request: Request) -> Response:
        return show_static(f"{icon}.svg", request)

    app.add_api_route("/static/favicon.svg", show_icon)
    app.add_api_route("/static/{name}", show_static)
    app.add_api_route("/static/map/{name}", show_shape)


def show_static(name: str, request: Request) -> Response:
    """Serve a style sheet, script or picture; browsers may cache it if its URL has the digest."""
    if name not in STATIC:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such file.")
    return _static_file(read_static(name), name, request, ASSETS_DIGEST)


def show_shape(name: str, request: Request) -> Response:
    """Serve the shapes of a map: world.svg, or the outline of a country such as GB.svg."""
    content = read_shape(name)
    if content is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such map.")
    return _static_file(content, name, request, shapes_digest())


def _static_file(content: bytes, name: str, request: Request, digest: str) -> Response:
    """Send a file; browsers may cache it if its URL has the digest."""
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    is_digested = request.url.query == digest
    cache_control = f"public, max-age={ONE_YEAR}, immutable" if is_digested else "no-cache"
    return compressed_response(
        request, compress_file(content), {"Cache-Control": cache_control}, media_type
    )


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
