"""What tests ask of pages: figures, accessibility, layout, and what no page may do."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Dialog,
    Locator,
    Page,
    Route,
)
from pypdf import PdfReader

NewPage = Callable[..., Page]
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
WIDTHS = (360, 768, 1440)
EXPECTED_STATUSES = ("400", "401", "404", "410", "429", "503")
"""Chromium logs an answer with such a status as an error; tests that ask for it look at it."""

IS_WAITING = """document.readyState === 'loading'
    || !document.documentElement
    || document.documentElement.classList.contains('waiting')"""
WAIT_SECONDS = 15
FIGURES = (
    ".tile, .trust, .says, .list tbody tr, .movers li, .goals li, .figures tr, .rules li, "
    ".rung, .drop, .trouble"
)
WCAG = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
# axe counts `landmark-unique` as a best practice, beside the rules of the tags.
AXE = {
    "runOnly": {"type": "tag", "values": WCAG},
    "rules": {"landmark-unique": {"enabled": True}},
}
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


TINY_LABELS = """() => [...document.querySelectorAll("svg.chart")].filter((svg) =>
    svg.checkVisibility()).flatMap((svg) => {
        const ticks = [...svg.querySelectorAll("text.tick")];
        const box = (one) => one.getBoundingClientRect();
        const touch = (a, b) => a !== b && a.getAttribute("y") === b.getAttribute("y")
            && box(a).left < box(b).right && box(b).left < box(a).right;
        return [...ticks, ...svg.querySelectorAll(".note text")].filter((one) =>
            parseFloat(getComputedStyle(one).fontSize) * svg.getScreenCTM().a < 9
            || box(one).left < 0 || box(one).right > innerWidth
            || ticks.includes(one) && ticks.some((other) => touch(one, other)));
    }).map((one) => one.textContent)"""
"""Labels of charts that are smaller than 9 pixels of the screen, outside of it, or not apart."""


class Watch:
    """Records what a context's pages must not do: it blocks requests that leave `origin`."""

    def __init__(self, context: BrowserContext, origin: str) -> None:
        self.context = context
        self.complaints: list[str] = []
        context.route(lambda url: not url.startswith(f"{origin}/"), self._block)
        context.on("console", self._read)
        context.on("dialog", self._dismiss)
        context.on("weberror", lambda error: self.complaints.append(f"script: {error.error}"))

    def _block(self, route: Route) -> None:
        self.complaints.append(f"request to {route.request.url}")
        route.abort()

    def _read(self, message: ConsoleMessage) -> None:
        is_status = message.text.startswith("Failed to load resource")
        if is_status and any(f"status of {one}" in message.text for one in EXPECTED_STATUSES):
            return
        if message.type in ("error", "warning"):
            self.complaints.append(f"console: {message.text}")

    def _dismiss(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog: {dialog.message}")
        dialog.dismiss()


@contextmanager
def shown(chromium: Browser, html: str, **options: Any) -> Iterator[Page]:
    """Show a page that is complete in itself on a phone: it may ask for nothing."""
    with chromium.new_context(**{**PHONE, **options}) as context:
        watch = Watch(context, "nowhere:")
        page = context.new_page()
        page.set_content(html)
        yield page
    assert watch.complaints == []


def parameters(page: Page) -> dict[str, str]:
    """The parameters of the page's URL."""
    return dict(parse_qsl(urlsplit(page.url).query))


def wait_for_parameters(page: Page, **expected: str) -> None:
    """Wait until the URL has these parameters and no other, and the page shows its view.

    A parameter whose name is a Python keyword, or has a dot, is passed by `**{name: value}`.
    """
    _wait_until(page, lambda: parameters(page) == expected, f"for the parameters {expected}")


def wait_for_url(page: Page, url: str) -> None:
    """Wait until the page shows the view of a URL."""
    _wait_until(page, lambda: page.url == url, f"for {url}")


def _wait_until(page: Page, is_reached: Callable[[], bool], told: str) -> None:
    # Playwright's own wait_for_function needs eval, which the content security policy forbids.
    deadline = time.monotonic() + WAIT_SECONDS
    while not is_reached() or page.evaluate(IS_WAITING):
        assert time.monotonic() < deadline, f"waited {told}, at {page.url}"
        page.wait_for_timeout(20)


def click(link: Locator, **expected: str) -> None:
    """Click on a link, and wait until the URL has these parameters and no other."""
    link.click()
    wait_for_parameters(link.page, **expected)


def press(page: Page, key: str, **expected: str) -> None:
    """Press a key, and wait until the URL has these parameters and no other."""
    page.keyboard.press(key)
    wait_for_parameters(page, **expected)


def figures(page: Page) -> list[str]:
    """All numbers of a page, each with its label, without the titles inside charts."""
    texts: list[str] = page.locator(FIGURES).evaluate_all(
        """all => all.map((one) => {
            const shown = one.cloneNode(true);
            shown.querySelectorAll("svg title").forEach((title) => title.remove());
            return shown.textContent.replace(/\\s+/g, " ").trim();
        })"""
    )
    return texts


def row(page: Page, panel: str, name: str) -> Locator:
    """The row of a panel's list with a name."""
    return page.locator(f"#{panel} tr", has=page.get_by_text(name, exact=True))


def visits(page: Page) -> int:
    """The number of the tile Visits of the Overview."""
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    return int(tile.locator(".value").inner_text().replace(",", ""))


def mark_document(page: Page) -> None:
    """Mark the document, to see later whether it was loaded again."""
    page.evaluate("window.isTheFirst = true")


def is_first_document(page: Page) -> bool:
    """Whether the document is still the marked one: links swapped its parts only."""
    return bool(page.evaluate("window.isTheFirst === true"))


def grave_faults(page: Page) -> list[str]:
    """The faults of a page by WCAG 2.2 AA that axe-core finds."""
    found = Axe().run(page, options=AXE).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][-160:]}"
        for one in found
        for node in one["nodes"][:3]
    ]


def scrolls_sideways(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def check_widths(page: Page) -> None:
    """Check that texts and labels fit at all widths. This removes closed menus."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        assert not scrolls_sideways(page), (page.url, width)
        assert page.evaluate(TINY_LABELS) == [], (page.url, width)
        assert page.evaluate(CUT_OFF) == [], (page.url, width)


def check_menus(page: Page, menus: Sequence[str]) -> None:
    """Check that menus open inside the screen; Escape closes each."""
    for menu in menus:
        page.locator(f"{menu} > summary").first.click()
        box = page.locator(f"{menu} > div").first.bounding_box()
        assert box is not None
        assert box["x"] >= 0, menu
        assert box["x"] + box["width"] <= page.evaluate("innerWidth"), menu
        page.keyboard.press("Escape")


def pages_of_pdf(page: Page, margin: str = "0") -> list[str]:
    """Print a page on A4, and return the text of each sheet."""
    margins = dict.fromkeys(("top", "right", "bottom", "left"), margin)
    printed = PdfReader(io.BytesIO(page.pdf(format="A4", margin=margins)))
    return [one.extract_text() for one in printed.pages]
