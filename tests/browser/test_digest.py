"""The weekly mail of the café in a browser: its width, axe, colours, and the page's figures."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from tests.browser.cafe_dashboard import NOW
from tests.browser.test_accessibility import grave_faults
from tests.clickstream.dashboard.digest.mails import tiles_of

from clickstream.dashboard.digest import Digest, Week, build_digest, render_preview
from clickstream.lake import Lake

WEEK = Week.parse("2026-W47")
WIDTHS = (360, 600, 768)
SCHEMES = ("light", "dark")


@pytest.fixture(scope="module")
def digest(cafe_lake: Lake) -> Digest:
    """Its facts have hostile lines; the week before is not in the lake, but for its last hours."""
    return build_digest(cafe_lake, WEEK, NOW)


@pytest.fixture
def open_mail(chromium: Browser, digest: Digest, tmp_path: Path) -> Callable[..., Page]:
    file = tmp_path / "week.html"
    file.write_text(render_preview(digest), encoding="utf-8")

    def open_page(width: int, scheme: str) -> Page:
        size = {"width": width, "height": 900}
        page = chromium.new_context(viewport=size, color_scheme=scheme).new_page()
        page.goto(file.as_uri())
        return page

    return open_page


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_mail_fits_its_width_and_has_no_fault(open_mail, width: int, scheme: str) -> None:
    page = open_mail(width, scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert grave_faults(page) == []
    assert page.evaluate("document.querySelector('.card').offsetWidth") <= 602
    assert Axe().run(page, options={"runOnly": ["color-contrast"]}).violations_count == 0


@pytest.mark.parametrize("width", WIDTHS)
def test_the_cells_below_the_picture_stand_below_their_columns(open_mail, width: int) -> None:
    page = open_mail(width, "light")
    picture = page.locator("img").bounding_box()
    cells = [
        cell.bounding_box() for cell in page.locator("img + table tr").first.locator("td").all()
    ]
    assert picture
    assert len(cells) == 7
    for place, cell in enumerate(cells):
        assert cell
        middle = picture["x"] + picture["width"] * (place + 0.5) / 7
        assert abs(cell["x"] + cell["width"] / 2 - middle) < 1.5


def test_dark_mails_are_dark_and_light_ones_light(open_mail) -> None:
    def color(scheme: str, what: str) -> str:
        return open_mail(600, scheme).evaluate(
            f"getComputedStyle(document.querySelector('.card')).{what}"
        )

    assert color("light", "backgroundColor") == "rgb(255, 255, 255)"
    assert color("dark", "backgroundColor") == "rgb(30, 26, 21)"


def test_no_name_of_the_log_becomes_markup(open_mail) -> None:
    page = open_mail(600, "light")
    assert page.locator("script").count() == 0
    assert page.locator("img").count() == 1
    assert page.evaluate("typeof window.hacked") == "undefined"


@pytest.mark.parametrize("tab", ["/", "/orders"])
def test_the_figures_are_those_of_the_dashboard(cafe, new_page, digest: Digest, tab: str) -> None:
    """The real pipeline built the lake, and the real dashboard shows it."""
    page = new_page(f"{tab}?from={WEEK.first}&to={WEEK.last}")
    shown = tiles_of(page.content())
    mailed = {row.label: row.value for row in digest.figures}
    both = shown.keys() & mailed.keys()
    assert both == (mailed.keys() if tab == "/" else {"Order rate"})
    assert {label: mailed[label] for label in both} == {label: shown[label] for label in both}
