"""Orders and amounts on the Overview: key figures, the chart, and what a filter hides."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Page, expect

RANGE = "/?from=2026-11-16&to=2026-11-24"
NOTE = "Orders and amounts can't be filtered by Page, so they are not shown."


def test_the_overview_shows_what_was_sold_unless_a_filter_hides_it(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(RANGE)
    tiles = page.locator(".tile")
    leading = ["Visitors", "Orders", "Net sales", "Average order"]
    assert tiles.locator(".label").all_inner_texts()[:4] == leading
    tiles.filter(has_text="Net sales").click()
    expect(page.locator("#trend-title")).to_have_text("Net sales")
    expect(page.locator("#trend .wide-chart .tick").nth(1)).to_contain_text("€")
    page.locator("#pages tbody a").first.click()
    expect(page.get_by_text(NOTE)).to_be_visible()
    expect(page.locator("#trend-title")).to_have_text("Visits")
    expect(page.locator("main")).not_to_contain_text("€")
