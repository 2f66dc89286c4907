"""The system's Chromium; Playwright downloads none."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright
from tests.support.required import require_program


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Run Chromium; skip the test if there is none."""
    program = require_program("chromium", "chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program)
        yield browser
        browser.close()
