"""A small dashboard behind the real login, and browsers that look at it."""

from __future__ import annotations

import functools
import hashlib
import json
import tempfile
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request, WebSocket
from fastapi.responses import HTMLResponse, PlainTextResponse, Response
from fastapi.staticfiles import StaticFiles
from starlette.testclient import TestClient

from clickstream.dashboard.access.accounts import Accounts, PasswordHash
from clickstream.dashboard.access.guard import Surroundings, install
from clickstream.dashboard.access.login import Wording
from clickstream.dashboard.access.sessions import SessionCookies
from clickstream.dashboard.access.shares import Shares

ORIGIN = "http://127.0.0.1:8095"
PASSWORD = "four words are long"
PAGE = {"Accept": "text/html,*/*"}
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", **PAGE}


def build_app(
    directory: Path,
    around: Surroundings | None = None,
    wording: Wording | None = None,
    shares: Shares | None = None,
) -> FastAPI:
    """An application with a page, an action, a crash and a health check."""
    app = FastAPI(openapi_url=None)
    install(app, directory, around or Surroundings(), wording, shares)
    app.mount("/static", StaticFiles(directory=str(files("clickstream.dashboard") / "static")))
    for path, endpoint, method in (
        ("/", show_name, "GET"),
        ("/crash", crash, "GET"),
        ("/stored", show_stored, "GET"),
        ("/healthz", show_health, "GET"),
        ("/metrics", show_health, "GET"),
        ("/ask", show_name, "POST"),
    ):
        app.add_api_route(path, endpoint, methods=[method], response_model=None)
    app.add_api_websocket_route("/live", accept)
    return app


async def show_name(request: Request) -> Response:
    return HTMLResponse(f"<p>{request.state.identity.account}")


async def show_stored() -> Response:
    return PlainTextResponse("stored", headers={"Cache-Control": "private, max-age=60"})


async def show_health() -> Response:
    return PlainTextResponse("ok")


async def crash() -> Response:
    raise RuntimeError("a bug")


async def accept(websocket: WebSocket) -> None:
    await websocket.accept()


def browser(app: FastAPI, client: str = "127.0.0.1", **options: Any) -> TestClient:
    """A browser with its own cookies at an address, which shows redirects instead of following."""
    options = {"base_url": ORIGIN, "client": (client, 50_000), **options}
    return TestClient(app, follow_redirects=False, raise_server_exceptions=False, **options)


def log_in(visitor: TestClient, name: str = "ana", password: str = PASSWORD, **more: str) -> Any:
    """Send the login form, as the login page does."""
    form = {"name": name, "password": password, **more}
    return visitor.post("/login", data=form, headers=OWN_PAGE)


def logged_in(app: FastAPI, directory: Path, name: str = "ana") -> TestClient:
    """A browser that logged in earlier."""
    accounts = Accounts(directory)
    account = accounts.get(name)
    assert account is not None
    sessions = SessionCookies(directory, accounts)
    return browser(app, cookies={sessions.cookie_name: sessions.start(account)})


WEAK = 2**4
"""The cost of scrypt in tests; a hash of full strength takes 0.1 s of CPU time."""


def hash_weakly(text: bytes, *, salt: bytes, n: int, **cost: int) -> bytes:
    """Stand for `hashlib.scrypt` at a low cost."""
    return SCRYPT(text, salt=salt, n=min(n, WEAK), **cost)


SCRYPT = hashlib.scrypt


@functools.cache
def _file_with_account() -> str:
    """A file of accounts, created once, whose password is hashed at a low cost."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "accounts.json"
        Accounts(path.parent).add("ana", None)
        digest = SCRYPT(PASSWORD.encode(), salt=b"salt", n=WEAK, r=8, p=1)
        stored = json.loads(path.read_text())
        stored["accounts"][0]["password"] = PasswordHash(b"salt", digest, n=WEAK).as_json()
        return json.dumps(stored)


def with_account(directory: Path) -> Accounts:
    """Accounts, one of which has the password."""
    (directory / "accounts.json").write_text(_file_with_account())
    return Accounts(directory)


class Clock:
    """A clock that moves when told to."""

    def __init__(self, now: float = 1_795_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
"""When the application of the share links' tests begins."""


class Moment:
    """The clock of the application."""

    now = NOW
