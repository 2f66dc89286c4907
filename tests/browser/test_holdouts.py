"""Holdout tests, and the page that plans them: sizes, colours, and what a screen reader finds."""

from __future__ import annotations

from typing import Literal

import pytest
from playwright.sync_api import Browser, expect
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import CUT_OFF
from tests.browser.watched_pages import shown_at
from tests.clickstream.dashboard.holdout_builders import SETTINGS, SHOWN, store
from tests.clickstream.dashboard.rendered import html_of, page_of, with_styles

from clickstream.dashboard.tabs.marketing.holdout_plan import build_plan
from clickstream.dashboard.web.rendering import Renderer


@pytest.fixture(scope="module")
def pages() -> dict[str, str]:
    """The Marketing page and a plan, with their style sheet inside."""
    with page_of(store()[0], SHOWN, settings=SETTINGS) as page:
        plan = Renderer.create(page.formats, "Café").plan(build_plan(page, "tea", "orders"))
        found = {"marketing": html_of(page), "plan": plan}
    return {name: with_styles(html) for name, html in found.items()}


@pytest.mark.parametrize(("width", "scheme"), [(360, "dark"), (768, "light"), (1440, "light")])
@pytest.mark.parametrize("name", ["marketing", "plan"])
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
        if name == "marketing":
            kind = "narrow" if width < 500 else "wide"
            expect(page.locator(f"#holdouts .{kind}-chart .shade")).to_be_visible()
            expect(page.locator("#holdouts .finding")).to_contain_text("fewer orders than expected")
