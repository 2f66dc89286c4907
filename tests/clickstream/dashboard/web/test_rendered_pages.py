"""A kept page equals the page rendered again, for every reader and after every change."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fastapi import FastAPI, Request
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from tests.clickstream.dashboard.builders import FactStore, Visit, fact_tables, hours_between
from tests.support.examples import examples

from clickstream.dashboard.access.identity import Identity, SharedWith
from clickstream.dashboard.ask.engines import Reader
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.rendered_pages import RenderedPages, compress
from clickstream.dashboard.web.service import DashboardService
from clickstream.settings import DashboardSettings, Settings

DAY = datetime(2026, 11, 20, tzinfo=UTC)
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}
READERS = {
    "ana": Identity("ana", can_log_out=True, shares_at="http://localhost"),
    "ben": Identity("ben", can_log_out=True, shares_at="http://localhost"),
    "proxy": Identity("cy"),
    "guest": Identity("", is_read_only=True),
    "eve": Identity(
        *("", True, False, ("overview", "trust"), False, ""), shared=SharedWith("Eve", DAY)
    ),
}
PATHS = ("/", "/?range=7d", "/?channel=Email", "/trust", "/orders?range=7d")


class StoreEngine:
    """An engine on a copy of fact files in memory."""

    poll_seconds = 15.0
    name = "local"

    def __init__(self, store: FactStore) -> None:
        self.store = store

    def reader(self) -> AbstractContextManager[Reader]:
        return self.store.copy.snapshot()

    def refresh(self) -> bool:
        return self.store.copy.update(self.store.manifest)

    def close(self) -> None:
        pass


def facts_of(visits: int) -> Any:
    start = DAY.replace(tzinfo=None)
    rows = [Visit(start, number, channel="Email") for number in range(visits)]
    return fact_tables(rows, hours_between(start, start + timedelta(hours=9)))


class Site:
    """The application; the header X-Reader names the reader, instead of a login."""

    def __init__(self, directory: str) -> None:
        self.store = FactStore(facts_of(13))
        self.now = DAY.replace(hour=9, minute=5)
        settings = Settings(dashboard=DashboardSettings(directory=directory))
        app = build_app(
            settings, lambda: self.now, engine=StoreEngine(self.store), protect=name_readers
        )
        self.dashboard: DashboardService = app.state.dashboard
        self.client = TestClient(app, follow_redirects=False)

    def open(self, reader: str, path: str, **headers: str) -> Any:
        return self.client.get(path, headers={"X-Reader": reader, **headers})

    def change(self, what: str) -> None:
        if what == "hour":
            self.now += timedelta(hours=1)
        elif what == "facts":
            self.store.put(facts_of(14 + self.store.manifest.version))
            self.dashboard.refresher.look()
        elif what == "problem":
            self.dashboard.refresher.problem = "S3 is away."
        else:
            form = {"day": "2026-11-20", "hour": "", "text": what, "tab": "overview", "query": ""}
            headers = {"X-Reader": "ana", **OWN_PAGE}
            assert self.client.post("/notes", data=form, headers=headers).status_code == 303


def name_readers(app: FastAPI, _dashboard: DashboardService) -> None:
    @app.middleware("http")
    async def identify(request: Request, call_next: Callable[[Request], Any]) -> Any:
        request.state.identity = READERS[request.headers["x-reader"]]
        return await call_next(request)


def steps() -> Iterator[st.SearchStrategy[tuple[str, str]]]:
    yield st.tuples(st.sampled_from([*READERS]), st.sampled_from(PATHS))
    yield st.tuples(st.just(""), st.sampled_from(["hour", "facts", "Rain", "Snow", "problem"]))


@given(st.lists(st.one_of(*steps()), min_size=8, max_size=14))
@example([("ana", "/"), ("", "facts"), ("ana", "/")])
@examples(times=0.5)
def test_a_kept_page_equals_the_page_rendered_anew(actions) -> None:
    with TemporaryDirectory() as directory:
        site = Site(directory)
        for reader, what in actions:
            if not reader:
                site.change(what)
                continue
            kept = site.open(reader, what)
            pages, site.dashboard.pages = site.dashboard.pages, RenderedPages(0)
            anew = site.open(reader, what)
            site.dashboard.pages = pages
            assert (kept.status_code, kept.text) == (anew.status_code, anew.text)
            assert kept.headers.get("etag") == anew.headers.get("etag")


def test_readers_with_equal_rights_share_a_page(tmp_path: Path) -> None:
    site = Site(str(tmp_path))
    tags = {name: site.open(name, "/").headers["etag"] for name in READERS}
    assert tags["ana"] == tags["ben"]
    assert len(set(tags.values())) == len(READERS) - 1
    assert all(site.dashboard.pages.find(tag) for tag in tags.values())


def test_a_browser_without_gzip_gets_the_same_page(tmp_path: Path) -> None:
    site = Site(str(tmp_path))
    plain = site.open("ana", "/", **{"Accept-Encoding": "identity"})
    packed = site.open("ana", "/", **{"Accept-Encoding": "gzip"})
    assert (plain.text, plain.headers["etag"]) == (packed.text, packed.headers["etag"])
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"


def test_a_page_with_a_share_link_is_not_kept(tmp_path: Path) -> None:
    site = Site(str(tmp_path))
    tag = site.open("ana", "/?shared=0123456789abcdef").headers["etag"]
    assert site.dashboard.pages.find(tag) is None


def test_the_oldest_pages_are_dropped_at_the_limit() -> None:
    page = compress("<p>" + "a" * 1000)
    pages = RenderedPages(3 * len(page))
    for number in range(4):
        pages.keep(str(number), page)
    pages.keep("large", page * 4)
    assert [tag for tag in ("0", "1", "2", "3", "large") if pages.find(tag)] == ["1", "2", "3"]
