"""From a number to its visits, to one visit, and to its log lines, with JavaScript and without."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Page, expect
from tests.browser.cafe_dashboard import ATTACKED, RunningDashboard
from tests.browser.hostile_lines import CAMPAIGNS, MOST_VISITS
from tests.browser.test_accessibility import grave_faults
from tests.support.tiers import first_in_make_test

from clickstream.wording import printable

WEEK = "range=7d"
ROWS = ".visit-rows tbody tr"
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


@pytest.mark.parametrize("has_script", [True, False])
def test_the_visits_that_failed_at_the_order_form_are_rows(
    new_page: Callable[..., Page], has_script: bool
) -> None:
    """And each of them leads to its log lines."""
    page = new_page(f"/orders?{WEEK}", java_script_enabled=has_script)
    failed = page.locator(".funnel li").nth(1).locator(".trouble")
    number = re.match(r"\d+", failed.inner_text())
    assert number
    failed.get_by_role("link", name="show them").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{number[0]} visits")
    expect(page.locator(ROWS)).to_have_count(int(number[0]))
    assert all("500" in row for row in page.locator(f"{ROWS} .visit-met").all_inner_texts())
    page.locator(f"{ROWS} a").first.click()
    expect(page.locator(".moments .failed")).to_have_count(1)
    expect(page.locator(".moments .failed")).to_contain_text("500")
    page.get_by_role("button", name="Show the log lines").click()
    lines = page.locator(".log-lines code")
    expect(lines.first).to_be_visible()
    assert any('" 500 ' in line for line in lines.all_inner_texts())
    assert all(line.startswith("[…] - - [") for line in lines.all_inner_texts())
    page.get_by_role("link", name="Back to the list").click()
    expect(page.locator(ROWS)).to_have_count(int(number[0]))


def test_a_filter_leads_to_its_visits_and_back(new_page: Callable[..., Page]) -> None:
    page = new_page(f"/?{WEEK}&channel=Email")
    visits = page.locator(".tile[aria-current] .value").inner_text()
    page.get_by_role("link", name="Show these visits").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{visits} visits")
    assert (
        page.locator(".visit-rows").evaluate("one => getComputedStyle(one).tableLayout") == "fixed"
    )
    page.get_by_role("link", name="Met a goal").click()
    expect(page.locator(".chips b")).to_have_text(["Email", "yes"])
    page.go_back()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{visits} visits")
    page.get_by_role("link", name="Overview").click()
    expect(page.locator(".tile[aria-current] .value")).to_have_text(visits)


def test_pages_of_the_list_follow_each_other(new_page: Callable[..., Page]) -> None:
    page = new_page(f"/visits?{WEEK}")
    first = page.locator(f"{ROWS} a").evaluate_all("all => all.map((one) => one.href)")
    page.get_by_role("link", name="Older visits").click()
    page.wait_for_url("**before=**")
    expect(page.get_by_role("link", name="Newest visits")).to_be_visible()
    second = page.locator(f"{ROWS} a").evaluate_all("all => all.map((one) => one.href)")
    assert len({*first, *second}) == 100
    page.get_by_role("link", name="28 days").click()
    expect(page.get_by_role("link", name="Newest visits")).to_have_count(0)


@pytest.mark.parametrize("panel", ["times", "trend", "failures", "items", "acquisition"])
def test_numbers_of_a_panel_s_page_lead_to_as_many_visits(
    new_page: Callable[..., Page], panel: str
) -> None:
    page = new_page(f"/panels/{panel}?{WEEK}")
    for link in (page.locator("td a.visits").first, page.locator("td a.visits").last):
        number, target = link.inner_text(), link.evaluate("link => link.href")
        listed = new_page(target)
        heading = listed.get_by_role("heading", level=1)
        expect(heading).to_have_text(re.compile(rf"^{number} visits?$"))


def test_hostile_texts_are_inert_in_the_list_and_in_a_visit(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    day = ATTACKED.date()
    page = new_page(None)
    for rank, campaign in enumerate(CAMPAIGNS):
        page.goto(f"/visits?{urlencode({'from': day, 'to': day, 'campaign': campaign})}")
        expect(page.locator(ROWS)).to_have_count(MOST_VISITS - rank)
        expect(page.locator(ROWS).first).to_contain_text(printable(campaign))
        assert page.locator("main script, main img").count() == 0
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV").click()
    found.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8", newline="") as lines:
        cells = [cell for row in csv.reader(lines) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]
    page.locator(f"{ROWS} a").first.click()
    page.get_by_role("button", name="Show the log lines").click()
    expect(page.locator(".log-lines code").first).to_be_visible()
    assert page.locator("main script, main img").count() == 0


@pytest.mark.parametrize(
    "options", first_in_make_test([{"color_scheme": "dark"}, PHONE, {"color_scheme": "light"}])
)
def test_visits_have_no_serious_fault_and_fit_the_screen(
    new_page: Callable[..., Page], options: dict
) -> None:
    page = new_page(f"/visits?{WEEK}", **options)
    for name in ("list", "errors", "visit", "lines"):
        if name == "errors":
            page.goto(f"/visits?{WEEK}&met_error=yes")
        if name == "visit":
            page.locator(f"{ROWS} a").first.click()
            expect(page.locator(".moments")).to_be_visible()
        if name == "lines":
            page.get_by_role("button", name="Show the log lines").click()
            expect(page.locator(".log-lines code").first).to_be_visible()
        assert grave_faults(page) == [], name
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), name


def test_visits_need_a_login(new_page: Callable[..., Page], cafe: RunningDashboard) -> None:
    owner = new_page(f"/visits?{WEEK}")
    path = owner.locator(f"{ROWS} a").first.get_attribute("href")
    stranger = new_page(f"/visits?{WEEK}", storage_state=None)
    expect(stranger.get_by_label("Password")).to_be_visible()
    stranger.goto(f"/{path}")
    expect(stranger.get_by_label("Password")).to_be_visible()
    assert cafe.url in stranger.url


@pytest.mark.parametrize("width", [360, 1280])
def test_a_long_name_of_an_error_takes_one_line(new_page: Callable[..., Page], width: int) -> None:
    page = new_page(f"/visits?{WEEK}&met_error=yes", viewport={"width": width, "height": 900})
    row = page.locator(ROWS).first
    row.locator(".pill").last.evaluate("one => { one.textContent = '500 /' + 'e'.repeat(900) }")
    times = page.locator(f"{ROWS} .visit-at")
    assert times.evaluate_all("all => all.every((one) => one.scrollWidth <= one.clientWidth)")
    assert row.evaluate("one => one.getBoundingClientRect().height") < 150
    assert page.evaluate("document.documentElement.scrollWidth") <= width
