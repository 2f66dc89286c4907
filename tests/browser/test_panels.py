"""Panels: their choices, definitions, own pages and CSV files, and the question to Athena."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.browser.watched_pages import is_first_document, mark_document, wait_for_parameters


def open_about(page: Page, panel: str) -> None:
    page.locator(f"#{panel} .about > summary").click()


@pytest.mark.parametrize(
    ("path", "panel", "choice", "value"),
    [
        ("/", "sources", "Campaign", "campaign"),
        ("/", "sources", "Referrer", "referrer"),
        ("/", "pages", "Exit page", "exit_page"),
        ("/", "times", "Visits with an order", "conversions"),
        ("/", "moved", "Visits with an order", "conversions"),
        ("/machines", "bots", "Reason", "bot_reason"),
    ],
)
def test_a_panel_shows_what_is_chosen_and_stays_in_view(
    new_page: Callable[..., Page], path: str, panel: str, choice: str, value: str
) -> None:
    page = new_page(path)
    mark_document(page)
    link = page.locator(f"#{panel} .choices a", has_text=choice)
    link.scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    link.click()
    wait_for_parameters(page, **{panel: value})
    expect(page.locator(f"#{panel} .choices [aria-current]")).to_have_text(choice)
    assert page.evaluate("scrollY") == before
    assert urlsplit(page.url).fragment == panel
    assert is_first_document(page)


def test_the_menu_of_a_panel_defines_its_metrics_and_closes_by_a_click_elsewhere(
    page: Page,
) -> None:
    open_about(page, "sources")
    menu = page.locator("#sources .about")
    expect(menu.get_by_text("Visits", exact=True)).to_be_visible()
    expect(menu.locator("dd").first).to_contain_text("Visits with at least one page view")
    open_about(page, "trend")
    expect(menu).not_to_have_attribute("open", "")
    expect(page.locator("#trend .about")).to_have_attribute("open", "")
    page.locator("footer").click(position={"x": 5, "y": 5})
    expect(page.locator("#trend .about")).not_to_have_attribute("open", "")


def test_a_panel_s_page_has_all_rows_and_leads_back_to_the_view(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d&channel=Direct&pages=landing_page")
    on_panel = page.locator("#pages tbody td:first-of-type").first.inner_text()
    open_about(page, "pages")
    page.locator("#pages").get_by_role("link", name="Table, SQL and ask Athena").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Top pages")
    expect(page.locator(".lead")).to_contain_text("Channel is Direct")
    assert urlsplit(page.url).path == "/panels/pages"
    assert page.locator(".figures tbody td").first.inner_text() == on_panel
    assert page.locator(".figures tbody tr").count() >= 8
    expect(page.locator("pre code").first).to_contain_text("select")
    page.get_by_role("link", name="Back").click()
    wait_for_parameters(page, range="7d", channel="Direct", pages="landing_page")
    assert urlsplit(page.url).fragment == "pages"


def test_escape_leads_back_from_a_panel_s_page(new_page: Callable[..., Page]) -> None:
    page = new_page("/panels/sources?range=7d")
    page.keyboard.press("Escape")
    expect(page).to_have_title(re.compile("^Overview"))
    wait_for_parameters(page, range="7d")


def test_the_csv_file_has_every_row_of_the_panel(
    new_page: Callable[..., Page], tmp_path: Path
) -> None:
    page = new_page("/?range=7d&sources=source")
    open_about(page, "sources")
    with page.expect_download() as found:
        page.locator("#sources").get_by_role("link", name="CSV").click()
    assert found.value.suggested_filename == "sources-2026-11-18-2026-11-24.csv"
    found.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8", newline="") as lines:
        head, *rows = csv.reader(lines)
    assert head == ["source", "visits", "conversion_rate"]
    assert urlsplit(page.url).path == "/"
    detail = new_page("/panels/sources?range=7d&sources=source")
    assert len(rows) == detail.locator(".figures tbody tr").count()
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True)).locator(".value")
    assert f"{sum(int(row[1]) for row in rows):,}" == tile.inner_text()


@pytest.mark.parametrize("panel", ["sources", "moved", "balance"])
def test_athena_gives_the_same_answer(new_page: Callable[..., Page], panel: str) -> None:
    page = new_page(f"/panels/{panel}?from=2026-11-22&to=2026-11-24")
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")
    expect(page.locator("#athena p")).to_have_class("good")
    expect(page.locator(".differs")).to_have_count(0)
    expect(page.locator(".figures thead").first).to_contain_text("Athena")


def test_a_chart_is_a_table_too(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d")
    page.locator("#trend .as-table summary").click()
    expect(page.locator("#trend .as-table tbody tr")).to_have_count(7)
    values = page.locator("#trend .as-table tbody td:first-of-type").all_inner_texts()
    tile = page.locator(".tile[aria-current] .value").inner_text()
    assert f"{sum(int(value.replace(',', '')) for value in values):,}" == tile


def test_each_part_of_the_line_of_trust_leads_to_its_panel(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/?range=7d&channel=Direct")
    parts = page.locator(".trust a")
    for place in range(parts.count()):
        anchor = (parts.nth(place).get_attribute("href") or "").partition("#")[2]
        parts.nth(place).click()
        expect(page).to_have_title(re.compile("^Trust"))
        wait_for_parameters(page, range="7d", channel="Direct")
        expect(page.locator(f"#{anchor}")).to_be_in_viewport()
        page.go_back()
        expect(page).to_have_title(re.compile("^Overview"))


def test_a_note_on_the_chart_leads_to_its_reason(new_page: Callable[..., Page]) -> None:
    page = new_page("/?range=7d")
    page.locator(".notes a", has_text="40 server errors").click()
    expect(page.locator("#errors")).to_be_in_viewport()
    expect(page.locator("#errors")).to_contain_text("Order form · 500")


def test_a_panel_that_is_not_known_is_refused_with_a_way_on(
    new_page: Callable[..., Page],
) -> None:
    page = new_page("/panels/nothing")
    expect(page.get_by_role("heading", level=1)).to_have_text("Not Found")
    page.get_by_role("link", name="To the Overview").click()
    expect(page).to_have_title(re.compile("^Overview"))


@pytest.mark.parametrize("is_scripted", [True, False])
def test_a_search_finds_rows_beyond_the_largest_and_their_links_filter(
    new_page: Callable[..., Page], is_scripted: bool
) -> None:
    page = new_page("/?range=7d&sources=campaign", java_script_enabled=is_scripted)
    page.locator("#sources .rest a").click()
    page.get_by_label("Rows that contain").fill("NEAR me")
    page.get_by_role("button", name="Search").click()
    rows = page.locator(".figures tbody tr")
    expect(rows).to_have_count(1)
    expect(page.locator("header .key")).to_have_text("1 row")
    count = rows.locator("td").first.inner_text()
    rows.get_by_role("link").first.click()
    expect(page.locator(".chips")).to_contain_text("Campaign is cakes near me")
    expect(page.locator("#sources tbody td").first).to_have_text(count)


def test_a_search_without_a_row_says_so(new_page: Callable[..., Page]) -> None:
    page = new_page("/panels/sources?range=7d&search=%3Cb%3E")
    expect(page.locator(".empty")).to_have_text("No row contains “<b>”.")
    page.get_by_role("link", name="All rows", exact=True).click()
    expect(page.locator(".figures tbody tr")).not_to_have_count(0)
