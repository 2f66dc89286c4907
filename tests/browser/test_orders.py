"""The Orders page: steps of the funnel, their errors and menu items filter by a click."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.test_accessibility import grave_faults
from tests.browser.watched_pages import is_first_document, mark_document, parameters
from tests.support.tiers import one_of_each

from clickstream.demo.cafe import menu

RANGE = "/orders?range=7d"


def wait_for_chips(page: Page, count: int) -> None:
    expect(page.locator(".chips li:not(.clear)")).to_have_count(count)


@pytest.mark.parametrize("script", [True, False])
def test_a_step_filters_the_visits_that_reached_it(
    new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(RANGE, java_script_enabled=script)
    if script:
        mark_document(page)
    reached = page.locator("#funnel .rung b").nth(1).inner_text()
    page.locator("#funnel .name").nth(1).click()
    wait_for_chips(page, 3)
    expect(page.locator(".chips")).to_contain_text("Furthest step is order form")
    expect(page.locator("#funnel .rung b").nth(0)).to_have_text(reached)
    if script:
        assert is_first_document(page)


def test_errors_of_a_step_lead_to_the_visits_that_met_them(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    trouble = page.locator("#funnel li", has_text="order form").locator(".trouble")
    expect(trouble).to_contain_text("500 ×")
    link = trouble.get_by_role("link").first
    hit = link.inner_text().split()[0].replace(",", "")
    link.click()
    expect(page.locator(".chips")).to_contain_text("Page with an error is Order form")
    page.goto(page.url.replace("/orders", "/"))
    visits = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    expect(visits.locator(".value")).to_have_text(hit)


def test_a_menu_item_filters_and_a_second_click_elsewhere_goes_back(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(RANGE)
    page.locator("#items .cell a").first.click()
    wait_for_chips(page, 1)
    assert parameters(page)["page"].startswith("/cafe/menu/")
    page.go_back()
    wait_for_chips(page, 0)


@pytest.mark.parametrize("scheme", one_of_each(2, ["light", "dark"]))
def test_the_page_has_no_serious_fault(new_page: Callable[..., Page], scheme: str) -> None:
    assert grave_faults(new_page(RANGE, color_scheme=scheme)) == []


def test_a_phone_shows_the_whole_funnel(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE, viewport={"width": 360, "height": 740}, has_touch=True, is_mobile=True)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    expect(page.locator("#funnel .rung")).to_have_count(4)
    assert grave_faults(page) == []


def test_what_the_shop_sold_is_shown_until_a_filter_does_not_apply_to_orders(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(RANGE)
    name = "|".join(product.name for product in menu.PRODUCTS)
    pair, item = re.compile(f"(?:{name}) · (?:{name})"), re.compile(name)
    expect(page.locator("#pairs tbody tr").first).to_contain_text(pair)
    expect(page.locator("#menu_sales tbody tr").first).to_contain_text(item)
    expect(page.locator(".aside", has_text="differ from the shop")).to_be_visible()
    page.locator("#pairs summary").click()
    page.locator("#pairs").get_by_role("link", name="Table, SQL").click()
    expect(page.locator("pre").first).to_contain_text("join lines other")
    page.go_back()
    page.locator("#items .cell a").first.click()
    expect(page.locator(".aside", has_text="can't be filtered by Page")).to_be_visible()
    expect(page.locator("#menu_sales")).to_have_count(0)
