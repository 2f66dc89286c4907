"""Filters by clicks on rows, and the chips that show and remove them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.watched_pages import (
    figures,
    is_first_document,
    mark_document,
    parameters,
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
    expect(page).to_have_title("Trust: Channel is Direct · AnyCompany Café")
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
        expect(page.locator("#moved .empty")).to_contain_text("Comparisons with the weeks before")
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


def open_field(page: Page) -> Locator:
    page.locator("details.filter > summary").click()
    return page.locator(".filter form")


@pytest.mark.parametrize("is_scripted", [True, False])
@pytest.mark.parametrize("tab", ["/", "/trust"])
def test_a_typed_value_of_any_dimension_is_a_filter(
    new_page: Callable[..., Page], tab: str, is_scripted: bool
) -> None:
    page = new_page(f"{tab}?range=7d&device=mobile", java_script_enabled=is_scripted)
    form = open_field(page)
    form.get_by_label("Filter by").select_option("Campaign")
    form.get_by_label("Relation").select_option("is not")
    form.get_by_label("Value").fill("AUTUMN_cakes")
    form.get_by_role("button").click()
    expect(page.locator(".chips")).to_contain_text("Campaign is not autumn_cakes")
    assert parameters(page) == {
        "range": "7d",
        "device": "mobile",
        "not.campaign": "autumn_cakes",
    }


def test_the_field_suggests_values_that_contain_the_text(page: Page) -> None:
    form = open_field(page)
    form.get_by_label("Filter by").select_option("Campaign")
    form.get_by_label("Value").fill("CAKE")
    options = page.locator("#filter-values option")
    expect(options.first).to_have_attribute("value", "autumn_cakes")
    names = options.evaluate_all("all => all.map((one) => one.value)")
    assert all("cake" in name.lower() for name in names)


def test_a_value_that_no_visit_has_is_named_and_leads_to_similar_ones(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d&campaign=autumn")
    message = page.locator("main > .message")
    expect(message).to_contain_text("Campaign “autumn”: no visit in this range.")
    message.get_by_role("link", name="autumn_cakes").click()
    wait_for_parameters(page, range="7d", campaign="autumn_cakes")
    expect(page.locator("main > .message")).to_have_count(0)
    assert visits(page) > 0


def test_a_misspelt_filter_is_refused_with_its_right_name(new_page: Callable[..., Page]) -> None:
    page = new_page("/?chanel=Email")
    expect(page.locator("main.refusal")).to_contain_text("Did you mean channel?")


def test_a_filter_keeps_the_focus_and_is_announced(page: Page) -> None:
    link = row(page, "sources", "Direct").get_by_role("link").first
    scrolled = page.evaluate("document.querySelector('#sources').scrollIntoView(), scrollY")
    for expected in ({"channel": "Direct"}, {}):
        link.focus()
        page.keyboard.press("Enter")
        wait_for_parameters(page, **expected)
        expect(link).to_be_focused()
        shown = "Overview: Channel is Direct" if expected else "Overview"
        expect(page.get_by_role("heading", level=1)).to_have_text(shown)
        expect(page.locator("#announcement")).to_contain_text(f"{shown}, ")
    assert scrolled > 0
    link.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    wait_for_parameters(page, **{"not.channel": "Direct"})
    expect(page.get_by_role("main")).to_be_focused()


def test_a_finger_can_exclude_a_row(new_page: Callable[..., Page]) -> None:
    page = new_page("/", viewport={"width": 390, "height": 800}, has_touch=True, is_mobile=True)
    page.get_by_role("link", name="Exclude Direct").tap()
    wait_for_parameters(page, **{"not.channel": "Direct"})
