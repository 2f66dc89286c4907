"""The range, what it is compared with, and the main chart's metric and grain."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.watched_pages import is_first_document, mark_document, wait_for_parameters

SHOWN = re.compile(r"true|page")


def open_menu(page: Page, name: str) -> None:
    page.locator(f"details.{name} > summary").click()


def places(page: Page):
    return page.locator("#trend .wide-chart .places rect")


def test_each_range_of_the_bar_is_shown_without_loading_the_document_again(page: Page) -> None:
    mark_document(page)
    for label, name, span in (
        ("Today", "today", "Tue 24 Nov"),
        ("7 days", "7d", "18 Nov – 24 Nov"),
        ("90 days", "90d", "16 Nov – 24 Nov"),
    ):
        page.locator("nav.range > a", has_text=label).click()
        wait_for_parameters(page, range=name)
        expect(page.locator("details.own > summary")).to_have_text(span)
        expect(page.locator("nav.range > a[aria-current]")).to_have_text(label)
    page.locator("nav.range > a", has_text="28 days").click()
    wait_for_parameters(page)
    assert is_first_document(page)


@pytest.mark.parametrize(
    ("label", "name", "span"),
    [
        ("Yesterday", "yesterday", "Mon 23 Nov"),
        ("This month", "month", "16 Nov – 30 Nov"),
        ("This year", "year", "16 Nov – 31 Dec"),
    ],
)
def test_the_menu_has_the_other_ranges(page: Page, label: str, name: str, span: str) -> None:
    open_menu(page, "own")
    page.get_by_role("link", name=label).click()
    wait_for_parameters(page, range=name)
    expect(page.locator("details.own > summary")).to_have_text(span)
    expect(page.locator("details.own")).not_to_have_attribute("open", "")


def test_the_form_shows_an_own_range_and_keeps_the_rest_of_the_view(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d&metric=page_views&by=hour&channel=Direct")
    mark_document(page)
    open_menu(page, "own")
    page.get_by_label("From", exact=True).fill("2026-11-22")
    page.get_by_label("To", exact=True).fill("2026-11-23")
    page.get_by_role("button", name="Show").click()
    dates = {"from": "2026-11-22", "to": "2026-11-23"}
    wait_for_parameters(page, **dates, metric="page_views", channel="Direct")
    expect(page.locator("details.own > summary")).to_have_text("22 Nov – 23 Nov")
    assert is_first_document(page)


def test_the_steps_lead_to_the_days_before_and_back(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d")
    page.get_by_role("link", name="Earlier").click()
    wait_for_parameters(page, **{"from": "2026-11-11", "to": "2026-11-17"})
    page.get_by_role("link", name="Later").click()
    wait_for_parameters(page, **{"from": "2026-11-18", "to": "2026-11-24"})
    page.get_by_role("link", name="Later").click()
    wait_for_parameters(page, **{"from": "2026-11-18", "to": "2026-11-24"})


@pytest.mark.parametrize("ends", [(1, 3), (3, 1)], ids=["forwards", "backwards"])
def test_a_range_is_drawn_on_the_chart(
    new_page: Callable[..., Page], ends: tuple[int, int]
) -> None:
    page = new_page("/?range=7d&by=day&metric=page_views")
    begin, end = (places(page).nth(place).bounding_box() for place in ends)
    assert begin is not None
    assert end is not None
    page.mouse.move(begin["x"] + begin["width"] / 2, begin["y"] + 80)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 90, steps=6)
    expect(page.locator("#trend .wide-chart .places rect.chosen")).to_have_count(3)
    page.mouse.up()
    dates = {"from": "2026-11-19", "to": "2026-11-21"}
    wait_for_parameters(page, **dates, metric="page_views")
    expect(places(page)).to_have_count(3)


def test_a_click_on_the_chart_draws_no_range(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d")
    places(page).nth(2).click()
    wait_for_parameters(page, range="7d")


def test_a_range_that_is_drawn_and_left_outside_the_chart_counts(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d")
    begin, end = (places(page).nth(place).bounding_box() for place in (0, 1))
    assert begin is not None
    assert end is not None
    page.mouse.move(begin["x"] + 10, begin["y"] + 80)
    page.mouse.down()
    page.mouse.move(end["x"] + end["width"] / 2, end["y"] + 80, steps=4)
    page.mouse.move(end["x"] + end["width"] / 2, 5, steps=4)
    page.mouse.up()
    wait_for_parameters(page, **{"from": "2026-11-18", "to": "2026-11-19"})


def test_the_comparison_is_chosen_in_its_menu(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=yesterday")
    expect(page.locator("details.compare > summary")).to_have_text("vs Mon 16 Nov")
    before = page.locator(".tile .hint", has_text="before:")
    expect(before.first).to_be_visible()
    expect(page.locator("#trend .wide-chart path.then")).not_to_have_count(0)
    open_menu(page, "compare")
    page.get_by_role("link", name="Don't compare").click()
    wait_for_parameters(page, range="yesterday", compare="none")
    expect(before).to_have_count(0)
    expect(page.locator("#trend path.then")).to_have_count(0)
    open_menu(page, "compare")
    page.get_by_role("link", name="Compare with last year").click()
    wait_for_parameters(page, range="yesterday", compare="year")
    expect(page.locator("details.compare > summary")).to_have_text("Nothing to compare with")


def test_today_is_compared_with_the_same_hours(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=today")
    expect(page.locator(".tile .hint", has_text="before:").first).to_be_visible()
    page.locator("#trend .as-table summary").click()
    rows = page.locator("#trend .as-table tbody tr")
    expect(rows.nth(0)).to_contain_text("00:00")


@pytest.mark.parametrize(
    ("label", "grain", "many"), [("by hour", "hour", 168), ("by week", "week", 2)]
)
def test_the_grain_of_the_chart_is_chosen(
    new_page: Callable[..., Page], label: str, grain: str, many: int
) -> None:
    page = new_page("/?range=7d")
    page.locator("#trend .choices a", has_text=label).click()
    wait_for_parameters(page, range="7d", by=grain)
    expect(places(page)).to_have_count(many)
    expect(page.locator("#trend .choices [aria-current]")).to_have_text(label)


def test_each_tile_puts_its_metric_on_the_chart(page: Page) -> None:
    labels = page.locator(".tile .label").all_inner_texts()
    assert len(labels) == 8
    for label in labels:
        page.locator(".tile", has=page.get_by_text(label, exact=True)).click()
        expect(page.locator("#trend-title")).to_have_text(label)
        expect(page.locator(".tile[aria-current] .label")).to_have_text(label)


def test_a_tile_keeps_the_chosen_grain(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d&by=hour")
    page.locator(".tile", has_text="Page views").click()
    wait_for_parameters(page, range="7d", metric="page_views", by="hour")
