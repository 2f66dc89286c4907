"""The application over HTTP: logins, ETags, errors, CSV, SQL, and Athena's answers beside ours."""

from __future__ import annotations

import csv
import html
import io
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi import Depends, Request
from starlette.testclient import TestClient
from tests.support.cases import each_case
from tests.support.lakes import aws_session, built, settings_of_a_lake
from tests.support.sales_files import pull_sales, with_sales, write_sales
from tests.support.tiers import first_in_make_test

from clickstream import settings
from clickstream.alerts.incidents import Incidents, Mute, Rule
from clickstream.alerts.store import LakeStore
from clickstream.core.errors import AwsUnavailable
from clickstream.core.hours import Hour
from clickstream.dashboard.access.guard import install_embedded
from clickstream.dashboard.access.identity import Identity, SharedWith
from clickstream.dashboard.access.link import login_link
from clickstream.dashboard.ask.engines import AthenaEngine
from clickstream.dashboard.ask.view import TABS
from clickstream.dashboard.ask.view_urls import parse_view
from clickstream.dashboard.charts.maps import shapes_digest
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.visits.sample import SAMPLE_VISITS
from clickstream.dashboard.web.app import build_app
from clickstream.dashboard.web.service import DashboardService
from clickstream.demo.cafe import CafeRules, write_history
from clickstream.lake import athena, objects, open_lake
from clickstream.pipeline.publish.facts import refresh_facts

FIRST = Hour.parse("2026-11-20T09")
LAST = FIRST.plus(2)
NOW = datetime(2026, 11, 20, 12, 30, tzinfo=UTC)
BASE = "http://127.0.0.1"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
DAY = "from=2026-11-20&to=2026-11-20"


@pytest.fixture(scope="module")
def chosen(local_aws: Any, tmp_path_factory: pytest.TempPathFactory) -> settings.Settings:
    """Settings of a lake with three hours of a quiet café, and some orders."""
    directory = tmp_path_factory.mktemp("app")
    rules = CafeRules(seed=3, visitors_per_hour=30, bots_per_hour=4)
    write_history(directory / "logs", FIRST, LAST, rules)
    own = {
        "site": settings.SiteSettings(name="cafe", title="Café <Test>", domains=rules.domains),
        "dashboard": settings.DashboardSettings(directory=str(directory / "dashboard")),
        "directory": Path(__file__).parents[4],
    }
    of_lake = settings_of_a_lake(local_aws.endpoint, directory / "logs").model_copy(update=own)
    of_lake = with_sales(of_lake, directory, ("web",))
    write_sales(directory / "web", [NOW.date()], orders=3)
    lake = built(of_lake, FIRST, LAST)
    pull_sales(lake, NOW)
    refresh_facts(lake)
    return of_lake


@pytest.fixture(scope="module")
def client(chosen: settings.Settings, monkeypatch_module: Any) -> Iterator[TestClient]:
    """A browser that is logged in."""
    app = build_app(chosen, clock=lambda: NOW)
    dashboard: DashboardService = app.state.dashboard
    dashboard.refresher.look()
    with TestClient(app, base_url=BASE) as browser:
        directory = chosen.resolve(chosen.dashboard.directory)
        link = login_link(directory, BASE)
        assert browser.get(link).status_code == 200
        yield browser


@pytest.fixture(scope="module")
def monkeypatch_module(local_aws: Any) -> Iterator[None]:
    """Credentials in the environment, where the dashboard's process has them."""
    from tests.support.localaws_process import CREDENTIALS

    with pytest.MonkeyPatch.context() as patch:
        for name, value in CREDENTIALS.items():
            patch.setenv(name, value)
        yield


def test_pages_need_a_login(client) -> None:
    stranger = TestClient(client.app, base_url=BASE, follow_redirects=False)
    accepted = {"Accept": "text/html"}
    for path in ("/", "/trust", "/panels/totals", "/panels/totals.csv", "/version", "/visits"):
        assert stranger.get(path, headers=accepted).status_code in (302, 303, 307, 401)
    assert stranger.get("/healthz").text == "ok"


def test_metrics_are_open_to_this_machine_only(client) -> None:
    app = client.app
    answer = TestClient(app, base_url=BASE, client=("127.0.0.1", 1)).get("/metrics")
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert 'clickstream_hours_behind{site="cafe"} 0.5\n' in answer.text
    assert "clickstream_run_seconds" not in answer.text  # no run has reported yet
    assert TestClient(app, base_url=BASE).get("/metrics").status_code == 401


def test_a_plan_offers_campaigns_and_says_what_it_needs(client) -> None:
    assert "Choose" in client.get("/holdouts").text
    answer = client.get("/holdouts?campaign=no-such&metric=visits")
    assert "No plan: " in answer.text
    assert "complete dates" in answer.text


def test_a_page_of_locations_without_a_plan_says_how_to_get_one(client) -> None:
    answer = client.get("/locations?candidate=no-such&rent=x")
    assert answer.status_code == 200
    assert "clickstream locations candidates" in answer.text


@pytest.mark.parametrize("path", ["/", "/trust"])
def test_tabs_are_pages_with_a_title_that_is_escaped(client, path) -> None:
    answer = client.get(f"{path}?{DAY}")
    assert answer.status_code == 200
    assert "Café &lt;Test&gt;</title>" in answer.text
    assert "Complete to 12:00" in answer.text


def test_a_page_that_did_not_change_is_not_sent_again(client) -> None:
    first = client.get(f"/?{DAY}")
    again = client.get(f"/?{DAY}", headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    other = client.get(f"/?{DAY}&channel=Email", headers={"If-None-Match": first.headers["etag"]})
    assert other.status_code == 200


def test_static_files_stay_for_a_year_under_the_url_of_a_page(client) -> None:
    path = re.search(r"static/page\.css\?\w+", client.get("/").text)
    assert path
    kept = client.get(f"/{path[0]}")
    assert "immutable" in kept.headers["cache-control"]
    assert client.get("/static/page.css").headers["cache-control"] == "no-cache"
    assert client.get("/static/../app.py").status_code == 404


def test_maps_stay_for_a_year_under_the_url_of_a_page(client) -> None:
    answer = client.get(f"/static/map/world.svg?{shapes_digest()}")
    assert (answer.headers["content-type"], answer.status_code) == ("image/svg+xml", 200)
    assert "immutable" in answer.headers["cache-control"]
    for query in ("", "?older"):
        assert client.get(f"/static/map/GB.svg{query}").headers["cache-control"] == "no-cache"
    for name in ("QQ.svg", "index.json", "gb.svg", "..%2fpage.css", "%2e%2e/page.css"):
        assert client.get(f"/static/map/{name}").status_code == 404, name


@pytest.mark.parametrize(
    ("path", "status", "sentence"),
    [
        ("/?range=fortnight", 400, "range=fortnight is not known"),
        ("/?range=fortnight", 400, " (CS-102)</p>"),
        ("/panels/nothing", 404, "There is no panel nothing."),
        ("/nowhere", 404, "Not Found"),
    ],
)
def test_errors_are_pages_that_say_what_is_wrong(client, path, status, sentence) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert sentence in answer.text
    assert "To the Overview" in answer.text


def test_a_page_and_what_it_loads_are_small(client) -> None:
    sent = sum(
        int(client.get(path).headers["content-length"])
        for path in ("/?range=28d", "/static/page.css", "/static/page.js")
    )
    # The key figures of a shop, the sentence about today and the target are 0.5 kB of it.
    assert sent <= 21_000


@each_case("name", PANELS)
def test_every_panel_has_a_page_and_a_file(client, name) -> None:
    page = client.get(f"/panels/{name}?{DAY}")
    assert page.status_code == 200
    assert "select" in page.text
    file = client.get(f"/panels/{name}.csv?{DAY}")
    assert file.headers["content-type"] == "text/csv; charset=utf-8"
    assert f'filename="{name}-2026-11-20-2026-11-20.csv"' in file.headers["content-disposition"]


def test_a_lake_without_sales_has_no_panel_of_sales(chosen, monkeypatch_module) -> None:
    app = build_app(chosen.model_copy(update={"sales": ()}), clock=lambda: NOW)
    with TestClient(app, base_url=BASE) as browser:
        directory = chosen.resolve(chosen.dashboard.directory)
        assert browser.get(login_link(directory, BASE)).status_code == 200
        assert browser.get(f"/panels/sales?{DAY}").status_code == 404


@pytest.mark.parametrize("name", first_in_make_test(PANELS, 1))
def test_every_panel_can_be_compared_with_athena(client, name) -> None:
    asked = client.post(f"/panels/{name}?{DAY}", headers=SAME_ORIGIN)
    assert asked.status_code == 200
    assert re.search(r"\d+ values? compared: (all )?equal", asked.text), asked.text


def test_a_question_to_athena_waits_for_no_other(client) -> None:
    dashboard: DashboardService = client.app.state.dashboard
    with dashboard.asking_athena:
        refused = client.post(f"/panels/totals?{DAY}", headers=SAME_ORIGIN)
    assert refused.status_code == 429
    assert "Try again in a minute" in refused.text


def test_another_site_cannot_ask_athena(client) -> None:
    assert (
        client.post("/panels/totals", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403
    )


def test_the_version_is_that_of_the_facts(client) -> None:
    assert f'data-version="{client.get("/version").text}"' in client.get("/").text


def test_facts_that_can_not_be_refreshed_are_served_with_their_age(client, monkeypatch) -> None:
    dashboard: DashboardService = client.app.state.dashboard

    def refuse() -> bool:
        raise AwsUnavailable("S3 is away.")

    with monkeypatch.context() as patched:  # also for checks of the thread meanwhile
        patched.setattr(dashboard.engine, "refresh", refuse)
        dashboard.refresher.look()
        text = client.get(f"/?{DAY}").text
    dashboard.refresher.look()
    assert "it can&#39;t be refreshed" in text
    assert "it can&#39;t be refreshed" not in client.get(f"/?{DAY}").text


def test_the_trust_page_shows_open_incidents_and_mutes_to_accounts(client, monkeypatch) -> None:
    dashboard: DashboardService = client.app.state.dashboard
    monkeypatch.setattr("clickstream.dashboard.web.service.STATE_KEPT", timedelta())
    store, version = LakeStore(open_lake(dashboard.settings, aws_session())), client.get("/version")
    mute = Mute("bot_share", NOW + timedelta(hours=2), "Sale")
    text = "Host <web-1> can't be pulled. (CS-202)"

    def change(before: Incidents) -> tuple[Incidents, None]:
        opened = before.hold(Rule.HOST_UNREACHABLE, "web-1", text, NOW)
        return opened.mute(mute, NOW), None

    assert 'id="incidents"' not in client.get(f"/trust?{DAY}").text
    store.change(change)
    dashboard.refresher.look()
    shown = client.get(f"/trust?{DAY}").text
    assert "Host &lt;web-1&gt; can&#39;t be pulled. (CS-202)" in shown
    assert "</b>: bot_share: Sale" in shown
    assert client.get("/version").text != version.text
    view = parse_view("trust", [("from", "2026-11-20"), ("to", "2026-11-20")])
    assert 'id="incidents"' not in dashboard.render_tab(view, Identity("", sees_entries=False))
    store.change(lambda _: (Incidents(), None))
    dashboard.refresher.look()
    assert client.get("/version").text == version.text


def test_the_athena_engine_answers_questions(chosen, monkeypatch_module) -> None:
    athena_engine = chosen.dashboard.model_copy(update={"engine": "athena"})
    dashboard = DashboardService(
        chosen.model_copy(update={"dashboard": athena_engine}), lambda: NOW
    )
    assert isinstance(dashboard.engine, AthenaEngine)
    assert dashboard.engine.refresh()
    view = parse_view("overview", [("from", "2026-11-20"), ("to", "2026-11-20")])
    with dashboard.page(view) as page:
        assert page.coverage.complete_to == NOW.replace(minute=0, tzinfo=None)


@pytest.mark.parametrize(
    ("path", "address"),
    [
        ("hours/2026-11-20T07", "/trust?from=2026-11-20&to=2026-11-20&hour=2026-11-20T07#hour"),
        ("hours/2026-11-20T22/2026-11-18T01", "/trust?from=2026-11-18&to=2026-11-20#hours"),
    ],
)
def test_the_address_of_an_hour_leads_to_the_trust_page(client, path, address) -> None:
    answer = client.get(f"/{path}", follow_redirects=False)
    assert answer.status_code == 302
    assert answer.headers["location"].startswith("../")
    assert str(client.get(f"/{path}").url) == f"{BASE}{address}"


@pytest.mark.parametrize("path", ["hours/yesterday", "hours/2026-11-20", "hours/9999-12-31T23"])
def test_the_address_of_an_hour_that_is_none_says_so(client, path) -> None:
    answer = client.get(f"/{path}")
    assert answer.status_code == 400
    assert "write it like 2026-11-20T05" in answer.text


def visits_on(text: str) -> list[str]:
    """The addresses of the visits that a page links."""
    return [html.unescape(one) for one in re.findall(r'href="(visits/[0-9a-f]{16}[^"]*)"', text)]


def all_visits(client: TestClient) -> list[str]:
    """The addresses of all visits of the day, page by page."""
    path, found = f"visits?{DAY}", []
    while path:
        text = client.get(f"/{path}").text
        found += visits_on(text)
        older = re.search(r'href="(visits\?[^"]*before=[^"]*)"', text)
        path = older[1].replace("&amp;", "&") if older else ""
    return found


def test_the_list_has_the_visits_that_the_tile_counts(client) -> None:
    found = all_visits(client)
    totals, *_ = csv.DictReader(io.StringIO(client.get(f"/panels/totals.csv?{DAY}").text))
    assert len(found) == len({*found}) == int(totals["visits"]) > 50
    rows = [*csv.DictReader(io.StringIO(client.get(f"/visits.csv?{DAY}").text))]
    assert [f"visits/{row['session_id']}?{DAY}" for row in rows] == found


def test_a_visit_leads_to_its_log_lines_without_the_address(client, chosen) -> None:
    """As many lines as the session has requests, and each is a line of the log."""
    path = visits_on(client.get(f"/visits?{DAY}&met_error=yes").text)[0]
    page = client.get(f"/{path}").text
    assert "Show the log lines" in page
    shown = client.post(f"/{path.partition('?')[0]}", headers=SAME_ORIGIN)
    assert shown.headers["cache-control"] == "no-store"
    lines = re.findall(r"<code>(.*?)</code>", shown.text)
    lake = client.app.state.dashboard.lake
    session = path[7:23]
    asked = "select sum(requests - assets) from session_parts where session_id like '{}%'"
    assert [(len(lines),)] == athena.query(lake, asked.format(session)).rows
    log = (Path(chosen.sources[0].path) / "access.log").read_text()
    for line in lines:
        known = re.escape(html.unescape(line)).replace(re.escape("[…]"), r"[^ \"]*")
        assert re.search(f"^{known}$", log, re.MULTILINE), line
    assert not re.search(r"(?<![/\w.])\d+\.\d+\.\d+\.\d+", " ".join(lines))


def test_a_deleted_raw_object_is_reported_and_its_lines_keep_their_places(client) -> None:
    lake = client.app.state.dashboard.lake
    path = visits_on(client.get(f"/visits?{DAY}&start_hour=10").text)[0].partition("?")[0]
    keys = {*re.findall(r"raw/\S+?\.gz", client.post(f"/{path}", headers=SAME_ORIGIN).text)}
    bodies = {key: objects.get(lake, key) for key in keys}
    objects.delete(lake, [*keys])
    try:
        text = client.post(f"/{path}", headers=SAME_ORIGIN).text
    finally:
        for key, body in bodies.items():
            assert body
            objects.put(lake, key, body.body)
    assert keys
    assert "Some raw objects of these lines do not exist" in text
    assert all(key in text for key in keys)
    assert "<code>" not in text


@each_case(
    "path, status",
    [
        ("/visits/0123456789abcdef", 404),
        ("/visits/0123456789ABCDEF", 404),
        ("/visits/trend", 404),
        ("/visits/%27%20or%201=1", 404),
        ("/visits?before=yesterday", 400),
        ("/visits?before=2026-11-20T07:00:00~xyz", 400),
        ("/visits?range=fortnight", 400),
    ],
)
def test_an_address_of_no_visit_says_so(client, path, status) -> None:
    answer = client.get(path)
    assert answer.status_code == status
    assert "<p>" in answer.text
    assert "Traceback" not in answer.text


def test_another_site_cannot_read_log_lines(client) -> None:
    path = visits_on(client.get(f"/visits?{DAY}").text)[0].partition("?")[0]
    dashboard: DashboardService = client.app.state.dashboard
    for lines in (path, f"visits?{DAY}"):
        other = client.post(f"/{lines}", headers={"Sec-Fetch-Site": "cross-site"})
        assert other.status_code == 403
        with dashboard.asking_athena:
            assert client.post(f"/{lines}", headers=SAME_ORIGIN).status_code == 429


def test_sample_lines_are_of_visits_of_the_view(client) -> None:
    errors = f"visits?{DAY}&met_error=yes"
    answer = client.post(f"/{errors}", headers=SAME_ORIGIN)
    assert answer.headers["cache-control"] == "no-store"
    named = visits_on(answer.text)
    assert 1 <= len(named) <= SAMPLE_VISITS
    assert {*named} <= {*visits_on(client.get(f"/{errors}").text)}
    assert answer.text.count("<code>[…] ") >= len(named)
    nobody = client.post(f"/visits?{DAY}&page=/nowhere", headers=SAME_ORIGIN)
    assert (nobody.status_code, "Choose another range" in nobody.text) == (404, True)


def test_a_reader_who_may_not_write_sees_no_single_visit(client, chosen) -> None:
    """And no link to one, on any page."""
    identity = Identity("", is_read_only=True, sees_entries=False, shared=SharedWith("Ben", NOW))

    def identify(request: Request) -> None:
        request.state.identity = identity

    path = visits_on(client.get(f"/visits?{DAY}").text)[0].partition("?")[0]
    dashboard: DashboardService = client.app.state.dashboard
    app = build_app(
        chosen,
        clock=lambda: NOW,
        engine=dashboard.engine,
        dependencies=[Depends(identify)],
        protect=lambda app, _dashboard: install_embedded(app),
    )
    reader = TestClient(app, base_url=BASE)
    for asked in ("/visits", "/visits.csv", f"/{path}", "/visits/0123456789abcdef"):
        assert reader.get(f"{asked}?{DAY}").status_code == 403
    assert reader.post(f"/{path}", headers=SAME_ORIGIN).status_code == 403
    for plan in ("/holdouts", "/locations"):
        assert reader.get(plan).status_code == 403
    tabs = [f"/{'' if tab == 'overview' else tab}?{DAY}&device=mobile" for tab in TABS]
    for page in (*tabs, *(f"/panels/{name}?{DAY}" for name in PANELS)):
        answer = reader.get(page)
        assert answer.status_code == 200
        assert 'href="visits' not in answer.text
        assert "../visits" not in answer.text
