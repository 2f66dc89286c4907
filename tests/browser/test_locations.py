"""The plan of locations: sizes, colours, what a screen reader finds, and what is printed."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Literal

import pytest
from playwright.sync_api import Browser
from pypdf import PdfReader
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import CUT_OFF
from tests.browser.watched_pages import shown_at
from tests.clickstream.dashboard.location_builders import SETTINGS, SHOWN, store
from tests.clickstream.dashboard.rendered import html_of, page_of, with_styles

from clickstream.dashboard.tabs.places.location_report import build_report
from clickstream.dashboard.web.rendering import Renderer

QUERIES: Mapping[str, Mapping[str, str]] = {
    "stored": {},
    "what if": {"candidate": "Hamburg", "rent": "300", "radius": "50", "margin": "x"},
}


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The stored plan and one with what-if values, with their style sheet inside."""
    with page_of(store(), SHOWN, settings=SETTINGS) as page:
        renderer = Renderer.create(page.formats, "Café")
        found = {
            name: renderer.location_report(build_report(page, query))
            for name, query in QUERIES.items()
        } | {"places": html_of(page)}
    return {name: with_styles(html) for name, html in found.items()}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (768, "light"), (1440, "light")])
@pytest.mark.parametrize("name", [*QUERIES, "places"])
def test_nothing_is_cut_off_and_nothing_has_a_serious_fault(
    chromium: Browser,
    pages: dict[str, str],
    name: str,
    width: int,
    scheme: Literal["dark", "light"],
) -> None:
    with shown_at(chromium, pages[name], width, scheme) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        assert page.evaluate(CUT_OFF) == []
        assert grave_faults(page) == []


@pytest.mark.parametrize("name", QUERIES)
def test_the_report_prints_on_two_pages_with_its_limits_and_without_its_form(
    chromium: Browser, pages: dict[str, str], name: str
) -> None:
    with chromium.new_context(color_scheme="dark") as context:
        page = context.new_page()
        page.set_content(pages[name])
        margin = dict.fromkeys(("top", "right", "bottom", "left"), "10mm")
        printed = PdfReader(io.BytesIO(page.pdf(format="A4", margin=margin))).pages
    ranking, assumptions = (one.extract_text() for one in printed)
    assert "Money a month" in ranking
    assert "Compute" not in ranking
    assert ("rent a month €300" in ranking) == (name == "what if")
    for text in ("As entered", "€3,600 over 36 months", "Not known: people who pass by"):
        assert text in assumptions
