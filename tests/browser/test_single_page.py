"""The Overview in one file, of facts with hostile lines: it loads nothing, and has no fault."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, Page, Request, Route, expect
from tests.browser.cafe_dashboard import ATTACKED, NOW, RunningDashboard
from tests.browser.test_accessibility import DESKTOP, PHONE, grave_faults
from tests.browser.watched_pages import figures

from clickstream.dashboard.questions.view_urls import parse_view
from clickstream.dashboard.web import single_page
from clickstream.dashboard.web.single_page import READER, render_single_page

DAY = ATTACKED.date()
QUERY = f"from={DAY}&to={DAY}&sources=campaign"
"""The day with hostile lines, and their campaigns."""

DEVICES = pytest.mark.parametrize("device", [DESKTOP, PHONE], ids=["desktop", "phone"])
OpenFile = Callable[..., Page]


def html_of(cafe: RunningDashboard) -> str:
    with cafe.dashboard.page(parse_view("overview", parse_qsl(QUERY)), READER) as page:
        return render_single_page(cafe.dashboard.renderer, page, "access.log", NOW)


@pytest.fixture(scope="module")
def file(cafe: RunningDashboard, tmp_path_factory: pytest.TempPathFactory) -> Path:
    written = tmp_path_factory.mktemp("file") / "overview.html"
    written.write_text(html_of(cafe), encoding="utf-8")
    return written


@pytest.fixture
def open_file(chromium: Browser) -> Iterator[OpenFile]:
    """Opens files. At the end none may have asked for another address, or logged anything."""
    complaints: list[str] = []
    contexts = []

    def open_page(path: Path, **options: Any) -> Page:
        own = path.as_uri()

        def block(route: Route) -> None:
            if route.request.url == own:
                route.continue_()
            else:
                route.abort()

        def record(request: Request) -> None:
            if request.url != own and not request.url.startswith("data:"):
                complaints.append(request.url)

        context = chromium.new_context(**options)
        contexts.append(context)
        context.route("**/*", block)
        context.on("request", record)
        context.on("console", lambda message: complaints.append(message.text))
        page = context.new_page()
        page.goto(own)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []


@DEVICES
def test_a_file_loads_nothing_and_fits_its_width(
    open_file: OpenFile, file: Path, device: Any
) -> None:
    page = open_file(file, **device)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("details").evaluate_all("all => all.forEach((one) => { one.open = true; })")
    page.wait_for_load_state("networkidle")
    assert page.locator("#sources tbody tr").count() > 5
    assert page.locator("a[href], script, form, button, input").count() == 0
    assert page.evaluate("typeof window.hacked") == "undefined"


@DEVICES
def test_a_file_has_no_fault(open_file: OpenFile, file: Path, device: Any) -> None:
    page = open_file(file, **device)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        assert grave_faults(page) == [], scheme
    expect(page.get_by_role("heading", level=1)).to_have_text("Wed, 18 Nov 2026")
    page.locator("#trend .as-table > summary").click()
    assert grave_faults(page) == []


def test_tables_and_definitions_open_without_javascript(open_file: OpenFile, file: Path) -> None:
    page = open_file(file, java_script_enabled=False)
    for place in ("#trend .as-table", "#times .as-table", "#trend .about"):
        page.locator(f"{place} > summary").click()
        expect(page.locator(f"{place} > div")).to_be_visible()


def test_the_figures_are_those_of_the_dashboard(
    open_file: OpenFile, new_page: Callable[..., Page], file: Path
) -> None:
    shown = [figure.replace("≠", "") for figure in figures(new_page(f"/?{QUERY}"))]
    assert figures(open_file(file)) == shown


@DEVICES
def test_the_rules_that_are_left_out_change_nothing(
    open_file: OpenFile,
    cafe: RunningDashboard,
    file: Path,
    device: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(single_page, "used_rules", lambda css, names: css)
    whole = file.with_name("whole.html")
    whole.write_text(html_of(cafe), encoding="utf-8")
    assert whole.stat().st_size > file.stat().st_size + 20_000
    pages = [open_file(path, **device) for path in (file, whole)]
    for page in pages:
        page.locator("#trend .as-table > summary").click()
    assert pages[0].screenshot(full_page=True) == pages[1].screenshot(full_page=True)
