"""The map of the Places page, and the plans of locations and of holdout tests."""

from __future__ import annotations

from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, Response, expect
from tests.browser.watched_pages import (
    NewPage,
    check_widths,
    click,
    grave_faults,
    is_first_document,
    mark_document,
    pages_of_pdf,
    press,
    shown,
    wait_for_parameters,
)
from tests.clickstream.dashboard import holdout_builders, location_builders
from tests.clickstream.dashboard.rendered import html_of, page_of, with_styles

from clickstream.dashboard.pages.marketing.holdout_plan import build_plan
from clickstream.dashboard.pages.places.location_report import build_report
from clickstream.dashboard.web.rendering import Renderer

BRITAIN = '#map a[aria-label^="United Kingdom:"]'
LONDON = '#map a[aria-label^="London, England, GB:"] circle'
SHAPES = """() => [...document.querySelectorAll("#map use")].map((one) => {
    const box = one.getBoundingClientRect();
    return [one.getAttribute("href").split("?")[0], getComputedStyle(one).fill, box.width > 0];
})"""


def test_the_map_leads_to_a_country_its_cities_and_back_to_the_world(new_page: NewPage) -> None:
    """The map is public: a login page that expires must not break the map of an open page."""
    page = new_page(None)
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    page.on("response", keep)
    page.goto("/places")
    page.wait_for_load_state("networkidle")
    mark_document(page)
    shapes = page.evaluate(SHAPES)
    assert len(shapes) > 5
    for href, fill, has_width in shapes:
        assert (href, has_width) == ("static/map/world.svg", True)
        assert fill != "none"
    assert [one.status for one in answers if "/static/map/" in one.url] == [200]
    page.locator(f"{BRITAIN} use").hover()
    expect(page.locator(".tip")).to_contain_text("United Kingdom: ")
    click(page.locator(f"{BRITAIN} use"), range="7d", country="GB")
    expect(page.get_by_role("heading", name="United Kingdom", exact=True)).to_be_visible()
    page.wait_for_load_state("networkidle")
    [(href, _, has_width)] = page.evaluate(SHAPES)
    assert (href, has_width) == ("static/map/GB.svg", True)
    expect(page.locator("#places tbody tr").first).to_contain_text("London England")
    click(page.locator(LONDON), range="7d", country="GB", city="London, England, GB")
    click(page.locator('#map a[aria-current="true"] circle'), range="7d", country="GB")
    click(page.get_by_role("link", name="The world"), range="7d")
    expect(page.locator(BRITAIN)).to_be_visible()
    page.go_back()
    wait_for_parameters(page, range="7d", country="GB")
    press(page, "Escape", range="7d")
    assert is_first_document(page)
    page.locator("#map .skip").focus()
    press(page, "Enter", range="7d")
    assert urlsplit(page.url).fragment == "places"
    page.locator(BRITAIN).focus()
    press(page, "Enter", range="7d", country="GB")
    page.context.clear_cookies()
    assert page.request.get("/static/map/GB.svg").ok


@pytest.fixture(scope="module")
def plans() -> dict[str, str]:
    """Pages of a plan of locations and of holdout tests, with their style sheets inside."""
    what_if = {"candidate": "Hamburg", "attraction": "2", "radius": "50"}
    pages = {}
    of, store = location_builders, location_builders.store()
    with page_of(store, of.SHOWN, settings=of.SETTINGS) as page:
        renderer = Renderer.create(page.formats, "Café")
        pages["places"] = html_of(page)
        pages["locations"] = renderer.location_report(build_report(page, what_if))
    of, (store, *_) = holdout_builders, holdout_builders.store()
    with page_of(store, of.SHOWN, settings=of.SETTINGS) as page:
        pages["marketing"] = html_of(page)
        pages["holdout"] = renderer.plan(build_plan(page, "tea", "orders"))
    return {name: with_styles(html) for name, html in pages.items()}


@pytest.mark.parametrize("name", ["places", "locations", "marketing", "holdout"])
def test_plans_have_no_fault_and_fit_all_widths(
    chromium: Browser, plans: dict[str, str], name: str
) -> None:
    with shown(chromium, plans[name], color_scheme="dark") as page:
        assert grave_faults(page) == []
        assert page.locator("#holdouts .narrow-chart .shade").is_visible() == (name == "marketing")
        check_widths(page)


def test_a_plan_prints_on_two_pages_with_its_limits_and_without_its_form(
    chromium: Browser, plans: dict[str, str]
) -> None:
    with shown(chromium, plans["locations"], color_scheme="dark") as page:
        ranking, assumptions = pages_of_pdf(page, margin="10mm")
    assert "Web orders moved a month" in ranking
    assert "Hamburg: attraction 2" in ranking
    assert "Compute" not in ranking
    for text in ("As entered", "Not known: people who pass by"):
        assert text in assumptions
