"""Routes that list, make, withdraw and restore share links.

They need an account, and an address on which share links open; inside Airflow there is none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime
from http import HTTPStatus

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse

from clickstream.core.errors import InputError
from clickstream.dashboard.access.forms import read_form
from clickstream.dashboard.access.identity import identity_of, require_sharer
from clickstream.dashboard.access.shares import Share
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.web.entry_routes import SentForm
from clickstream.dashboard.web.service import DashboardService
from clickstream.dashboard.web.share_menu import JUST_SHARED, JUST_WITHDRAWN, ShownLinks

LIST = "shares"
_PAGE = "page."
"""Prefix of the checkboxes for pages in the form."""

Clock = Callable[[], datetime]
Route = Callable[..., Awaitable[Response]]


def add_share_routes(app: FastAPI, dashboard: DashboardService, clock: Clock) -> None:
    """Add the routes to the application."""
    shares = dashboard.shares

    def show_list(request: Request) -> Response:
        identity, parameters = identity_of(request), request.query_params
        ids = parameters.get(JUST_SHARED, ""), parameters.get(JUST_WITHDRAWN, "")
        with dashboard.page(View(), identity) as page:
            links = ShownLinks(shares, identity)
            html = dashboard.renderer.shares(page, links, clock(), *ids)
        # The page contains addresses of links, which grant access like keys.
        return HTMLResponse(html, headers={"Cache-Control": "no-store"})

    async def create_from_tab(request: Request) -> Response:
        form = await SentForm.read(request)
        tabs = [form.view.tab] if form.fields.get("pages") == "this" else [*TABS]
        share = await add(request, form.fields, tabs, form.view)
        return form.redirect_to_view("./", f"{JUST_SHARED}={share.id}")

    async def create_from_list(request: Request) -> Response:
        fields = await read_form(request)
        tabs = [name.removeprefix(_PAGE) for name in fields if name.startswith(_PAGE)]
        share = await add(request, fields, tabs, View())
        return _redirect(f"../{LIST}?{JUST_SHARED}={share.id}")

    async def add(
        request: Request, fields: Mapping[str, str], tabs: Collection[str], view: View
    ) -> Share:
        days = _parse_days(fields.get("days", ""))
        account = identity_of(request).account
        share = Share.create(fields.get("name", ""), days, tabs, view, account, clock())
        return await run_in_threadpool(shares.add, share)

    async def withdraw(share_id: str) -> Response:
        await run_in_threadpool(shares.withdraw, share_id)
        return _redirect(f"../../{LIST}?{JUST_WITHDRAWN}={share_id}")

    async def restore(share_id: str) -> Response:
        await run_in_threadpool(shares.restore, share_id)
        return _redirect(f"../../{LIST}?")

    actions: dict[str, Route] = {
        f"/{LIST}": create_from_tab,
        f"/{LIST}/new": create_from_list,
        f"/{LIST}/{{share_id}}/withdraw": withdraw,
        f"/{LIST}/{{share_id}}/restore": restore,
    }
    needed = [Depends(require_sharer)]
    app.add_api_route(f"/{LIST}", show_list, response_model=None, dependencies=needed)
    for path, route in actions.items():
        app.add_api_route(path, route, methods=["POST"], response_model=None, dependencies=needed)


def _parse_days(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise InputError(f"{text[:40]!r} is not a number of days; write one such as 30.")
    return int(text)


def _redirect(path: str) -> Response:
    return RedirectResponse(path, HTTPStatus.SEE_OTHER, headers={"Cache-Control": "no-store"})
