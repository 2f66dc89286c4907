"""Filters and ranges: links swap the page without loading it again, and history works."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Route, expect
from tests.browser.cafe_dashboard import LAST, NOW, RunningDashboard
from tests.browser.hostile_lines import plain_visits
from tests.browser.watched_pages import (
    NewPage,
    click,
    figures,
    is_first_document,
    mark_document,
    press,
    row,
    visits,
    wait_for_parameters,
)

from clickstream.lake import Lake
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.pull.host import pull_source

LANDED = {"pages": "landing_page", "landing_page": "/cafe/menu.php"}


def of_bar(page: Page, name: str) -> Locator:
    """The link of a range."""
    return page.locator("nav.range > a", has_text=name)


def test_rows_filter_exclude_and_add_up_and_chips_remove(page: Page) -> None:
    mark_document(page)
    direct, before, shown = row(page, "sources", "Direct"), visits(page), figures(page)
    of_direct = int(direct.locator("td").first.inner_text().replace(",", ""))
    click(direct.get_by_role("link").first, range="7d", channel="Direct")
    expect(page.locator(".chips")).to_contain_text("Channel is Direct")
    assert visits(page) == of_direct < before
    expect(page.locator("#sources tbody tr.chosen")).to_have_count(1)
    landing = page.locator("#pages .choices a", has_text="Landing page")
    click(landing, range="7d", channel="Direct", pages="landing_page")
    menu = row(page, "pages", "Menu").get_by_role("link").first
    click(menu, range="7d", channel="Direct", **LANDED)
    click(page.get_by_role("link", name="Remove the filter Direct"), range="7d", **LANDED)
    click(of_bar(page, "28 days"), range="28d", **LANDED)
    page.locator("nav.tabs a", has_text="Trust").click()
    expect(page).to_have_title("Trust: Landing page is Menu · AnyCompany Café")
    click(page.locator("nav.tabs a", has_text="Overview"), range="28d", **LANDED)
    click(page.get_by_role("link", name="Clear filters"), range="28d", pages="landing_page")
    click(page.locator("#pages .choices a").first, range="28d")
    click(of_bar(page, "7 days"), range="7d")
    assert figures(page) == shown
    direct.hover()
    exclude = page.get_by_role("link", name="Exclude Direct")
    click(exclude, range="7d", **{"not.channel": "Direct"})
    assert visits(page) == before - of_direct
    expect(direct).to_have_count(0)
    assert is_first_document(page)


def test_back_and_forward_show_the_views_that_their_addresses_show(new_page: NewPage) -> None:
    page = new_page("/")
    mark_document(page)
    first, current = figures(page), page.locator("nav.range > a[aria-current]")
    click(of_bar(page, "Today"), range="today")
    click(row(page, "sources", "Direct").get_by_role("link").first, range="today", channel="Direct")
    second, address = figures(page), page.url
    page.locator("nav.tabs a", has_text="Trust").click()
    expect(page).to_have_title("Trust: Channel is Direct · AnyCompany Café")
    page.go_back()
    expect(page).to_have_title("Overview: Channel is Direct · AnyCompany Café")
    assert page.url == address
    assert figures(page) == second == figures(new_page(address))
    page.go_back()
    page.go_back()
    expect(current).to_have_text("7 days")
    assert figures(page) == first
    page.go_forward()
    expect(current).to_have_text("Today")
    assert is_first_document(page)


def draw(page: Page, begin: int, end: int, *, leaves: bool = False) -> None:
    """Draw a range from one place of the chart to another, and release it there or outside."""
    places = page.locator("#trend .wide-chart .places rect")
    first, last = (places.nth(place).bounding_box() for place in (begin, end))
    assert first
    assert last
    page.mouse.move(first["x"] + first["width"] / 2, first["y"] + 80)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] / 2, last["y"] + 90, steps=4)
    expect(page.locator("#trend .wide-chart .places rect.chosen")).to_have_count(2)
    if leaves:
        page.mouse.move(last["x"] + last["width"] / 2, 5, steps=3)
    page.mouse.up()


def test_ranges_are_chosen_typed_stepped_and_drawn(new_page: NewPage) -> None:
    page = new_page("/?metric=page_views&channel=Direct")
    mark_document(page)
    span, menu = page.locator("details.own > summary"), page.locator("details.own")
    rest = {"metric": "page_views", "channel": "Direct"}
    span.click()
    click(page.get_by_role("link", name="Yesterday"), range="yesterday", **rest)
    expect(span).to_have_text("Mon 23 Nov")
    expect(menu).not_to_have_attribute("open", "")
    later = page.get_by_role("link", name="Later")
    click(later, **{"from": "2026-11-24", "to": "2026-11-24"}, **rest)
    span.click()
    page.get_by_label("From", exact=True).fill("2026-11-22")
    whole = {"from": "2026-11-22", "to": "2026-11-24", **rest}
    click(page.get_by_role("button", name="Show"), **whole)
    expect(span).to_have_text("22 Nov – 24 Nov")
    click(page.locator("#trend .wide-chart .places rect").nth(2), **whole)
    draw(page, 0, 1, leaves=True)
    wait_for_parameters(page, **whole | {"to": "2026-11-23"})
    page.go_back()
    wait_for_parameters(page, **whole)
    draw(page, 2, 1)
    wait_for_parameters(page, **whole | {"from": "2026-11-23"})
    assert is_first_document(page)


@pytest.mark.parametrize("is_scripted", [True, False])
def test_a_typed_value_is_suggested_and_filters(new_page: NewPage, is_scripted: bool) -> None:
    page = new_page("/trust?range=7d", java_script_enabled=is_scripted)
    page.locator("details.filter > summary").click()
    form, options = page.locator(".filter form"), page.locator("#filter-values option")
    form.get_by_label("Filter by").select_option("Campaign")
    form.get_by_label("Relation").select_option("is not")
    form.get_by_label("Value").fill("AUTUMN_c")
    if is_scripted:
        expect(options).to_have_count(1)
        expect(options).to_have_attribute("value", "autumn_cakes")
    form.get_by_label("Value").fill("AUTUMN_cakes")
    click(form.get_by_role("button"), range="7d", **{"not.campaign": "autumn_cakes"})
    expect(page.locator(".chips")).to_contain_text("Campaign is not autumn_cakes")


def test_focus_and_scroll_stay_and_the_view_is_announced(page: Page) -> None:
    link = row(page, "sources", "Direct").get_by_role("link").first
    page.evaluate("document.querySelector('#sources').scrollIntoView()")
    scrolled = page.evaluate("scrollY")
    assert scrolled > 0
    for filters in ({"channel": "Direct"}, {}):
        link.focus()
        press(page, "Enter", range="7d", **filters)
        expect(link).to_be_focused()
        shown = "Overview: Channel is Direct" if filters else "Overview"
        expect(page.get_by_role("heading", level=1)).to_have_text(shown)
        expect(page.locator("#announcement")).to_contain_text(f"{shown}, ")
        assert page.evaluate("scrollY") == pytest.approx(scrolled, abs=60)
    link.focus()
    page.keyboard.press("Tab")
    press(page, "Enter", range="7d", **{"not.channel": "Direct"})
    expect(page.get_by_role("main")).to_be_focused()


def test_quick_clicks_modifiers_and_refusals_are_handled_as_browsers_do(page: Page) -> None:
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    with page.context.expect_page() as opened:
        of_bar(page, "Today").click(modifiers=["Control"])
    opened.value.close()
    wait_for_parameters(page)
    page.route("**/?range=7d", hold)
    of_bar(page, "7 days").click()
    click(of_bar(page, "90 days"), range="90d")
    held[0].continue_()
    page.wait_for_timeout(300)
    wait_for_parameters(page, range="90d")
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("90 days")
    page.evaluate("document.querySelector('nav.range > a').setAttribute('href', '?range=forever')")
    page.locator("nav.range > a").first.click()
    expect(page.locator("main.refusal")).to_contain_text("range=forever is not known")
    page.get_by_role("link", name="To the Overview").click()
    expect(page.locator(".tiles")).to_be_visible()


def test_new_facts_appear_without_a_click(
    new_page: NewPage, cafe: RunningDashboard, cafe_lake: Lake
) -> None:
    """25 visits come late, and the newest hour is published again."""
    page = new_page(None)
    page.clock.install()
    page.goto("/?range=today")
    mark_document(page)
    before, choice = visits(page), page.locator("#sources .choices a", has_text="Source").first
    choice.focus()
    [source] = cafe_lake.settings.sources
    lines = plain_visits(LAST.start + timedelta(minutes=5), 25)
    Path(source.path, "late-access.log").write_bytes(b"".join(lines))
    pull_source(cafe_lake, source)
    list(rebuild(cafe_lake, [LAST], "late"))
    refresh_facts(cafe_lake, now=NOW)
    cafe.dashboard.refresher.look()
    page.clock.fast_forward(21_000)
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True)).locator(".value")
    expect(tile).to_have_text(f"{before + 25:,}")
    expect(choice).to_be_focused()
    assert is_first_document(page)
