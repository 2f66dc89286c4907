"""What attackers wrote into the log shows as text: no script runs, nothing is loaded.

The fixtures hold every page to it: no dialog, no request that leaves the machine, no violation of
the content security policy.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote, urlencode

import pytest
from playwright.sync_api import Page, expect
from tests.browser.cafe_dashboard import ATTACKED
from tests.browser.hostile_lines import CAMPAIGNS, MOST_VISITS, PATHS
from tests.browser.watched_pages import wait_for_parameters

from clickstream.wording import printable

DAY = {"from": str(ATTACKED.date()), "to": str(ATTACKED.date())}


def address(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode({**DAY, **parameters})}"


@pytest.mark.parametrize("dimension", ["source", "campaign"])
def test_every_campaign_is_a_row_with_its_text(
    new_page: Callable[..., Page], dimension: str
) -> None:
    page = new_page(address("/panels/sources", sources=dimension))
    names = page.locator(".figures tbody th span").evaluate_all(
        "all => all.map((e) => e.textContent)"
    )
    written = map(str.lower, CAMPAIGNS) if dimension == "source" else CAMPAIGNS
    assert {*map(printable, written)} <= {*names}
    assert page.locator("main script, main img, main svg[onload], main b").count() == 0


def test_rows_of_attackers_are_filters_like_others(new_page: Callable[..., Page]) -> None:
    page = new_page(address("/", sources="campaign"))
    page.get_by_text(CAMPAIGNS[0], exact=True).first.click()
    wait_for_parameters(page, **DAY, sources="campaign", campaign=CAMPAIGNS[0])
    expect(page.locator(".chips b")).to_have_text(CAMPAIGNS[0])
    expect(page.locator(".tile[aria-current] .value")).to_have_text(str(MOST_VISITS))
    page.get_by_role("link", name="Clear filters").click()
    wait_for_parameters(page, **DAY, sources="campaign")


@pytest.mark.parametrize("rank", range(len(CAMPAIGNS)))
def test_a_filter_by_a_hostile_campaign_finds_its_visits(
    new_page: Callable[..., Page], rank: int
) -> None:
    page = new_page(address("/", campaign=CAMPAIGNS[rank]))
    expect(page.locator(".chips b")).to_have_text(printable(CAMPAIGNS[rank]))
    expect(page.locator(".tile[aria-current] .value")).to_have_text(str(MOST_VISITS - rank))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_form_of_dates_keeps_a_filter_with_hidden_characters(
    new_page: Callable[..., Page],
) -> None:
    page = new_page(address("/", campaign=CAMPAIGNS[-1]))
    page.locator(".own summary").click()
    page.locator(".own input[name=from]").fill("2026-11-01")
    page.locator(".own button").click()
    wait_for_parameters(page, **{**DAY, "from": "2026-11-01"}, campaign=CAMPAIGNS[-1])


def test_hostile_values_that_no_visit_has_are_text_too(new_page: Callable[..., Page]) -> None:
    value = "</title><script>alert(9)</script>' or 1=1 --"
    page = new_page(address("/", **{"campaign": value, "not.page": value}))
    expect(page.locator(".chips b")).to_have_text([value, value])
    page.goto(address("/panels/sources", campaign=value))
    expect(page.locator(".lead b")).to_have_text(value)
    page.goto(f"/?range={quote(value)}")
    expect(page.locator("main.refusal")).to_contain_text("<script>alert(9)")


def test_paths_and_agents_of_attackers_are_text(new_page: Callable[..., Page]) -> None:
    page = new_page(address("/panels/pages"))
    names = page.locator(".figures tbody th").all_inner_texts()
    assert any("svg" in name for name in names)
    assert any(PATHS[-1][:40] in name for name in names)
    page.goto(address("/panels/bots", bots="agent"))
    expect(page.locator(".figures")).to_contain_text("EvilBot")
    page.goto(address("/machines", bots="agent"))
    expect(page.locator("#bots tbody tr")).not_to_have_count(0)
    page.goto(address("/", sources="referrer"))
    expect(page.locator("#sources")).to_contain_text("evil.example")


def test_a_tooltip_shows_no_markup(new_page: Callable[..., Page]) -> None:
    page = new_page(address("/", sources="campaign"))
    link = page.get_by_text(CAMPAIGNS[1], exact=True).first
    link.hover()
    assert link.locator("xpath=ancestor::a").get_attribute("title") == CAMPAIGNS[1]


def test_no_cell_of_a_csv_file_is_a_formula(new_page: Callable[..., Page], tmp_path: Path) -> None:
    page = new_page(address("/panels/sources", sources="campaign"))
    with page.expect_download() as found:
        page.get_by_role("link", name="CSV, all rows").click()
    found.value.save_as(tmp_path / "file.csv")
    with (tmp_path / "file.csv").open(encoding="utf-8", newline="") as lines:
        names = [row[0] for row in csv.reader(lines)]
    assert not [name for name in names if name.startswith(("=", "+", "-", "@"))]
    assert f"'{CAMPAIGNS[3]}" in names
    assert f"'{CAMPAIGNS[4]}" in names


def test_athena_counts_hostile_values_alike(new_page: Callable[..., Page]) -> None:
    page = new_page(address("/panels/sources", sources="campaign", campaign=CAMPAIGNS[2]))
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")
