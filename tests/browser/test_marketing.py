"""The Marketing page: what brings people, and which campaign pays."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import CUT_OFF
from tests.browser.watched_pages import is_first_document, mark_document, parameters
from tests.support.tiers import one_of_each

RANGE = "/marketing?from=2026-11-16&to=2026-11-24"
CAMPAIGNS = f"{RANGE}&acquisition=campaign"
WIDTHS = (360, 768, 1440)


def number(text: str) -> int:
    return int(text.replace(",", ""))


def visits_of_all(page: Page) -> str:
    page.get_by_role("link", name="Overview", exact=True).click()
    tile = page.locator(".tile", has=page.get_by_text("Visits", exact=True))
    expect(tile).to_be_visible()
    return tile.locator(".value").inner_text()


@pytest.mark.parametrize("script", [True, False])
def test_a_campaign_is_a_filter_of_every_page(new_page: Callable[..., Page], script: bool) -> None:
    page = new_page(CAMPAIGNS, java_script_enabled=script)
    if script:
        mark_document(page)
    row = page.locator("#acquisition tr", has_text="cakes near me")
    visits = row.locator("td").first.inner_text()
    row.get_by_role("link").click()
    expect(page.locator(".chips")).to_contain_text("Campaign is cakes near me")
    expect(page.locator("#acquisition tr.chosen")).to_have_count(1)
    if script:
        assert is_first_document(page)
    assert visits_of_all(page) == visits


def test_it_is_seen_which_campaign_does_not_pay(new_page: Callable[..., Page]) -> None:
    page = new_page(CAMPAIGNS)
    row = page.locator("#acquisition tr", has_text="cakes near me")
    expect(row.locator(".rate")).to_have_class("rate below")
    expect(row.locator(".against")).to_contain_text("below")


def test_a_second_click_removes_both_filters_of_a_source(new_page: Callable[..., Page]) -> None:
    page = new_page(f"{RANGE}&acquisition=source")
    row = page.locator("#acquisition tr", has_text="google / organic")
    row.get_by_role("link").click()
    expect(page.locator(".chips li:not(.clear)")).to_have_count(2)
    assert parameters(page)["medium"] == "organic"
    page.locator("#acquisition tr.chosen").get_by_role("link").click()
    expect(page.locator(".chips")).to_have_count(0)


@pytest.mark.parametrize("choice", ["Source", "Content", "Term", "Referrer"])
def test_every_choice_has_rows_that_add_up(new_page: Callable[..., Page], choice: str) -> None:
    page = new_page(RANGE)
    page.locator("#acquisition .choices a", has_text=choice).click()
    expect(page.locator("#acquisition .choices [aria-current]")).to_have_text(choice)
    page.locator("#acquisition .about > summary").click()
    page.locator("#acquisition").get_by_role("link", name="Table, SQL and ask Athena").click()
    of_visits = page.locator(".figures").first
    counts = of_visits.locator("tbody td:first-of-type").all_inner_texts()
    page.get_by_role("link", name="Back").click()
    assert f"{sum(map(number, counts)):,}" == visits_of_all(page)


def test_campaigns_stand_beside_each_other(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    rows = page.locator("#campaigns tbody tr")
    assert rows.count() >= 5
    assert rows.locator("svg .now:not(.open)").count() >= 5
    rows.first.get_by_role("link").click()
    expect(page.locator("#campaigns tbody tr")).to_have_count(1)


def test_assistants_send_people_to_pages(new_page: Callable[..., Page]) -> None:
    page = new_page(RANGE)
    expect(page.locator("#assistants")).to_contain_text("chatgpt")
    expect(page.locator("#assistants .share")).to_contain_text("of all visits")
    page.locator("#assistants .choices a", has_text="Landing page").click()
    name = page.locator("#assistants tbody th a").first
    expect(name).to_have_attribute("title", re.compile("^/cafe"))


@pytest.mark.parametrize("panel", ["campaigns", "assistants"])
def test_athena_gives_the_same_answer(new_page: Callable[..., Page], panel: str) -> None:
    page = new_page(f"/panels/{panel}?from=2026-11-22&to=2026-11-24")
    page.get_by_role("button", name="Ask Athena now").click()
    expect(page.locator("#athena p")).to_contain_text("all equal")


@pytest.mark.parametrize("scheme", one_of_each(2, ["dark", "light"]))
@pytest.mark.parametrize("path", [CAMPAIGNS, f"{RANGE}&campaign=no-such-campaign"])
def test_the_page_has_no_serious_fault(
    new_page: Callable[..., Page], path: str, scheme: str
) -> None:
    assert grave_faults(new_page(path, color_scheme=scheme)) == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("path", [CAMPAIGNS, "/marketing?range=today&acquisition=referrer"])
def test_nothing_is_cut_off(new_page: Callable[..., Page], path: str, width: int) -> None:
    is_phone = width < 500
    size = {"width": width, "height": 900}
    page = new_page(path, viewport=size, is_mobile=is_phone, has_touch=is_phone)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(CUT_OFF) == []
    if is_phone:
        assert grave_faults(page) == []


def cells(row: Locator) -> list[str]:
    """The numbers of a row of credits: its cost, orders, new customers, net sales …"""
    return row.locator("td").all_inner_texts()


def tenths(text: str) -> int:
    """A number of orders, which is a whole number or has one decimal."""
    return round(float(text.replace(",", "")) * 10)


def cents(text: str) -> int:
    return round(float(text.replace(",", "").replace("€", "").replace("−", "-")) * 100)


@pytest.mark.parametrize("script", [True, False])
def test_a_model_moves_credit_between_channels_and_changes_no_sum(
    new_page: Callable[..., Page], script: bool
) -> None:
    page = new_page(RANGE, java_script_enabled=script)
    whole, rows = page.locator("#credit .whole"), page.locator("#credit tr:has(td):not(.whole)")
    sums = cells(whole)
    shown = {}
    for model in ("First", "Linear"):
        page.locator("#credit .models").get_by_role("link", name=model, exact=True).click()
        expect(page.locator("#credit .models [aria-current]")).to_have_text(model)
        assert cells(whole) == sums
        shown[model] = [cells(rows.nth(place)) for place in range(rows.count())]
        parts = [(tenths(orders), cents(net)) for _, orders, _, net, *_ in shown[model]]
        assert sum(net for _, net in parts) == cents(sums[3])
        assert abs(sum(orders for orders, _ in parts) - tenths(sums[1])) <= len(parts)
    assert shown["First"] != shown["Linear"]


def test_costs_stand_beside_what_campaigns_bring(new_page: Callable[..., Page]) -> None:
    page = new_page(f"{RANGE}&credit_by=campaign")
    row = page.locator("#credit tr", has_text="cakes near me")
    cost, orders, _, net, interval, per_order, returned = cells(row)
    assert cents(cost) > 0
    assert "–" in interval
    assert cents(per_order) == pytest.approx(cents(cost) * 10 / tenths(orders), rel=0.1)
    assert float(returned.split("×")[0]) == pytest.approx(cents(net) / cents(cost), abs=0.051)
    expect(page.locator("#credit .fine")).to_contain_text("Credit is not cause")
    page.goto(f"{page.url}&device=mobile")
    expect(page.locator("#credit thead")).not_to_contain_text("Cost")
