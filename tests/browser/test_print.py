"""A page prints as a clean PDF: figures as text, no navigation."""

from __future__ import annotations

import io
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from pypdf import PdfReader


def text_of_pdf(page: Page) -> str:
    reader = PdfReader(io.BytesIO(page.pdf(format="A4")))
    return "\n".join(one.extract_text() for one in reader.pages)


@pytest.mark.parametrize(
    "path", ["/?range=7d&channel=Direct", "/orders?range=7d", "/places?range=7d", "/trust?range=7d"]
)
def test_what_is_for_the_screen_is_not_printed(new_page: Callable[..., Page], path: str) -> None:
    page = new_page(path)
    page.emulate_media(media="print")
    for hidden in ("nav.tabs", "nav.range", ".about", ".as-table", "button.keys", ".chips a"):
        for place in range(page.locator(hidden).count()):
            expect(page.locator(hidden).nth(place)).to_be_hidden()
    expect(page.locator(".trust")).to_be_visible()
    expect(page.locator("main")).to_be_visible()


def test_a_pdf_has_a_few_pages_and_no_dark_ground(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d", color_scheme="dark")
    pages = len(PdfReader(io.BytesIO(page.pdf(format="A4"))).pages)
    assert 1 <= pages <= 4
    page.emulate_media(media="print", color_scheme="dark")
    ground = page.locator("body").evaluate("body => getComputedStyle(body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def test_the_figures_of_the_tiles_are_text_of_the_pdf(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d")
    text = text_of_pdf(page)
    for figure in page.locator(".tile .value").all_inner_texts():
        assert figure in text
    assert "Where visits come from" in text
    assert "90 days" not in text
