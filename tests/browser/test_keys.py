"""The keyboard: each key of the list does what the list says, and typing is left alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect
from tests.browser.watched_pages import wait_for_parameters


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("d", {"range": "today"}),
        ("e", {"range": "yesterday"}),
        ("w", {"range": "7d"}),
        ("f", {}),
        ("n", {"range": "90d"}),
        ("m", {"range": "month"}),
        ("y", {"range": "year"}),
        ("D", {"range": "today"}),
    ],
)
def test_a_key_chooses_its_range(
    new_page: Callable[..., Page], key: str, expected: dict[str, str]
) -> None:
    page = new_page("/?from=2026-11-20&to=2026-11-21")
    page.keyboard.press(key)
    wait_for_parameters(page, **expected)


def test_x_goes_through_the_comparisons(page: Page) -> None:
    for expected in ({"compare": "year"}, {"compare": "none"}, {}):
        page.keyboard.press("x")
        wait_for_parameters(page, **expected)


def test_arrows_move_the_range(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=yesterday")
    page.keyboard.press("ArrowLeft")
    wait_for_parameters(page, **{"from": "2026-11-22", "to": "2026-11-22"})
    page.keyboard.press("ArrowRight")
    wait_for_parameters(page, **{"from": "2026-11-23", "to": "2026-11-23"})


def test_digits_choose_the_tab(page: Page) -> None:
    page.keyboard.press("7")
    expect(page).to_have_title(re.compile("^Trust"))
    page.keyboard.press("4")
    expect(page).to_have_title(re.compile("^Orders"))
    page.keyboard.press("1")
    expect(page).to_have_title(re.compile("^Overview"))


def test_escape_clears_the_filters(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d&channel=Direct&device=mobile")
    page.keyboard.press("Escape")
    wait_for_parameters(page, range="7d")


def test_escape_closes_an_open_menu_before_it_clears_filters(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?channel=Direct")
    page.locator("details.own > summary").click()
    page.keyboard.press("Escape")
    expect(page.locator("details.own")).not_to_have_attribute("open", "")
    expect(page.locator("details.own > summary")).to_be_focused()
    wait_for_parameters(page, channel="Direct")
    page.keyboard.press("Escape")
    wait_for_parameters(page)


def test_a_question_mark_lists_the_keys_and_escape_closes_the_list(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?channel=Direct")
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    expect(dialog).to_be_visible()
    expect(dialog.locator("kbd")).to_have_count(6)
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    wait_for_parameters(page, channel="Direct")


def test_the_button_lists_the_keys_too(page: Page) -> None:
    page.get_by_role("button", name="Shortcuts: press ?").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    page.get_by_role("button", name="Close").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).not_to_be_visible()


def test_keys_in_a_field_and_with_modifiers_are_left_alone(page: Page) -> None:
    page.locator("details.own > summary").click()
    page.get_by_label("From", exact=True).press("ArrowLeft")
    page.get_by_label("From", exact=True).press("d")
    page.locator("footer").click(position={"x": 5, "y": 5})
    page.keyboard.press("Control+d")
    page.keyboard.press("Alt+e")
    wait_for_parameters(page)


def test_everything_can_be_reached_by_tab(page: Page) -> None:
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the figures")).to_be_in_viewport()
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
    assert {"Overview", "Trust", "Today", "7 days"} <= {*names}
    assert any("Exclude" in name or name == "≠" for name in names)
