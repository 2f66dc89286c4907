"""How pages follow each other: history, focus, scroll, tooltips, new facts, lost sessions."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from tests.browser.cafe_dashboard import LAST, NOW, RunningDashboard
from tests.browser.hostile_lines import plain_visits
from tests.browser.watched_pages import (
    figures,
    is_first_document,
    mark_document,
    wait_for_parameters,
)

from clickstream.dashboard.access.accounts import Accounts
from clickstream.lake import Lake
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.pull.host import pull_source

PASSWORD = "four words are long"


def test_back_and_forward_show_the_views_again(page: Page) -> None:
    mark_document(page)
    first = figures(page)
    page.locator("nav.range > a", has_text="7 days").click()
    wait_for_parameters(page, range="7d")
    second = figures(page)
    page.locator("nav.tabs a", has_text="Trust").click()
    expect(page).to_have_title("Trust · AnyCompany Café")
    page.go_back()
    expect(page).to_have_title("Overview · AnyCompany Café")
    wait_for_parameters(page, range="7d")
    assert figures(page) == second
    page.go_back()
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("28 days")
    assert figures(page) == first
    page.go_forward()
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("7 days")
    assert is_first_document(page)


def test_a_view_is_the_same_when_its_address_is_opened(
    page: Page, new_page: Callable[..., Page]
) -> None:
    page.keyboard.press("w")
    wait_for_parameters(page, range="7d")
    page.locator("#sources tbody a").first.click()
    expect(page.locator(".chips")).to_be_visible()
    again = new_page(page.url)
    assert figures(again) == figures(page)


def test_focus_stays_on_the_link_that_was_used(page: Page) -> None:
    link = page.locator("nav.range > a", has_text="7 days")
    link.focus()
    page.keyboard.press("Enter")
    wait_for_parameters(page, range="7d")
    expect(link).to_be_focused()


def test_scroll_stays_where_it_is(page: Page) -> None:
    page.locator("#pages").scroll_into_view_if_needed()
    page.evaluate("scrollTo(0, 500)")
    before = page.evaluate("scrollY")
    page.locator("#pages tbody a").nth(2).click()
    expect(page.locator(".chips")).to_have_count(1)
    assert page.evaluate("scrollY") == pytest.approx(before, abs=60)


def test_the_pointer_shows_a_tooltip_in_place_of_the_browser_s(page: Page) -> None:
    assert page.locator("svg rect > title").count() == 0
    page.locator("#times .wide-chart rect").nth(40).hover()
    tip = page.locator(".tip")
    expect(tip).to_be_visible()
    assert re.search(r"\d", tip.inner_text())
    page.locator("#trend .wide-chart .places rect").nth(7).hover()
    expect(tip).to_contain_text("Nov")
    box, width = tip.bounding_box(), page.evaluate("innerWidth")
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.mouse.move(5, 5)
    expect(tip).to_be_hidden()


def test_the_newest_of_two_quick_clicks_counts(page: Page) -> None:
    release: list[Route] = []

    def hold(route: Route) -> None:
        release.append(route)

    page.route("**/?range=7d", hold)
    page.locator("nav.range > a", has_text="7 days").click()
    page.locator("nav.range > a", has_text="90 days").click()
    wait_for_parameters(page, range="90d")
    release[0].continue_()
    page.wait_for_timeout(300)
    wait_for_parameters(page, range="90d")
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("90 days")


def test_a_link_with_a_modifier_opens_as_browsers_do(page: Page) -> None:
    with page.context.expect_page() as opened:
        page.locator("nav.range > a", has_text="7 days").click(modifiers=["Control"])
    opened.value.wait_for_load_state()
    wait_for_parameters(opened.value, range="7d")
    wait_for_parameters(page)


def test_a_view_that_the_server_refuses_is_shown_as_a_page(page: Page) -> None:
    page.evaluate("document.querySelector('nav.range > a').setAttribute('href', '?range=forever')")
    page.locator("nav.range > a").first.click()
    expect(page.locator("main.refusal")).to_contain_text("range=forever is not known")
    page.get_by_role("link", name="To the Overview").click()
    expect(page.locator(".tiles")).to_be_visible()


@pytest.fixture
def more_visits(cafe: RunningDashboard, cafe_lake: Lake) -> Callable[[], None]:
    """Publishes the newest hour again, with 25 visits that came late."""

    def publish() -> None:
        log = Path(cafe_lake.settings.sources[0].path) / "late-access.log"
        log.write_bytes(b"".join(plain_visits(LAST.start + timedelta(minutes=5), 25)))
        pull_source(cafe_lake, cafe_lake.settings.sources[0])
        list(rebuild(cafe_lake, [LAST], "late"))
        refresh_facts(cafe_lake, now=NOW)
        cafe.dashboard.refresher.look()

    return publish


def test_new_facts_appear_without_a_click(
    new_page: Callable[..., Page], more_visits: Callable[[], None]
) -> None:
    page = new_page(None)
    page.clock.install()
    page.goto("/?range=today")
    mark_document(page)
    tile = page.locator(".tile[aria-current] .value")
    before = int(tile.inner_text().replace(",", ""))
    page.locator("#sources .choices a", has_text="Source").first.focus()
    more_visits()
    page.clock.fast_forward(21_000)
    expect(tile).to_have_text(f"{before + 25:,}")
    assert is_first_document(page)
    expect(page.locator("#sources .choices a", has_text="Source").first).to_be_focused()


def test_a_session_that_has_ended_leads_to_the_login_and_back_to_the_view(page: Page) -> None:
    page.context.clear_cookies()
    page.locator("nav.range > a", has_text="7 days").click()
    expect(page.get_by_role("heading", name="Log in to the dashboard")).to_be_visible()


def test_a_login_by_password_leads_to_the_view_that_was_asked_for(
    cafe: RunningDashboard, new_page: Callable[..., Page]
) -> None:
    directory = cafe.settings.resolve(cafe.settings.dashboard.directory)
    Accounts(directory).add("ana", PASSWORD)
    page = new_page("/trust?range=7d", storage_state=None)
    page.get_by_label("Name").fill("ana")
    page.get_by_label("Password").fill("a wrong password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_contain_text("wrong")
    page.get_by_label("Password").fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_title("Trust · AnyCompany Café")
    wait_for_parameters(page, range="7d")


def test_a_one_time_link_logs_in_once(cafe: RunningDashboard, chromium: Browser) -> None:
    link = cafe.new_link()
    for title in ("Overview · AnyCompany Café", "Log in · AnyCompany Café"):
        context = chromium.new_context()
        page = context.new_page()
        page.goto(link)
        expect(page).to_have_title(title)
        context.close()
