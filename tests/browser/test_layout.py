"""Pages fit screens of four widths: nothing is cut off, labels are few and large enough."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from tests.browser.hostile_lines import PATHS as HOSTILE_PATHS

PHONE, WINDOWS = 360, (640, 768, 1440)
WIDTHS = (PHONE, 768, 1440)
MOST_TICKS = 6
SMALLEST_TEXT = 9
"""Of charts, in pixels of the screen."""

PATHS = (
    "/?range=7d",
    "/",
    "/?range=90d&metric=conversion_rate",
    "/?range=today",
    "/?from=2026-11-18&to=2026-11-18&sources=campaign&channel=Direct&device=mobile",
    "/?range=year&by=week",
    "/visitors?range=7d",
    "/visitors?range=90d&page=/cafe/menu.php",
    "/marketing?range=7d",
    "/marketing?acquisition=campaign",
    "/orders",
    "/orders?range=today",
    "/places",
    "/places?country=US&map=conversion_rate",
    "/trust?range=7d",
    "/machines?range=7d",
    "/machines?range=90d&bots=bot_reason",
    "/panels/operators?range=7d",
    "/trust?range=90d",
    "/panels/pages?from=2026-11-18&to=2026-11-18",
    "/panels/sources?from=2026-11-18&to=2026-11-18&sources=campaign",
    "/places?places=city",
    "/panels/places?places=city",
    "/panels/balance?range=90d",
    "/?range=forever",
    "/login",
)
WITH_CHARTS = PATHS[:8]

CUT_OFF = """() => {
    // What a closed menu holds has a place, which no one sees.
    document.querySelectorAll("details:not([open]) > :not(summary)").forEach((one) => one.remove());
    const shown = [...document.querySelectorAll("body *")].filter((one) =>
        one instanceof HTMLElement && one.checkVisibility()
        && !one.closest(".hidden, .skip, .tip, .scroll, pre"));
    const name = (one) => `${one.tagName}.${one.className}: ${one.textContent.trim().slice(0, 60)}`;
    const cut = shown.filter((one) => one.scrollWidth > one.clientWidth + 1
        && getComputedStyle(one).overflowX !== "visible"
        && getComputedStyle(one).textOverflow !== "ellipsis");
    const outside = shown.filter((one) => {
        const frame = one.closest(".tile, .panel, .top, main");
        const text = [...one.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE);
        if (!frame || getComputedStyle(one).textOverflow === "ellipsis"
            || one.closest(".cell, .chips, .movers")) return false;
        const range = document.createRange();
        return text.some((node) => {
            range.selectNodeContents(node);
            return range.getBoundingClientRect().right > frame.getBoundingClientRect().right + 1;
        });
    });
    return [...cut, ...outside].map(name);
}"""

AXES = """() => [...document.querySelectorAll("svg.chart")]
    .filter((svg) => svg.checkVisibility())
    .map((svg) => {
        const ticks = [...svg.querySelectorAll("text.tick")].map((text) => ({
            x: Number(text.getAttribute("x")), y: Number(text.getAttribute("y")),
            box: text.getBoundingClientRect().toJSON(),
            size: parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a,
            text: text.textContent,
        }));
        return {
            name: svg.getAttribute("aria-label"), ticks, isHeat: svg.classList.contains("heat"),
            notes: [...svg.querySelectorAll(".note text")]
                .map((text) => parseFloat(getComputedStyle(text).fontSize) * svg.getScreenCTM().a),
        };
    })"""


def open_at(new_page: Callable[..., Page], path: str, width: int) -> Page:
    is_phone = width < 500
    return new_page(
        path,
        viewport={"width": width, "height": 900},
        is_mobile=is_phone,
        has_touch=is_phone,
        **({"storage_state": None} if path == "/login" else {}),
    )


@pytest.mark.parametrize("path", PATHS)
def test_a_page_fits_every_width(new_page: Callable[..., Page], path: str) -> None:
    """The page is opened on a phone, and in a window that becomes wider."""
    check_layout(open_at(new_page, path, PHONE), path, PHONE)
    page = open_at(new_page, path, WINDOWS[0])
    for width in WINDOWS:
        page.set_viewport_size({"width": width, "height": 900})
        check_layout(page, path, width)


def check_layout(page: Page, path: str, width: int) -> None:
    """Check that no text is cut off, nothing scrolls sideways, and charts have clear labels."""
    if path in WITH_CHARTS:
        check_labels(page.evaluate(AXES), width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width, width
    assert page.evaluate(CUT_OFF) == [], width


def check_labels(charts: list[dict[str, Any]], width: int) -> None:
    """Check that labels of charts are few, large enough, apart, and inside the screen."""
    assert charts
    for chart in charts:
        lines = chart["ticks"]
        below = [tick for tick in lines if tick["y"] == max(one["y"] for one in lines)]
        beside = [tick for tick in lines if tick not in below]
        where = f"{chart['name']} at {width}: {json.dumps([tick['text'] for tick in lines])}"
        assert len(below) <= MOST_TICKS, where
        if not chart["isHeat"]:
            assert len(beside) <= MOST_TICKS, where
        assert min(tick["size"] for tick in lines) >= SMALLEST_TEXT, where
        assert all(size >= SMALLEST_TEXT for size in chart["notes"]), where
        assert min(tick["box"]["left"] for tick in lines) >= 0, where
        assert max(tick["box"]["right"] for tick in lines) <= width, where
        for before, after in pairwise(below):
            assert before["box"]["right"] <= after["box"]["left"], where


@pytest.mark.parametrize("width", WIDTHS)
def test_menus_open_inside_the_screen(new_page: Callable[..., Page], width: int) -> None:
    page = open_at(new_page, "/?range=7d", width)
    for menu in ("details.own", "details.compare", "#trend .about", "#sources .about"):
        page.locator(f"{menu} > summary").click()
        box = page.locator(f"{menu} > div").bounding_box()
        assert box is not None
        assert box["x"] >= 0, menu
        assert box["x"] + box["width"] <= width, menu
        page.keyboard.press("Escape")
        expect(page.locator(menu)).not_to_have_attribute("open", "")


def test_a_phone_s_links_are_large_enough_for_a_finger(new_page: Callable[..., Page]) -> None:
    page = open_at(new_page, "/?range=7d&channel=Direct", 360)
    small = page.locator("nav a, summary, .list a, .chips a, .trust a, .tile").evaluate_all(
        """all => all.filter((one) => one.checkVisibility())
            .map((one) => [one.textContent.trim().slice(0, 20), one.getBoundingClientRect()])
            .filter(([, box]) => box.height < 24 && box.width > 0).map(([text]) => text)"""
    )
    assert small == []


def test_a_phone_shows_what_it_needs_on_the_first_screen(new_page: Callable[..., Page]) -> None:
    page = open_at(new_page, "/", 360)
    expect(page.locator(".tile").first).to_be_in_viewport(ratio=1)
    expect(page.locator(".narrow-chart").first).to_be_visible()
    expect(page.locator(".wide-chart").first).to_be_hidden()


LONGEST = HOSTILE_PATHS[-1]
"""A path of 906 characters: a stranger chooses the length of a name by an address."""

TALL_NAMES = """limit => [...document.querySelectorAll(
    ".list tbody tr, .figures tbody tr, .chips li, .from, .movers li, .message, .lead, .says")]
    .filter((one) => one.getBoundingClientRect().height > limit)
    .map((one) => `${one.getBoundingClientRect().height}: ${one.textContent.slice(0, 60)}`)"""


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", ["/", "/visitors", "/marketing", "/orders", "/panels/pages"])
def test_a_name_of_900_characters_takes_few_lines(
    new_page: Callable[..., Page], path: str, width: int
) -> None:
    day = f"from=2026-11-18&to=2026-11-18&pages=page&page={LONGEST}&not.landing_page={LONGEST}x"
    page = open_at(new_page, f"{path}?{day}", width)
    expect(page.locator("main")).to_contain_text(LONGEST)
    assert page.evaluate(TALL_NAMES, 125) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
