"""Saved views: a name for a URL, in a menu of the bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.cafe_dashboard import RunningDashboard
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import open_at
from tests.browser.test_notes import HOSTILE, remove_entries, with_and_without_javascript
from tests.browser.watched_pages import is_first_document, mark_document, wait_for_parameters

from clickstream.dashboard.entries.saved_views import SavedView
from clickstream.dashboard.entries.store import EntryStore
from clickstream.dashboard.questions.view import View

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)
NewPage = Callable[..., Page]


@pytest.fixture
def store(cafe: RunningDashboard) -> Iterator[EntryStore]:
    """The notes and views of the dashboard; there are none before and after a test."""
    directory = cafe.settings.resolve(cafe.settings.dashboard.directory)
    yield EntryStore(directory)
    remove_entries(directory)


def save(store: EntryStore, name: str, view: View | None = None) -> None:
    store.views.add(SavedView.save(name, view or View(), "ben", NOW), NOW)


def open_menu(page: Page) -> Locator:
    page.locator(".views > summary").click()
    return page.locator(".views > div")


@with_and_without_javascript
def test_a_view_is_saved_found_removed_and_restored(
    store: EntryStore, new_page: NewPage, javascript: bool
) -> None:
    page = new_page("/trust?range=7d", java_script_enabled=javascript)
    menu = open_menu(page)
    expect(menu.get_by_label("Name")).to_have_value("Trust · 7 days")
    menu.get_by_label("Name").fill("Monday check")
    menu.get_by_role("button", name="Save this view").click()
    expect(page).to_have_title("Trust · AnyCompany Café")
    page.goto("/?range=90d")
    open_menu(page).get_by_role("link", name="Monday check").click()
    expect(page).to_have_title("Trust · AnyCompany Café")
    wait_for_parameters(page, range="7d")
    open_menu(page)
    expect(menu.locator("[aria-current]")).to_have_text("Monday check")
    menu.locator(".remove > summary").click()
    menu.get_by_role("button", name="Remove this view").click()
    expect(page.get_by_role("status")).to_contain_text("The view “Monday check” is removed.")
    page.get_by_role("button", name="Undo").click()
    wait_for_parameters(page, range="7d")
    expect(open_menu(page).get_by_role("link", name="Monday check")).to_be_visible()


def test_views_are_sorted_and_swap_the_page(store: EntryStore, new_page: NewPage) -> None:
    save(store, "beta", View(range="7d"))
    save(store, "Alpha", View("trust"))
    save(store, "gamma", View().with_filter("channel", "Direct"))
    page = new_page("/?range=7d")
    mark_document(page)
    menu = open_menu(page)
    assert menu.locator(".options li > a").all_inner_texts() == ["Alpha", "beta", "gamma"]
    expect(menu.locator("[aria-current]")).to_have_text("beta")
    menu.get_by_role("link", name="gamma").click()
    wait_for_parameters(page, channel="Direct")
    expect(page.locator(".chips")).to_contain_text("Direct")
    page.go_back()
    wait_for_parameters(page, range="7d")
    assert is_first_document(page)


def test_a_saved_view_of_a_parameter_that_is_no_longer_known_leaves_the_page(
    store: EntryStore, new_page: NewPage
) -> None:
    old = SavedView("1", "Old", "overview", "?range=fortnight", "ben", NOW)
    store.views.add(old, NOW)
    page = new_page("/")
    open_menu(page).get_by_role("link", name="Old").click()
    expect(page.locator("main.refusal")).to_contain_text("range=fortnight is not known")


def test_a_name_that_is_taken_is_refused_with_what_to_do(
    store: EntryStore, new_page: NewPage
) -> None:
    save(store, "Monday", View("trust"))
    page = new_page("/?range=7d")
    menu = open_menu(page)
    menu.get_by_label("Name").fill("monday")
    page.keyboard.press("Enter")
    expect(page.locator("main.refusal")).to_contain_text("There is a view named 'Monday' already")
    page.go_back()
    wait_for_parameters(page, range="7d")


def test_a_hostile_name_is_text(store: EntryStore, new_page: NewPage) -> None:
    page = new_page("/")
    menu = open_menu(page)
    menu.get_by_label("Name").fill(HOSTILE[:40])
    page.keyboard.press("Enter")
    expect(open_menu(page).locator(".options a")).to_have_text(HOSTILE[:40])


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_menu_has_no_serious_fault(store: EntryStore, new_page: NewPage, scheme: str) -> None:
    save(store, "Alpha")
    save(store, "Beta", View("trust"))
    page = new_page("/", color_scheme=scheme)
    menu = open_menu(page)
    menu.locator(".remove > summary").first.click()
    assert grave_faults(page) == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_the_menu_opens_inside_the_screen(store: EntryStore, new_page: NewPage, width: int) -> None:
    for number in range(12):
        save(store, f"{'W' * 36} {number}", View("trust"))
    page = open_at(new_page, "/?range=7d", width)
    menu = open_menu(page)
    menu.locator(".remove > summary").first.click()
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert menu.evaluate("menu => menu.scrollWidth <= menu.clientWidth + 1")
    page.keyboard.press("Escape")
    expect(page.locator(".views")).not_to_have_attribute("open", "")
