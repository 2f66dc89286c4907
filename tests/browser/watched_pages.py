"""What tests ask of pages, and what no page may do while a test runs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Dialog, Page, Route

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


@contextmanager
def shown_at(
    chromium: Browser, html: str, width: int, scheme: Literal["dark", "light"]
) -> Iterator[Page]:
    """Show a page that is complete in itself; one below 500 pixels is that of a phone."""
    is_phone = width < 500
    with chromium.new_context(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
        is_mobile=is_phone,
        has_touch=is_phone,
    ) as context:
        page = context.new_page()
        page.set_content(html)
        yield page


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


def mark_document(page: Page) -> None:
    """Mark the document, to see later whether it was loaded again."""
    page.evaluate("window.isTheFirst = true")


def is_first_document(page: Page) -> bool:
    """Whether the document is still the marked one: links swapped its parts only."""
    return bool(page.evaluate("window.isTheFirst === true"))
