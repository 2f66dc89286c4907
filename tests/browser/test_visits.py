"""From a number to its visits, to one visit, and to its log lines, with JavaScript and without."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect
from tests.browser.watched_pages import NewPage, grave_faults, scrolls_sideways

ROWS = ".visit-rows tbody tr"
TEXT_OF_900 = "one => { one.textContent = '500 /' + 'e'.repeat(900) }"


@pytest.mark.parametrize("is_scripted", [True, False], ids=["script", "plain"])
def test_the_visits_that_failed_at_the_order_form_lead_to_their_log_lines(
    new_page: NewPage, is_scripted: bool
) -> None:
    page = new_page("/orders?range=7d", java_script_enabled=is_scripted, color_scheme="dark")
    failed = page.locator(".funnel li").nth(1).locator(".trouble")
    expect(failed).to_contain_text("500 ×")
    count = re.match(r"\d+", failed.inner_text())
    assert count
    failed.get_by_role("link", name="show them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{count[0]} visits")
    expect(page.locator(ROWS)).to_have_count(int(count[0]))
    assert all("500" in row for row in page.locator(f"{ROWS} .visit-met").all_inner_texts())
    page.locator(f"{ROWS} a").first.click()
    expect(page.locator(".moments .failed")).to_have_count(1)
    page.get_by_role("button", name="Show the log lines").click()
    lines = page.locator(".log-lines code")
    expect(lines.first).to_be_visible()
    assert any('" 500 ' in line for line in lines.all_inner_texts())
    assert all(line.startswith("[…] - - [") for line in lines.all_inner_texts())
    assert not is_scripted or grave_faults(page) == []
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator(ROWS)).to_have_count(int(count[0]))


def test_a_list_has_its_own_style_sheet_and_is_filtered_turned_and_left(new_page: NewPage) -> None:
    page = new_page("/?range=7d&channel=Direct")
    count = page.locator(".tile[aria-current] .value").inner_text()
    page.get_by_role("link", name="Show these visits").click()
    heading, links = page.get_by_role("heading", level=1), page.locator(f"{ROWS} a")
    expect(heading).to_have_text(f"{count} visits")
    layout = "one => getComputedStyle(one).tableLayout"
    assert page.locator(".visit-rows").evaluate(layout) == "fixed"
    page.get_by_role("link", name="Met a goal").click()
    expect(page.locator(".chips b")).to_have_text(["Direct", "yes"])
    page.go_back()
    expect(heading).to_have_text(f"{count} visits")
    first = links.evaluate_all("all => all.map((one) => one.href)")
    page.get_by_role("link", name="Older visits").click()
    page.wait_for_url("**before=**")
    expect(page.get_by_role("link", name="Newest visits")).to_be_visible()
    assert not {*first} & {*links.evaluate_all("all => all.map((one) => one.href)")}
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".tile[aria-current] .value")).to_have_text(count)


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_name_of_an_error_takes_few_lines(new_page: NewPage, width: int) -> None:
    page = new_page("/visits?range=7d&met_error=yes", viewport={"width": width, "height": 900})
    row, times = page.locator(ROWS).first, page.locator(f"{ROWS} .visit-at")
    row.locator(".pill").last.evaluate(TEXT_OF_900)
    assert times.evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")
    assert row.evaluate("one => one.getBoundingClientRect().height") < 150
    assert not scrolls_sideways(page)
