"""Share links over HTTP: what their readers see, on every route of the application."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from starlette.routing import Route
from tests.clickstream.dashboard.access.builders import NOW, OWN_PAGE, PAGE, Moment, browser
from tests.support.cases import each_case

from clickstream.core.errors import ClickstreamError
from clickstream.dashboard.access.shares import Share, Shares
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.pages.panels import PANELS

DAY = "from=2026-11-20&to=2026-11-20"
LINKED = ("overview", "machines")
"""Tabs of links: the one with the path of the root, and one without filters by visits."""


def link(shares: Shares, *tabs: str, view: View | None = None, name: str = "Bean & Co") -> str:
    """The path of a link that opens tabs."""
    view = view or View(tabs[0] if tabs else "overview")  # type: ignore[arg-type]
    return shares.path(shares.add(Share.create(name, 30, tabs or TABS, view, "ana", NOW)))


def test_a_link_leads_to_the_view_that_it_begins_with(reader, shares) -> None:
    path = link(shares, "overview", "marketing", view=View("marketing", "7d"))
    token = path.rpartition("/")[2]
    assert reader.get(path).headers["location"] == f"{token}/marketing?range=7d"
    assert reader.get(f"{path}/").status_code == 200
    path = link(shares)
    assert reader.get(path).headers["location"] == f"{path.rpartition('/')[2]}/"


def test_a_link_without_the_overview_leads_its_own_root_to_its_page(reader, shares) -> None:
    path = link(shares, "trust", view=View("trust", "7d"))
    assert reader.get(f"{path}/").headers["location"] == "trust?range=7d"
    assert reader.get(f"{path}/trust").status_code == 200


def test_every_route_opens_its_link_s_tabs_and_nothing_else(app, reader, shares) -> None:
    """The tab's page, its panels and their files; of all others nothing."""
    named = [route for route in app.routes if isinstance(route, Route)]
    for tab in LINKED:
        path = link(shares, tab)
        opened = set()
        for route in named:
            for panel in PANELS if "/panels/" in route.path else ("x",):
                asked = re.sub(r"\{.*?\}", panel, route.path)
                answer = reader.get(f"{path}{asked}?{DAY}")
                if answer.status_code == 200:
                    opened.add(asked)
        own = "/" if tab == "overview" else f"/{tab}"
        panels = {name for name in PANELS if PANELS[name].tab == tab}
        values = set() if tab in ("machines", "trust") else {"/values"}
        expected = {own, "/version", "/static/favicon.svg", *values}
        expected |= {f"/panels/{name}" for name in panels}
        expected |= {f"/panels/{name}.csv" for name in panels}
        assert opened == expected, tab


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_a_link_changes_nothing_on_any_route(app, reader, ana, shares, method) -> None:
    path = link(shares)
    before = {one.name: one.read_bytes() for one in app.state.directory.glob("*.json")}
    for route in app.routes:
        asked = path + re.sub(r"\{.*?\}", "trend", route.path)
        for client in (reader, ana):
            answer = client.request(method, asked, headers=OWN_PAGE, data={"tab": "overview"})
            assert answer.status_code == 403, asked
    assert before == {one.name: one.read_bytes() for one in app.state.directory.glob("*.json")}


def test_every_page_of_a_link_leads_to_its_own_pages_only(reader, shares) -> None:
    for tab in LINKED:
        path, reached = link(shares, tab), set()
        own = "/" if tab == "overview" else f"/{tab}"
        pages = [own, *(f"/panels/{name}" for name in PANELS if PANELS[name].tab == tab)]
        for page in pages:
            answer = reader.get(f"{path}{page}?{DAY}")
            assert answer.status_code == 200
            for href in re.findall(r'(?:href|src)="([^"]*)"', answer.text):
                target = answer.url.join(href.replace("&amp;", "&"))
                if target.host != "127.0.0.1":
                    continue
                assert target.path.startswith(f"{path}/"), (page, href)
                if target.path not in reached:
                    assert reader.get(str(target)).status_code in (200, 303), (page, href)
                reached.add(target.path)


def test_readers_of_a_link_see_no_notes_no_views_and_no_forms(reader, ana, shares) -> None:
    path = link(shares)
    assert "Secret rain" in ana.get(f"/?{DAY}").text
    for page in (f"/?{DAY}", "/trust", f"/panels/trend?{DAY}", "/version"):
        text = reader.get(path + page).text
        assert "Secret" not in text
        assert 'method="post"' not in text
        assert "Log out" not in text
        assert 'class="menu sharing"' not in text
    assert "Shared with Bean &amp; Co until Dec 20, 2026" in reader.get(f"{path}/").text
    version = reader.get(f"{path}/version").text
    assert f'data-version="{version}"' in reader.get(f"{path}/").text
    assert version != ana.get("/version").text


def test_who_is_logged_in_sees_on_a_link_what_it_shows(ana, shares) -> None:
    path = link(shares, "marketing")
    page = ana.get(f"{path}/marketing")
    assert "Shared with Bean" in page.text
    assert "Log out" not in page.text
    assert ana.get(f"{path}/trust").status_code == 404
    assert "set-cookie" not in page.headers


def test_names_of_links_are_text(reader, shares) -> None:
    path = link(shares, name="<script>alert(1)</script>")
    page = reader.get(f"{path}/").text
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_pages_of_a_link_are_kept_by_no_cache_no_robot_and_no_referrer(reader, shares) -> None:
    path = link(shares, "overview")
    for page, status in (("", 303), ("/", 200), ("/trust", 404), ("/panels/trend.csv", 200)):
        answer = reader.get(path + page)
        assert answer.status_code == status
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert answer.headers["cache-control"] == "private, no-store"
        assert "frame-ancestors" in answer.headers["content-security-policy"]
    assert "x-robots-tag" not in reader.get("/login").headers
    style = re.search(r'"(static/page\.css\?\w+)"', reader.get(f"{path}/").text)
    assert style
    assert "immutable" in reader.get(f"{path}/{style[1]}").headers["cache-control"]


@pytest.mark.parametrize("page", ["/", "/panels/trend", "/panels/trend.csv"])
def test_an_error_on_a_link_leads_back_to_its_pages(reader, shares, page) -> None:
    path = link(shares)
    answer = reader.get(f"{path}{page}?range=fortnight")
    assert answer.status_code == 400
    assert "range=fortnight is not known" in answer.text
    assert "CS-" not in answer.text  # the readers of a link have no runbook
    for href in re.findall(r'(?:href|src)="([^"#]+)"', answer.text):
        assert str(answer.url.join(href).path).startswith(f"{path}/")
        assert reader.get(str(answer.url.join(href))).status_code == 200


def test_the_log_of_an_error_has_no_token(app, reader, shares, monkeypatch, caplog) -> None:
    def fail(*_arguments: object) -> None:
        raise ClickstreamError("The bucket secret-bucket can't be read.")

    path = link(shares)
    monkeypatch.setattr(app.state.dashboard.renderer.__class__, "tab", fail)
    answer = reader.get(f"{path}/trust")
    assert answer.status_code == 503
    assert "secret-bucket" not in answer.text
    assert "/trust: The bucket secret-bucket" in caplog.text
    assert path.rpartition("/")[2] not in caplog.text


def test_a_page_s_etag_depends_on_who_asks(reader, ana, shares) -> None:
    first, second = link(shares), link(shares, name="Other")
    tags = [
        reader.get(f"{first}/").headers["etag"],
        reader.get(f"{second}/").headers["etag"],
        ana.get("/").headers["etag"],
    ]
    assert len({*tags}) == 3
    answer = reader.get(f"{second}/", headers={"If-None-Match": tags[0]})
    assert answer.status_code == 200
    assert reader.get(f"{first}/", headers={"If-None-Match": tags[0]}).status_code == 304


def test_an_ended_link_says_so_and_a_forged_one_tells_nothing(reader, shares) -> None:
    path = link(shares)
    forged = f"{path[:-1]}{'A' if path[-1] != 'A' else 'B'}"
    unknown = reader.get("/shared/nothing")
    for asked in (forged, f"{forged}/", f"{forged}/trust", "/shared/", "/shared//"):
        answer = reader.get(asked)
        assert (answer.status_code, answer.text) == (404, unknown.text)
    shares.withdraw(path.rpartition("/")[2][:16])
    for page in ("", "/", "/trust", "/nothing", "/panels/trend.csv"):
        answer = reader.get(path + page)
        assert answer.status_code == 410
        assert "This link has been withdrawn." in answer.text
    assert reader.get(forged).status_code == 404
    path = link(shares, name="Other")
    Moment.now = NOW + timedelta(days=31)
    assert reader.get(path).status_code == 410
    assert "This link has expired." in reader.get(path).text


def test_a_damaged_file_opens_no_link_and_tells_strangers_no_path(reader, app, shares) -> None:
    path = link(shares)
    (app.state.directory / "shares.json").write_text("{")
    answer = reader.get(f"{path}/")
    assert answer.status_code == 503
    assert str(app.state.directory) not in answer.text
    assert reader.get("/shared/forged").status_code == 404


@each_case(
    "trick",
    [
        *("/../", "/..%2f", "/%2e%2e/", "/./trust", "//", "//trust", "/trust/", "/trust//"),
        *("/%2ftrust", "/static/../trust", "/static/%2e%2e/trust", "/static/..%2ftrust"),
        *("/panels/../trust", "/panels/%2e%2e/trust", "/panels/..%2f..%2ftrust", "/trust%00"),
        *("/trust;x", "/TRUST", "/shares", "/login", "/login/once/x", "/logout", "/healthz"),
        *("/openapi.json", "/panels/", "/static/", "/shared/x", "/" + "x" * 5000),
    ],
)
def test_no_path_climbs_out_of_a_link(app, ana, shares, trick) -> None:
    """Also for a browser with a session, which opens these pages at their own address."""
    path = link(shares, "marketing")
    for client in (browser(app, headers=PAGE), ana):
        answer = client.get(f"http://127.0.0.1:8095{path}{trick}")
        assert answer.status_code in (404, 303), answer.text[:200]
        assert answer.headers.get("location", "marketing") in ("marketing", "marketing?")


def test_a_link_inside_a_link_opens_nothing(reader, shares) -> None:
    path = link(shares, "marketing")
    assert reader.get(f"{path}{path}/marketing").status_code == 404
