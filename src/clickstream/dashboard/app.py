"""The web application: a function from a URL and the facts' version to a page."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus
from zoneinfo import ZoneInfo

from fastapi import Depends, FastAPI, HTTPException, Request, Response, params
from fastapi.responses import HTMLResponse, PlainTextResponse, RedirectResponse, StreamingResponse
from starlette.exceptions import HTTPException as StarletteHttpException
from starlette.middleware.gzip import GZipMiddleware

from clickstream.dashboard.access import guard
from clickstream.dashboard.access.identity import (
    NOBODY,
    Identity,
    identity_of,
    require_tab,
    require_writer,
)
from clickstream.dashboard.access.login import Wording
from clickstream.dashboard.access.shares import Shares
from clickstream.dashboard.answers import Answer, Answers, Refresher
from clickstream.dashboard.coverage import period_of_hour
from clickstream.dashboard.details import compare_with_athena, csv_lines, detail_parts
from clickstream.dashboard.engines import (
    POLL_SECONDS,
    AthenaEngine,
    Engine,
    LocalEngine,
    ask_athena,
)
from clickstream.dashboard.entries.routes import add_entry_routes
from clickstream.dashboard.entries.store import NO_ENTRIES, EntryStore
from clickstream.dashboard.folding import fold
from clickstream.dashboard.formats import Formats
from clickstream.dashboard.maps import read_shape, shapes_digest
from clickstream.dashboard.page import Page, version_of
from clickstream.dashboard.panels import PANELS
from clickstream.dashboard.questions import Question
from clickstream.dashboard.rendering import ASSETS_DIGEST, STATIC, Renderer, read_static
from clickstream.dashboard.share_menu import SHOWN, ShownLinks
from clickstream.dashboard.share_routes import add_share_routes
from clickstream.dashboard.surroundings import surroundings_of
from clickstream.dashboard.texts import load_translations, mark, parse_locale
from clickstream.dashboard.view import TABS, Tab, View, parse_hour, parse_view
from clickstream.errors import ClickstreamError, InputError
from clickstream.lake import Lake, aws_errors, shared_session
from clickstream.settings import Settings

log = logging.getLogger("clickstream")

MEDIA_TYPES = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
ONE_YEAR = 365 * 24 * 3600
UNAVAILABLE = mark("The figures can't be read at the moment. Try again later.")
"""What the reader of a share link is told; the reason may name buckets and is in the log."""

Clock = Callable[[], datetime]


def _clock() -> datetime:
    return datetime.now(UTC)


class Dashboard:
    """What the routes share: settings, engine, answers and renderer."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock = _clock,
        lake: Lake | None = None,
        engine: Engine | None = None,
    ) -> None:
        locale = parse_locale(settings.dashboard.language)
        self.settings = settings
        self.clock = clock
        self.lake = lake or Lake(settings, shared_session())
        self.engine = engine or _engine(self.lake)
        self.answers = Answers(self.engine)
        self.refresher = Refresher(self.engine, POLL_SECONDS, self.warm_up)
        self.formats = Formats(locale, load_translations(locale))
        self.renderer = Renderer.create(self.formats, settings.site.title or settings.site.name)
        self.asking_athena = threading.Lock()
        directory = settings.resolve(settings.dashboard.directory)
        self.entries = EntryStore(directory)
        self.shares = Shares(directory, clock)

    @contextlib.contextmanager
    def page(
        self,
        view: View,
        identity: Identity = NOBODY,
        parameters: Mapping[str, str] | None = None,
    ) -> Iterator[Page]:
        """A page in the making; `parameters` are those of its URL, the view's own or others."""
        with self.engine.reader() as reader:
            state = reader.state
            zone = ZoneInfo(state.time_zone or self.settings.site.time_zone)
            now = self.clock().astimezone(zone).replace(tzinfo=None)
            ask = self.answers.asker(reader)
            problem = self.refresher.problem
            entries = self.entries.read(parameters) if identity.sees_entries else NO_ENTRIES
            yield Page(
                *(view, ask, self.formats, now, self.settings, zone, state, problem, entries),
                identity=identity,
            )

    def render_tab(
        self,
        view: View,
        identity: Identity = NOBODY,
        parameters: Mapping[str, str] | None = None,
    ) -> str:
        """The HTML of a tab."""
        with self.page(view, identity, parameters) as page:
            shown = (parameters or {}).get(SHOWN, "") if identity.can_share else ""
            made = ShownLinks(self.shares, identity).link(shown) if shown else None
            return self.renderer.tab(page, made)

    def version(self, identity: Identity) -> str:
        """The version of what somebody's pages show."""
        with self.engine.reader() as reader:
            entries = self.entries.version() if identity.sees_entries else NO_ENTRIES.version
            return version_of(reader.state, entries)

    def start(self) -> None:
        """Refresh the facts in the background from now on."""
        self.refresher.start()

    def stop(self) -> None:
        """End the refreshing, and close what answers."""
        self.refresher.stop()
        self.engine.close()

    def warm_up(self) -> None:
        """Ask what the default views ask, so that the first reader does not wait."""
        for tab in TABS:
            self.render_tab(View(tab=tab))


def _engine(lake: Lake) -> Engine:
    chosen = lake.settings.dashboard
    if chosen.engine == "athena":
        return AthenaEngine(lake)
    return LocalEngine(lake, lake.settings.resolve(chosen.directory))


Protect = Callable[[FastAPI, "Dashboard"], None]
"""Puts a guard around the application."""


def build_app(
    settings: Settings,
    clock: Clock = _clock,
    *,
    lake: Lake | None = None,
    engine: Engine | None = None,
    dependencies: Sequence[params.Depends] = (),
    protect: Protect | None = None,
) -> FastAPI:
    """Build the application; it refreshes its facts in the background while it runs.

    `engine` answers in place of the one that the settings name, with a copy elsewhere.
    `dependencies` run before every route; `protect` puts a guard around the application, by default
    the dashboard's own login. Mounted in another application it gets no lifespan events, so the
    other one starts and stops `app.state.dashboard` itself.
    """
    dashboard = Dashboard(settings, clock, lake, engine)

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
    for tab in TABS:
        path = "/" if tab == "overview" else f"/{tab}"
        app.add_api_route(path, _tab_route(dashboard, tab), response_model=None)
    _add_panel_routes(app, dashboard)
    _add_hour_routes(app, dashboard)
    add_entry_routes(app, dashboard.entries, clock)
    add_share_routes(app, dashboard.shares, dashboard.renderer, clock)
    app.add_api_route("/static/{name}", show_static)
    app.add_api_route("/static/map/{name}", show_shape)
    app.add_api_route("/healthz", lambda: PlainTextResponse("ok"))
    app.add_api_route("/version", _version_route(dashboard), response_model=None)
    app.add_middleware(GZipMiddleware, minimum_size=500, compresslevel=5)
    _add_error_pages(app, dashboard)
    (protect or _protect_by_login)(app, dashboard)
    return app


def _protect_by_login(app: FastAPI, dashboard: Dashboard) -> None:
    """Let nobody in without a login, except to static files and to /healthz."""
    chosen = dashboard.settings.dashboard
    wording = Wording(
        dashboard.formats.translations.gettext,
        str(dashboard.formats.locale).replace("_", "-"),
        dashboard.renderer.site,
    )
    directory = dashboard.settings.resolve(chosen.directory)
    guard.install(app, directory, surroundings_of(chosen), wording, dashboard.shares)


def _version_route(dashboard: Dashboard) -> Callable[[Request], Response]:
    def show_version(request: Request) -> Response:
        return PlainTextResponse(dashboard.version(identity_of(request)))

    return show_version


def _tab_route(dashboard: Dashboard, tab: Tab) -> Callable[[Request], Response]:
    def show_tab(request: Request) -> Response:
        require_tab(request, tab)
        view = parse_view(tab, request.query_params.multi_items())
        etag = _etag(dashboard, request)
        if request.headers.get("if-none-match") == etag:
            return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": etag})
        html = dashboard.render_tab(view, identity_of(request), request.query_params)
        # A page that shows the address of a share link has a key: no cache keeps it.
        kept = {"Cache-Control": "no-store"} if SHOWN in request.query_params else {}
        return HTMLResponse(html, headers={"ETag": etag, **kept})

    return show_tab


def _etag(dashboard: Dashboard, request: Request) -> str:
    """A page depends on its URL, who asks, facts, notes, the hour, and why facts are old."""
    now = dashboard.clock().strftime("%Y-%m-%dT%H")
    identity = identity_of(request)
    parts = (
        *(str(request.url), identity, dashboard.version(identity), now),
        *(dashboard.refresher.problem, dashboard.shares.version() if identity.can_share else ""),
    )
    return f'W/"{hashlib.blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'


def _add_panel_routes(app: FastAPI, dashboard: Dashboard) -> None:
    def view_of(name: str, request: Request) -> View:
        if name not in PANELS:
            raise HTTPException(HTTPStatus.NOT_FOUND, f"There is no panel {name[:40]}.")
        require_tab(request, PANELS[name].tab)
        return parse_view(PANELS[name].tab, request.query_params.multi_items())

    def show_csv(name: str, request: Request) -> Response:
        view = view_of(name, request)
        with dashboard.page(view, identity_of(request)) as page:
            lines = list(csv_lines(page, name))
            file_name = f"{name}-{page.period.first}-{page.period.last}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{file_name}"'}
        return StreamingResponse(iter(lines), media_type="text/csv", headers=headers)

    def show_panel(name: str, request: Request) -> HTMLResponse:
        with dashboard.page(view_of(name, request), identity_of(request)) as page:
            parts = detail_parts(page, PANELS[name])
            return HTMLResponse(dashboard.renderer.detail(page, PANELS[name], parts, None))

    def ask(name: str, request: Request) -> HTMLResponse:
        view = view_of(name, request)
        if not dashboard.asking_athena.acquire(blocking=False):
            raise HTTPException(
                HTTPStatus.TOO_MANY_REQUESTS,
                "Athena is answering another panel's question. Try again in a minute.",
            )
        try:
            return _show_both(dashboard, view, identity_of(request), name)
        finally:
            dashboard.asking_athena.release()

    app.add_api_route("/panels/{name}.csv", show_csv, response_model=None)
    app.add_api_route("/panels/{name}", show_panel, response_model=None)
    app.add_api_route(
        "/panels/{name}",
        ask,
        methods=["POST"],
        response_model=None,
        dependencies=[Depends(require_writer)],
    )


def _add_hour_routes(app: FastAPI, dashboard: Dashboard) -> None:
    """Addresses of UTC hours, for links from elsewhere: they lead to the Trust tab."""

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


def _show_both(dashboard: Dashboard, view: View, identity: Identity, name: str) -> HTMLResponse:
    """Run a panel's SQL on Athena, and show the answer beside ours."""
    panel = PANELS[name]

    def ask(question: Question) -> Answer:
        return Answer(question, ask_athena(dashboard.lake, question))

    with dashboard.page(view, identity) as page, aws_errors.translate_errors():
        questions = panel.questions_on(page)
        pairs = [(fold(page.ask, one), fold(ask, one).rows) for one in questions]
        comparison, parts = compare_with_athena(page, pairs)
        return HTMLResponse(dashboard.renderer.detail(page, panel, parts, comparison))


def show_static(name: str, request: Request) -> Response:
    """A style sheet, script or picture; browsers may keep it if its URL has the digest of all."""
    if name not in STATIC:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such file.")
    return _static_file(read_static(name), name, request.url.query == ASSETS_DIGEST)


def show_shape(name: str, request: Request) -> Response:
    """Shapes of a map: world.svg, or the outline of a country such as GB.svg."""
    content = read_shape(name)
    if content is None:
        raise HTTPException(HTTPStatus.NOT_FOUND, "There is no such map.")
    return _static_file(content, name, request.url.query == shapes_digest())


def _static_file(content: bytes, name: str, is_digested: bool) -> Response:
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    kept = f"public, max-age={ONE_YEAR}, immutable" if is_digested else "no-cache"
    return Response(content, media_type=media_type, headers={"Cache-Control": kept})


def _add_error_pages(app: FastAPI, dashboard: Dashboard) -> None:
    def refuse(request: Request, status: int, sentence: str) -> HTMLResponse:
        base = "../" * (_path(request).count("/") - 1)
        html = dashboard.renderer.refusal(HTTPStatus(status).phrase, sentence, base)
        return HTMLResponse(html, status_code=status)

    def show_input_error(request: Request, error: Exception) -> Response:
        return refuse(request, HTTPStatus.BAD_REQUEST, str(error))

    def show_our_error(request: Request, error: Exception) -> Response:
        # Without the token of a share link, which is a key.
        log.warning(f"{_path(request)}: {error}")
        is_shared = identity_of(request).shared is not None
        text = dashboard.formats.text(UNAVAILABLE) if is_shared else str(error)
        return refuse(request, HTTPStatus.SERVICE_UNAVAILABLE, text)

    def show_http_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, StarletteHttpException)  # noqa: S101  the handler is registered for it
        return refuse(request, error.status_code, str(error.detail))

    app.add_exception_handler(InputError, show_input_error)
    app.add_exception_handler(ClickstreamError, show_our_error)
    app.add_exception_handler(StarletteHttpException, show_http_error)


def _path(request: Request) -> str:
    """The path below the application's own address, or below that of a share link."""
    return request.url.path.removeprefix(request.scope.get("root_path", ""))
