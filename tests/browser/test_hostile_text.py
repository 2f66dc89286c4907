"""What attackers wrote into the log shows as text: no script runs, nothing is loaded.

The fixtures hold every page to it: no dialog, no request that leaves the machine, no violation of
the content security policy.
"""

from __future__ import annotations

from urllib.parse import quote, urlencode

from playwright.sync_api import Page, expect
from tests.browser.cafe_dashboard import ATTACKED
from tests.browser.hostile_lines import CAMPAIGNS, MOST_VISITS, PATHS
from tests.browser.watched_pages import NewPage, click, scrolls_sideways, visits

from clickstream.core.wording import printable

DAY = {"from": str(ATTACKED.date()), "to": str(ATTACKED.date())}


def address(path: str, **parameters: str) -> str:
    return f"{path}?{urlencode({**DAY, **parameters})}"


def check_inert(page: Page) -> None:
    assert page.locator("main script, main img, main svg[onload]").count() == 0
    assert not scrolls_sideways(page)


def test_hostile_campaigns_are_rows_filters_and_visits(new_page: NewPage) -> None:
    page = new_page(address("/", sources="campaign"))
    link = page.get_by_text(CAMPAIGNS[1], exact=True).first
    link.hover()
    assert link.locator("xpath=ancestor::a").get_attribute("title") == CAMPAIGNS[1]
    of_view = {**DAY, "sources": "campaign"}
    click(page.get_by_text(CAMPAIGNS[0], exact=True).first, **of_view, campaign=CAMPAIGNS[0])
    click(page.get_by_role("link", name="Clear filters"), **of_view)
    for rank, campaign in enumerate(CAMPAIGNS):
        page.goto(address("/", campaign=campaign))
        expect(page.locator(".chips b")).to_have_text(printable(campaign))
        assert visits(page) == MOST_VISITS - rank
        check_inert(page)
    page.locator(".own summary").click()
    page.locator(".own input[name=from]").fill("2026-11-01")
    dates = {**DAY, "from": "2026-11-01"}
    click(page.locator(".own button"), **dates, campaign=CAMPAIGNS[-1])


def test_hostile_texts_are_inert_in_lists_visits_and_log_lines(new_page: NewPage) -> None:
    page = new_page(address("/panels/sources", sources="campaign"))
    names = page.locator(".figures tbody th span").all_inner_texts()
    assert {*map(printable, CAMPAIGNS)} <= {*names}
    check_inert(page)
    page.goto(address("/panels/pages"))
    names = page.locator(".figures tbody th").all_inner_texts()
    assert any("svg" in name for name in names)
    assert any(PATHS[-1][:40] in name for name in names)
    page.goto(address("/panels/bots", bots="agent"))
    expect(page.locator(".figures")).to_contain_text("EvilBot")
    page.goto(address("/panels/sources", sources="referrer"))
    expect(page.locator(".figures")).to_contain_text("evil.example")
    page.goto(address("/visits", campaign=CAMPAIGNS[0]))
    rows = page.locator(".visit-rows tbody tr")
    expect(rows).to_have_count(MOST_VISITS)
    expect(rows.first).to_contain_text(printable(CAMPAIGNS[0]))
    check_inert(page)
    rows.first.get_by_role("link").first.click()
    page.get_by_role("button", name="Show the log lines").click()
    expect(page.locator(".log-lines code").first).to_be_visible()
    check_inert(page)


def test_hostile_values_that_no_visit_has_are_text_too(new_page: NewPage) -> None:
    value = "</title><script>alert(9)</script>' or 1=1 --"
    page = new_page(address("/", **{"campaign": value, "not.page": value}))
    expect(page.locator(".chips b")).to_have_text([value, value])
    page.goto(address("/panels/sources", campaign=value))
    expect(page.locator(".lead b")).to_have_text(value)
    page.goto(f"/?range={quote(value)}")
    expect(page.locator("main.refusal")).to_contain_text("<script>alert(9)")
