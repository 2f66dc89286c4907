"""Routes that add and delete notes.

They need an identity that may write. Every route is a POST, so a page of the dashboard's own origin
must send it. Each response redirects to the view of the form.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from urllib.parse import parse_qsl

from fastapi import Depends, FastAPI, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse

from clickstream.core.errors import InputError
from clickstream.dashboard.access.forms import read_form
from clickstream.dashboard.access.identity import identity_of, require_writer
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.widgets.addresses import PATHS

MAX_FORM_BYTES = 65_536
"""Maximum size of a form, which has the query of its page with possibly many long filters."""

Clock = Callable[[], datetime]
Route = Callable[..., Awaitable[Response]]


def add_entry_routes(app: FastAPI, store: NoteStore, clock: Clock) -> None:
    """Add the routes to the application."""

    async def add_note(request: Request) -> Response:
        form = await SentForm.read(request)
        day, hour, text = (form.fields.get(name, "") for name in ("day", "hour", "text"))
        note = OwnNote.write(day, hour, text, identity_of(request).account, clock())
        await run_in_threadpool(store.notes.add, note, note.written_at)
        return form.redirect_to_view("./", fragment="#trend")

    async def delete(request: Request, entry_id: str) -> Response:
        form = await SentForm.read(request)
        await run_in_threadpool(store.notes.delete, entry_id, clock())
        return form.redirect_to_view("../../")

    actions: dict[str, Route] = {"/notes": add_note, "/notes/{entry_id}/delete": delete}
    for path, route in actions.items():
        app.add_api_route(
            path,
            route,
            methods=["POST"],
            response_model=None,
            dependencies=[Depends(require_writer)],
        )


@dataclass(frozen=True)
class SentForm:
    """The fields of a form, and the view of its page."""

    fields: Mapping[str, str]
    view: View

    @classmethod
    async def read(cls, request: Request) -> SentForm:
        """Read a request. Raises InputError if its view is malformed."""
        fields = await read_form(request, MAX_FORM_BYTES)
        tab = next((tab for tab in TABS if tab == fields.get("tab")), None)
        if tab is None:
            raise InputError("The form does not say which tab it is on. Open the page again.")
        query = fields.get("query", "").removeprefix("?")
        return cls(fields, parse_view(tab, parse_qsl(query, keep_blank_values=True)))

    def redirect_to_view(self, to_root: str, parameter: str = "", fragment: str = "") -> Response:
        """Redirect to the form's page. The address is built from the view, so it stays local."""
        query = self.view.query  # it begins with "?", also without parameters
        if parameter:
            query += parameter if query == "?" else f"&{parameter}"
        return RedirectResponse(
            to_root + PATHS[self.view.tab].removeprefix("./") + query + fragment,
            HTTPStatus.SEE_OTHER,
            headers={"Cache-Control": "no-store"},
        )
