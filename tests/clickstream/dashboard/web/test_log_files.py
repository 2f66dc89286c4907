"""The dashboard of log files: all pages, single visits with their lines, and new lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from functools import partial
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console
from starlette.testclient import TestClient

from clickstream.core.hours import Hour
from clickstream.dashboard.access.link import login_link
from clickstream.dashboard.ask.view import TABS
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.app import build_app
from clickstream.demo.cafe import CafeRules, write_history
from clickstream.logs.log_set import LogSet
from clickstream.logs.open_engine import LogEngine, read_file_lines
from clickstream.settings import DashboardSettings, Settings, SiteSettings

FIRST = Hour.parse("2026-11-20T18")
HOURS = 7
NOW = FIRST.plus(HOURS).start - timedelta(seconds=1)
BASE = "http://127.0.0.1"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
LATER = b'192.0.2.7 - - [22/Nov/2026:05:00:00 +0000] "GET / HTTP/1.1" 200 5 "-" "-"\n'
EARLIER = LATER.replace(b"22/Nov", b"21/Nov")
BOTH_DAYS = "from=2026-11-20&to=2026-11-21"


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("logs")
    rules = CafeRules(seed=3, visitors_per_hour=12, bots_per_hour=2)
    write_history(directory, FIRST, FIRST.plus(HOURS - 1), rules)
    return directory


@pytest.fixture(scope="module")
def engine(logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LogEngine]:
    site = SiteSettings(name="cafe", domains=CafeRules().domains)
    directory = tmp_path_factory.mktemp("cache")
    settings = Settings(site=site, dashboard=DashboardSettings(directory=str(directory)))
    engine = LogEngine(LogSet([str(logs)], settings), directory, Console(file=StringIO()))
    assert engine.refresh()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def client(engine: LogEngine) -> Iterator[TestClient]:
    """A browser that is logged in."""
    settings = engine.logs.settings
    read_lines = partial(read_file_lines, engine)
    app = build_app(settings, lambda: NOW, engine=engine, read_lines=read_lines)
    with TestClient(app, base_url=BASE) as browser:
        assert browser.get(login_link(engine.directory, BASE)).status_code == 200
        yield browser


@pytest.mark.parametrize("tab", TABS)
def test_every_page_has_figures(client: TestClient, tab: str) -> None:
    answer = client.get(f"/{tab if tab != 'overview' else ''}?{BOTH_DAYS}")
    assert answer.status_code == 200
    assert "No visits in this range" not in answer.text
    assert "Athena" not in answer.text


@pytest.mark.parametrize("panel", ["totals", "sources", "pages"])
def test_duckdb_answers_the_sql_of_a_panel(client: TestClient, panel: str) -> None:
    assert panel in PANELS
    answer = client.post(f"/panels/{panel}?{BOTH_DAYS}", headers=SAME_ORIGIN)
    assert "DuckDB's answer" in answer.text.replace("&#39;", "'")
    assert re.search(r"\d+ values compared: all equal", answer.text)


def test_a_visit_has_its_lines_of_both_days_and_of_its_visitor_only(
    client: TestClient, engine: LogEngine
) -> None:
    visits = re.findall(r'href="visits/([0-9a-f]{16})', client.get(f"/visits?{BOTH_DAYS}").text)
    assert visits
    for visit in visits[:3]:
        page = client.get(f"/visits/{visit}?{BOTH_DAYS}").text
        lines = client.post(f"/visits/{visit}?{BOTH_DAYS}", headers=SAME_ORIGIN).text
        texts = re.findall(r"<code>(.*?)</code>", lines)
        viewed = re.findall(r'<th scope="row" class="name">(?:<span.*?</span> )?(/[^<]*)<', page)
        assert texts
        assert all(text.startswith("[…] ") for text in texts)
        assert all(any(f" {path}" in text for text in texts) for path in viewed)
    sample = client.post(f"/visits?{BOTH_DAYS}", headers=SAME_ORIGIN).text
    assert 5 <= len(re.findall(r"<code>", sample)) <= 40


def test_new_lines_are_read_only_if_the_log_is_followed(tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_bytes(EARLIER)
    console = Console(file=StringIO())
    for follows in (False, True):
        engine = LogEngine(
            *(LogSet([str(log)], Settings()), tmp_path / f"{follows}", console),
            follows=follows,
            rest=0,
        )
        assert engine.refresh()
        before = engine.until
        with log.open("ab") as file:
            file.write(LATER)
        assert engine.refresh() is follows
        assert (engine.until != before) is follows
        engine.close()
        log.write_bytes(EARLIER)


def test_a_damaged_cache_is_built_again(tmp_path: Path) -> None:
    (tmp_path / "access.log").write_bytes(EARLIER)
    log_set = LogSet([str(tmp_path / "access.log")], Settings())
    for is_damaged in (True, False):
        if is_damaged:
            (tmp_path / "facts.duckdb").write_bytes(b"damaged")
        engine = LogEngine(log_set, tmp_path, Console(file=StringIO()))
        assert engine.refresh() is is_damaged
        engine.close()
