"""An owner's first look: login, key figures, the chart, reasons, panels, and the keyboard."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, expect
from tests.browser.cafe_dashboard import RunningDashboard
from tests.browser.watched_pages import (
    NewPage,
    grave_faults,
    is_first_document,
    mark_document,
    press,
    visits,
    wait_for_parameters,
)

from clickstream.dashboard.access.accounts import Accounts

PASSWORD = "four words are long"


def test_an_owner_logs_in_by_a_link_once_and_by_a_password(
    cafe: RunningDashboard, chromium: Browser, new_page: NewPage
) -> None:
    link = cafe.new_link()
    for title in ("Overview · AnyCompany Café", "Log in · AnyCompany Café"):
        with chromium.new_context() as context:
            page = context.new_page()
            page.goto(link)
            expect(page).to_have_title(title)
    Accounts(cafe.settings.resolve(cafe.settings.dashboard.directory)).add("ana", PASSWORD)
    page = new_page("/trust?range=7d", storage_state=None, color_scheme="dark")
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    assert grave_faults(page) == []
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_title("Trust · AnyCompany Café")
    wait_for_parameters(page, range="7d")
    page.context.clear_cookies()
    page.locator("nav.tabs a", has_text="Overview").click()
    expect(page.get_by_role("heading", name="Log in to the dashboard")).to_be_visible()


def test_tiles_the_chart_and_tooltips_show_the_numbers(page: Page) -> None:
    mark_document(page)
    labels = page.locator(".tile .label").all_inner_texts()
    assert labels == ["Net sales", "Orders", "Visits", "Order rate"]
    for label in (*labels, "Visits"):
        page.locator(".tile", has=page.get_by_text(label, exact=True)).click()
        expect(page.locator("#trend-title")).to_have_text(label)
    page.locator("#trend .as-table summary").click()
    values = page.locator("#trend .as-table tbody td:first-of-type").all_inner_texts()
    assert sum(int(value.replace(",", "")) for value in values) == visits(page)
    assert page.locator("svg rect > title").count() == 0
    tip, places = page.locator(".tip"), page.locator("#trend .wide-chart .places rect")
    page.locator("#times .wide-chart rect").nth(40).hover()
    expect(tip).to_have_text(re.compile(r"\d"))
    places.last.hover()
    expect(tip).to_contain_text("24 Nov")
    box = tip.bounding_box()
    assert box is not None
    assert box["x"] + box["width"] <= page.evaluate("innerWidth")
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()
    page.locator("#trend .choices a", has_text="by hour").click()
    expect(places).to_have_count(72)
    assert is_first_document(page)


def test_notes_and_the_line_of_trust_lead_to_their_reasons(new_page: NewPage) -> None:
    page = new_page("/?range=7d")
    parts = page.locator(".trust a")
    for place in range(parts.count()):
        anchor = (parts.nth(place).get_attribute("href") or "").partition("#")[2]
        parts.nth(place).click()
        expect(page).to_have_title(re.compile("^Trust"))
        wait_for_parameters(page, range="7d")
        expect(page.locator(f"#{anchor}")).to_be_in_viewport()
        page.go_back()
        expect(page).to_have_title(re.compile("^Overview"))
    page.locator(".notes a", has_text="40 server errors").click()
    expect(page.locator("#errors")).to_be_in_viewport()
    expect(page.locator("#errors")).to_contain_text("Order form · 500")


def test_a_panel_has_choices_definitions_all_rows_a_file_and_the_answer_of_athena(
    new_page: NewPage,
) -> None:
    page = new_page("/?range=7d&channel=Direct")
    mark_document(page)
    choice = page.locator("#pages .choices a", has_text="Landing page")
    choice.scroll_into_view_if_needed()
    scrolled = page.evaluate("scrollY")
    choice.click()
    wait_for_parameters(page, range="7d", channel="Direct", pages="landing_page")
    assert page.evaluate("scrollY") == scrolled
    assert urlsplit(page.url).fragment == "pages"
    on_panel = page.locator("#pages tbody td:first-of-type").first.inner_text()
    menu = page.locator("#pages .about")
    page.locator("details.own > summary").click()
    menu.locator("> summary").click()
    expect(page.locator("details.own")).not_to_have_attribute("open", "")
    expect(menu.locator("dd").first).to_contain_text("Visits with at least one page view")
    with page.expect_download() as found:
        menu.get_by_role("link", name="CSV").click()
    assert found.value.suggested_filename == "pages-2026-11-22-2026-11-24.csv"
    assert is_first_document(page)
    menu.get_by_role("link", name="Table, SQL and ask Athena").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Top pages")
    assert page.locator(".figures tbody td").first.inner_text() == on_panel
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")
    assert grave_faults(page) == []
    page.keyboard.press("Escape")
    expect(page).to_have_title(re.compile("^Overview"))
    wait_for_parameters(page, range="7d", channel="Direct", pages="landing_page")


def test_keys_choose_tabs_ranges_and_comparisons_and_leave_typing_alone(new_page: NewPage) -> None:
    page = new_page("/?from=2026-11-22&to=2026-11-23")
    mark_document(page)
    ranges = {"d": "today", "e": "yesterday", "w": "7d", "n": "90d", "m": "month", "y": "year"}
    for key, name in ranges.items():
        press(page, key, range=name)
    press(page, "E", range="yesterday")
    press(page, "ArrowLeft", **{"from": "2026-11-22", "to": "2026-11-22"})
    press(page, "ArrowRight", **{"from": "2026-11-23", "to": "2026-11-23"})
    press(page, "f", range="28d")
    press(page, "x", range="28d", compare="year")
    press(page, "x", range="28d", compare="none")
    press(page, "x", range="28d")
    for key, tab in (("7", "Trust"), ("4", "Orders"), ("1", "Overview")):
        page.keyboard.press(key)
        expect(page).to_have_title(re.compile(f"^{tab}"))
    page.locator("#sources tbody a").first.click()
    expect(page.locator(".chips")).to_be_visible()
    menu = page.locator("details.own")
    menu.locator("> summary").click()
    page.get_by_label("From", exact=True).press("ArrowLeft")
    page.get_by_label("From", exact=True).press("d")
    menu.locator("> summary").focus()
    page.keyboard.press("Control+d")
    page.keyboard.press("Alt+e")
    page.keyboard.press("Escape")
    expect(menu).not_to_have_attribute("open", "")
    expect(menu.locator("> summary")).to_be_focused()
    expect(page.locator(".chips")).to_be_visible()
    press(page, "Escape", range="28d")
    assert is_first_document(page)


def test_the_list_of_keys_and_all_links_are_reached_by_the_keyboard(new_page: NewPage) -> None:
    page = new_page("/?channel=Direct")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the figures")).to_be_in_viewport()
    names = []
    for _ in range(60):
        page.keyboard.press("Tab")
        names.append(page.evaluate("document.activeElement.textContent.trim().slice(0, 20)"))
    assert {"Overview", "Trust", "Today", "7 days"} <= {*names}
    assert any("Exclude" in name or name == "≠" for name in names)
    dialog = page.get_by_role("dialog", name="Keyboard shortcuts")
    page.get_by_role("button", name="Shortcuts: press ?").click()
    page.get_by_role("button", name="Close").click()
    expect(dialog).not_to_be_visible()
    for opened in ("#trend .as-table", "#times .as-table", "details.filter"):
        page.locator(f"{opened} > summary").click()
    page.keyboard.press("?")
    expect(dialog.locator("kbd")).to_have_count(6)
    assert grave_faults(page) == []
    page.keyboard.press("d")
    page.keyboard.press("Escape")
    expect(dialog).not_to_be_visible()
    assert grave_faults(page) == []
    wait_for_parameters(page, channel="Direct")
