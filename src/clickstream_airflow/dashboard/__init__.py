"""The owner's dashboard inside Airflow. The API server serves it, and the navigation links to it.

Every process of Airflow loads the plugin, so importing this package imports no web framework.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from clickstream_airflow.addresses import DASHBOARD_PREFIX, VIEW_ROUTE, airflow_path

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Scope]]
Send = Callable[[Scope], Awaitable[None]]
Asgi = Callable[[Scope, Receive, Send], Awaitable[None]]

UNGUARDED = (
    "The dashboard is not available here: this version of Airflow lacks the login check that it "
    "needs. Use the separate dashboard, which `clickstream dashboard` starts.\n"
)
PACKAGES_MISSING = (
    "The dashboard's packages are not installed beside Airflow ({name} is missing). Install "
    "clickstream[dashboard] there, then restart the API server."
)
FAILED = "The dashboard could not be started ({kind}); the API server's log has the reason."

log = logging.getLogger("clickstream")


class DashboardApp:
    """ASGI application that is built at its first request.

    If Airflow's login check can't be imported, every request is refused. If the dashboard can't be
    built, users who are logged in get a page with the reason, and the next request tries again.
    """

    def __init__(self) -> None:
        self._app: Asgi | None = None
        self._lock = threading.Lock()
        self._building: asyncio.Future[Asgi] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] == "http":
            app = self._app
            if app is None:
                app = await self._built()
            await app(scope, receive, send)
        elif scope["type"] == "websocket":  # the dashboard has none
            await send({"type": "websocket.close", "code": 1008})

    async def _built(self) -> Asgi:
        """Build the application in a thread, because the build first looks for facts.

        Other requests wait for the build without blocking a thread: the API server has few threads
        and needs them for its own requests.
        """
        waited = self._building
        if waited is None or waited.done() or waited.get_loop() is not asyncio.get_running_loop():
            waited = self._building = asyncio.ensure_future(asyncio.to_thread(self._build))
        return await asyncio.shield(waited)  # a cancelled request does not cancel the build

    def _build(self) -> Asgi:
        with self._lock:
            if self._app is not None:
                return self._app
            try:
                from clickstream_airflow.dashboard import login
            except Exception:
                log.exception("The dashboard is not available: Airflow's login can't be checked.")
                return refuse
            try:
                from clickstream_airflow.dashboard.app import build_dashboard

                self._app = build_dashboard()
            except Exception as error:
                return login.refusing_app(_reason(error))
            return self._app


def _reason(error: Exception) -> str:
    """Return why the dashboard could not be built. An unexpected error is logged as well."""
    from clickstream.core.errors import ClickstreamError, MissingPackage, with_code

    if isinstance(error, ClickstreamError):
        return error.printed
    log.exception("The dashboard could not be started.")
    if isinstance(error, ImportError):
        return MissingPackage(PACKAGES_MISSING.format(name=error.name or "one")).printed
    return with_code(FAILED.format(kind=type(error).__name__), ClickstreamError.code)


def nav_entry() -> dict[str, Any]:
    """Return the dashboard's entry in Airflow's navigation, as plugins declare it."""
    return {
        "name": "Dashboard",
        "href": f"{airflow_path()}{DASHBOARD_PREFIX}/",
        "destination": "nav",
        "nav_top_level": True,
        "url_route": VIEW_ROUTE,
        "icon": _icon("nav_icon.svg"),
        "icon_dark_mode": _icon("nav_icon_dark.svg"),
    }


def _icon(name: str) -> str:
    """Return an icon as a data URL, which the UI uses as an image."""
    svg = (Path(__file__).parent / name).read_text(encoding="utf-8")
    return f"data:image/svg+xml,{quote(svg.strip())}"


async def refuse(_scope: Scope, _receive: Receive, send: Send) -> None:
    """Refuse a request, because its login can't be checked."""
    headers = [(b"content-type", b"text/plain; charset=utf-8"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 503, "headers": headers})
    await send({"type": "http.response.body", "body": UNGUARDED.encode()})
