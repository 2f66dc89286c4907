"""Filters by clicks on rows, and the chips that show and remove them."""

from __future__ import annotations

from collections.abc import Callable

from playwright.sync_api import Locator, Page, expect
from tests.browser.watched_pages import (
    figures,
    is_first_document,
    mark_document,
    wait_for_parameters,
)


def row(page: Page, panel: str, name: str) -> Locator:
    return page.locator(f"#{panel} tr", has=page.get_by_text(name, exact=True))


def chip(page: Page, name: str) -> Locator:
    return page.locator(".chips li", has_text=name)


def visits(page: Page) -> int:
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    return int(tile.locator(".value").inner_text().replace(",", ""))


def test_a_click_on_a_row_filters_every_panel(page: Page) -> None:
    mark_document(page)
    before = visits(page)
    only = row(page, "sources", "Direct").locator("td").first.inner_text()
    row(page, "sources", "Direct").get_by_role("link").first.click()
    wait_for_parameters(page, channel="Direct")
    expect(chip(page, "Direct")).to_contain_text("Channel is Direct")
    assert f"{visits(page):,}" == only
    assert visits(page) < before
    expect(page.locator("#sources tbody tr")).to_have_count(1)
    expect(page.locator("#sources tr.chosen")).to_have_count(1)
    assert is_first_document(page)


def test_a_second_click_on_the_row_removes_the_filter(page: Page) -> None:
    before = figures(page)
    row(page, "sources", "Direct").get_by_role("link").first.click()
    wait_for_parameters(page, channel="Direct")
    row(page, "sources", "Direct").get_by_role("link").first.click()
    wait_for_parameters(page)
    assert figures(page) == before


def test_two_values_of_a_dimension_are_added_up(new_page: Callable[..., Page]) -> None:
    one, other = new_page("/?channel=Direct"), new_page("/?channel=Email")
    both = new_page("/?channel=Direct&channel=Email")
    assert visits(both) == visits(one) + visits(other)
    expect(both.locator(".chips li:not(.clear)")).to_have_count(2)
    chip(both, "Email").get_by_role("link").click()
    wait_for_parameters(both, channel="Direct")
    assert visits(both) == visits(one)


def test_the_sign_of_a_row_excludes_it(page: Page) -> None:
    before = visits(page)
    shown = row(page, "sources", "Direct").locator("td").first.inner_text()
    row(page, "sources", "Direct").hover()
    page.get_by_role("link", name="Exclude Direct").click()
    wait_for_parameters(page, **{"not.channel": "Direct"})
    expect(chip(page, "Direct")).to_contain_text("Channel is not Direct")
    assert visits(page) == before - int(shown.replace(",", ""))
    expect(row(page, "sources", "Direct")).to_have_count(0)


def test_filters_of_two_dimensions_hold_together(page: Page) -> None:
    row(page, "sources", "Direct").get_by_role("link").first.click()
    wait_for_parameters(page, channel="Direct")
    page.locator("#pages .choices a", has_text="Landing page").click()
    wait_for_parameters(page, channel="Direct", pages="landing_page")
    row(page, "pages", "Menu").get_by_role("link").first.click()
    wait_for_parameters(page, channel="Direct", pages="landing_page", landing_page="/cafe/menu.php")
    expect(page.locator(".chips li:not(.clear)")).to_have_count(2)
    page.get_by_role("link", name="Clear filters").click()
    wait_for_parameters(page, pages="landing_page")
    expect(page.locator(".chips")).to_have_count(0)


def test_a_chip_removes_its_value_only(new_page: Callable[..., Page]) -> None:
    page = new_page("/?channel=Direct&device=mobile&not.country=GB")
    page.get_by_role("link", name="Remove the filter mobile").click()
    wait_for_parameters(page, **{"channel": "Direct", "not.country": "GB"})


def test_filters_stay_when_range_and_tab_change(new_page: Callable[..., Page]) -> None:
    page = new_page("/?channel=Direct")
    page.locator("nav.range > a", has_text="7 days").click()
    wait_for_parameters(page, range="7d", channel="Direct")
    page.locator("nav.tabs a", has_text="Trust").click()
    wait_for_parameters(page, range="7d", channel="Direct")
    expect(page).to_have_title("Trust · AnyCompany Café")
    page.locator("nav.tabs a", has_text="Overview").click()
    wait_for_parameters(page, range="7d", channel="Direct")


def test_visits_without_a_value_are_a_row_to_filter_by(new_page: Callable[..., Page]) -> None:
    page = new_page("/?sources=campaign")
    shown = row(page, "sources", "(none)").locator("td").first.inner_text()
    row(page, "sources", "(none)").get_by_role("link").first.click()
    wait_for_parameters(page, sources="campaign", campaign="~")
    assert f"{visits(page):,}" == shown


def test_a_goal_filters_the_visits_that_met_it(page: Page) -> None:
    page.locator("#goals a", has_text="order").first.click()
    wait_for_parameters(page, goal="order")
    expect(chip(page, "order")).to_be_visible()
    expect(page.locator(".tile", has_text="Order rate")).to_contain_text("100.0%")


def test_what_moved_filters_by_its_value(new_page: Callable[..., Page]) -> None:
    page = new_page("/?from=2026-11-23&to=2026-11-24&compare=previous")
    movers = page.locator("#moved .movers a")
    if not movers.count():
        expect(page.locator("#moved .empty")).to_contain_text("No change is larger")
        return
    movers.first.click()
    expect(page.locator(".chips li:not(.clear)")).to_have_count(1)


def test_a_filter_that_no_visit_meets_leaves_a_sentence_in_each_panel(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d&campaign=no-such-campaign")
    for panel in ("sources", "pages", "times"):
        expect(page.locator(f"#{panel} .empty")).to_contain_text("No visits in this range")
    assert visits(page) == 0
