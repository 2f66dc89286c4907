"""The Visitors page: from page to page, new and returning visitors, cohorts."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import CUT_OFF
from tests.browser.watched_pages import is_first_document, mark_document, parameters
from tests.support.tiers import one_of_each

RANGE = "/visitors?range=7d"
WIDTHS = (360, 768, 1440)


def number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.parametrize("script", [True, False])
def test_people_are_followed_from_page_to_page(new_page: Callable[..., Page], script: bool) -> None:
    page = new_page(RANGE, java_script_enabled=script)
    if script:
        mark_document(page)
    most_viewed = page.locator("#viewed_pages .cell span").first.inner_text()
    expect(page.locator("#next_pages .from b")).to_have_text(most_viewed)
    following = page.locator("#next_pages .cell a").first
    name = following.inner_text()
    following.click()
    expect(page.locator("#next_pages .from b")).to_have_text(name)
    expect(page.locator(".chips li:not(.clear)")).to_have_count(1)
    title = page.locator("#next_pages .from b").get_attribute("title")
    assert parameters(page)["page"] == title
    if script:
        assert is_first_document(page)
    page.go_back()
    expect(page.locator("#next_pages .from b")).to_have_text(most_viewed)


def test_what_follows_a_page_adds_up_to_its_views(new_page: Callable[..., Page]) -> None:
    page = new_page(f"{RANGE}&page=/cafe/order.php")
    views = page.locator("#viewed_pages tbody td").first.inner_text()
    page.locator("#next_pages .about > summary").click()
    page.locator("#next_pages").get_by_role("link", name="Table, SQL and ask Athena").click()
    cells = page.locator(".figures tbody td").all_inner_texts()
    assert sum(map(number, cells)) == number(views)


def test_the_panel_s_own_page_asks_for_the_page_that_is_shown(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(RANGE)
    shown = page.locator("#next_pages tbody td:first-of-type").all_inner_texts()
    page.locator("#next_pages .about > summary").click()
    page.locator("#next_pages").get_by_role("link", name="Table, SQL and ask Athena").click()
    cells = page.locator(".figures tbody td").all_inner_texts()
    assert cells[: len(shown)] == shown


@pytest.mark.parametrize("script", [True, False])
def test_returning_visitors_are_a_filter_of_every_page(
    new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(RANGE, java_script_enabled=script)
    row = page.locator("#kinds table.kinds tr", has_text="Returning")
    visits = row.locator("td").first.inner_text()
    row.get_by_role("link").click()
    expect(page.locator(".chips")).to_contain_text("New or returning is Returning")
    page.get_by_role("link", name="Overview", exact=True).click()
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    expect(tile.locator(".value")).to_have_text(visits)


def test_new_and_returning_are_all_visits(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    cells = page.locator("#kinds table.kinds td:first-of-type").all_inner_texts()
    page.get_by_role("link", name="Overview", exact=True).click()
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    expect(tile.locator(".value")).to_have_text(f"{sum(map(number, cells)):,}")


def test_a_column_tells_its_values(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    page.locator("#kinds .wide-chart .strips rect").nth(2).hover()
    expect(page.locator(".tip")).to_contain_text("Returning: ")
    expect(page.locator(".tip")).to_contain_text("New: ")
    page.locator("#kinds .as-table summary").click()
    expect(page.locator("#kinds .as-table tbody tr")).to_have_count(7)


def test_a_cohort_is_followed_in_the_weeks_after_its_first(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    rows = page.locator("#cohorts tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.nth(0).locator("td").nth(1)).to_have_class("ahead c0")
    expect(rows.nth(1).locator("td").nth(1)).to_have_class("open c5")
    expect(page.locator("#cohorts .key")).to_contain_text("week not over")


def test_devices_browsers_and_systems_are_choices(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    for choice in ("Browser", "System"):
        page.locator("#devices .choices a", has_text=choice).click()
        expect(page.locator("#devices .choices [aria-current]")).to_have_text(choice)
        expect(page.locator("#devices tbody tr").first).to_be_visible()


@pytest.mark.parametrize("panel", ["next_pages", "kinds", "cohorts"])
def test_athena_gives_the_same_answer(new_page: Callable[..., Page], panel: str) -> None:
    page = new_page(f"/panels/{panel}?from=2026-11-22&to=2026-11-24")
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")


@pytest.mark.parametrize("scheme", one_of_each(2, ["dark", "light"]))
@pytest.mark.parametrize("path", [RANGE, f"{RANGE}&campaign=no-such-campaign"])
def test_the_page_has_no_serious_fault(
    new_page: Callable[..., Page], path: str, scheme: str
) -> None:
    assert grave_faults(new_page(path, color_scheme=scheme)) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", [RANGE, "/visitors?range=today&viewed_pages=landing_page"])
def test_nothing_is_cut_off(new_page: Callable[..., Page], path: str, width: int) -> None:
    is_phone = width < 500
    size = {"width": width, "height": 900}
    page = new_page(path, viewport=size, is_mobile=is_phone, has_touch=is_phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_OFF) == []


def test_a_phone_shows_the_whole_cohorts(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    wide, shown = page.locator("#cohorts .scroll").evaluate(
        "one => [one.scrollWidth, one.clientWidth]"
    )
    assert wide <= shown
    assert grave_faults(page) == []
