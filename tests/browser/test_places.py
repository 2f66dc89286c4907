"""The map of the Places page: countries are links, one country has its outline and its cities."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, Response, expect
from tests.browser.cafe_dashboard import RunningDashboard
from tests.browser.test_accessibility import grave_faults
from tests.browser.watched_pages import (
    figures,
    is_first_document,
    mark_document,
    wait_for_parameters,
    wait_for_url,
)
from tests.support.tiers import one_of_each

NewPage = Callable[..., Page]
BRITAIN = '#map a[aria-label^="United Kingdom:"]'
FILLS = """() => [...document.querySelectorAll("#map use")].map((one) => {
    const box = one.getBoundingClientRect();
    return {href: one.getAttribute("href"), fill: getComputedStyle(one).fill,
        width: box.width, height: box.height};
})"""


def test_every_shape_is_drawn_from_our_own_server(new_page: NewPage) -> None:
    page = new_page(None)
    answers: list[Response] = []

    def keep(answer: Response) -> None:
        answers.append(answer)

    page.on("response", keep)
    page.goto("/places")
    page.wait_for_load_state("networkidle")
    shapes = page.evaluate(FILLS)
    assert len(shapes) > 5
    for shape in shapes:
        assert shape["href"].startswith("static/map/world.svg?"), shape
        assert shape["fill"] != "none", shape
        assert shape["width"] > 0, shape
        assert shape["height"] > 0, shape
    (answer,) = [one for one in answers if "/static/map/" in one.url]
    assert answer.status == 200
    assert "immutable" in answer.headers["cache-control"]


def test_a_click_on_a_country_filters_and_shows_its_cities(new_page: NewPage) -> None:
    page = new_page("/places")
    mark_document(page)
    page.locator(f"{BRITAIN} use").click()
    wait_for_parameters(page, country="GB")
    assert is_first_document(page)
    expect(page.locator(".chips")).to_contain_text("Country is United Kingdom")
    expect(page.get_by_role("heading", name="United Kingdom", exact=True)).to_be_visible()
    (outline,) = page.evaluate(FILLS)
    assert outline["href"].startswith("static/map/GB.svg?")
    assert outline["width"] > 50
    expect(page.locator('#map a[aria-label^="London, England, GB:"] circle')).to_be_visible()
    expect(page.locator("#places tbody tr").first).to_contain_text("London England")


def test_there_are_ways_back_to_the_world(new_page: NewPage) -> None:
    page = new_page("/places")
    page.locator(f"{BRITAIN} use").click()
    wait_for_parameters(page, country="GB")
    page.get_by_role("link", name="The world").click()
    wait_for_parameters(page)
    expect(page.locator(BRITAIN)).to_be_visible()
    page.go_back()
    wait_for_parameters(page, country="GB")
    page.keyboard.press("Escape")
    wait_for_parameters(page)


def test_a_city_filters_and_stays_on_the_map(new_page: NewPage) -> None:
    page = new_page("/places?country=GB")
    page.locator('#map a[aria-label^="London, England, GB:"] circle').click()
    wait_for_parameters(page, country="GB", city="London, England, GB")
    expect(page.locator('#map a[aria-current="true"] circle')).to_have_count(1)
    page.locator('#map a[aria-current="true"] circle').click()
    wait_for_parameters(page, country="GB")


def test_a_tooltip_names_a_country_and_its_numbers(new_page: NewPage) -> None:
    page = new_page("/places")
    page.locator(f"{BRITAIN} use").hover()
    expect(page.locator(".tip")).to_contain_text("visits, Order rate")
    expect(page.locator(".tip")).to_contain_text("United Kingdom: ")


def test_keys_reach_countries_with_visits_and_can_skip_them(new_page: NewPage) -> None:
    page = new_page("/places")
    links = page.locator("#map svg.map a")
    assert 5 < links.count() < 20
    page.locator("#map .skip").focus()
    page.keyboard.press("Enter")
    assert urlsplit(page.url).fragment == "places"
    page.locator(BRITAIN).focus()
    page.keyboard.press("Enter")
    wait_for_parameters(page, country="GB")


def test_the_numbers_of_the_map_are_those_of_the_list(new_page: NewPage) -> None:
    page = new_page("/places")
    label = page.locator(BRITAIN).get_attribute("aria-label") or ""
    row = page.locator("#places tbody tr", has_text="United Kingdom")
    visits = row.locator("td").first.inner_text()
    assert label.startswith(f"United Kingdom: {visits} visits, Order rate ")


def test_countries_are_links_without_javascript(new_page: NewPage) -> None:
    page = new_page("/places", java_script_enabled=False)
    expect(page.locator(f"{BRITAIN} title")).to_have_count(1)
    page.locator(f"{BRITAIN} use").click()
    expect(page.locator(".chips")).to_contain_text("United Kingdom")
    plain = figures(page)
    scripted = new_page("/places")
    scripted.locator(f"{BRITAIN} use").click()
    wait_for_url(scripted, page.url)
    assert figures(scripted) == plain


@pytest.mark.parametrize("scheme", one_of_each(2, ["dark", "light"]))
@pytest.mark.parametrize("path", ["/places", "/places?country=GB&map=conversion_rate"])
def test_a_map_on_a_phone_has_no_serious_fault(new_page: NewPage, path: str, scheme: str) -> None:
    phone = {"width": 360, "height": 740}
    page = new_page(path, viewport=phone, color_scheme=scheme, has_touch=True, is_mobile=True)
    assert grave_faults(page) == []


@pytest.mark.parametrize("path", ["/places", "/places?country=US", "/places?places=city"])
@pytest.mark.parametrize("width", [360, 768, 1440])
def test_panels_are_inside_the_page(new_page: NewPage, path: str, width: int) -> None:
    page = new_page(path, viewport={"width": width, "height": 900})
    for panel in page.locator(".where > .panel").all():
        box = panel.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
    sizes = page.locator("svg.map text").evaluate_all(
        "all => all.filter((one) => one.checkVisibility()).map((one) =>"
        " parseFloat(getComputedStyle(one).fontSize) * one.ownerSVGElement.getScreenCTM().a)"
    )
    assert all(size >= 9 for size in sizes)


def test_shapes_need_no_login(new_page: NewPage, cafe: RunningDashboard) -> None:
    """The map is public: a login page that expires must not break the map of an open page."""
    page = new_page(None, storage_state=None)
    answer = page.goto(f"{cafe.url}/static/map/GB.svg")
    assert answer is not None
    assert answer.status == 200
