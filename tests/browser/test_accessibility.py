"""axe-core finds no fault by WCAG 2.2 AA on any page, light or dark, wide or narrow."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from tests.support.tiers import one_of_each

TAGS = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa")
RULES = {"landmark-unique": {"enabled": True}}
"""Rules beside those of the tags; axe counts them as best practices."""

DESKTOP = {"viewport": {"width": 1280, "height": 900}}
PHONE = {"viewport": {"width": 360, "height": 740}, "has_touch": True, "is_mobile": True}
TABS = ("/", "/visitors", "/marketing", "/orders", "/places", "/machines", "/trust")
PAGES = {
    "overview": "/?from=2026-11-22&to=2026-11-24&channel=Direct",
    "empty": "/?range=7d&campaign=no-such-campaign",
    "visitors": "/visitors?range=7d",
    "marketing": "/marketing?range=7d",
    "orders": "/orders?range=7d",
    "places": "/places?range=7d",
    "country": "/places?range=7d&country=GB",
    "machines": "/machines?range=7d",
    "operator": "/machines?range=7d&operator=Google",
    "trust": "/trust?range=7d",
    "panel": "/panels/pages?range=7d",
    "searched": "/panels/sources?range=7d&sources=source&search=goo",
    "refusal": "/?range=forever",
}


def grave_faults(page: Page) -> list[str]:
    options = {"runOnly": {"type": "tag", "values": TAGS}, "rules": RULES}
    found = Axe().run(page, options=options).response["violations"]
    return [
        f"{one['id']}: {node['html'][:160]} {node['failureSummary'][-160:]}"
        for one in found
        for node in one["nodes"][:3]
    ]


WAYS = {
    "desktop-dark": (DESKTOP, "dark"),
    "phone-light": (PHONE, "light"),
    "desktop-light": (DESKTOP, "light"),
    "phone-dark": (PHONE, "dark"),
}


@pytest.mark.parametrize(
    ("name", "device", "scheme"),
    [
        pytest.param(
            *(name, *WAYS[way]),
            id=f"{name}-{way}",
            marks=[] if number == place % 2 else pytest.mark.deep,
        )
        for place, name in enumerate(PAGES)
        for number, way in enumerate(WAYS)
    ],
)
def test_a_page_has_no_fault(
    new_page: Callable[..., Page], name: str, device: Any, scheme: str
) -> None:
    page = new_page(PAGES[name], color_scheme=scheme, **device)
    assert grave_faults(page) == []


@pytest.mark.parametrize("scheme", one_of_each(2, ["dark", "light"]))
def test_the_login_has_no_fault(new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page("/login", storage_state=None, color_scheme=scheme)
    assert grave_faults(page) == []
    page.get_by_label("Name").fill("nobody")
    page.get_by_label("Password").fill("no such password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert grave_faults(page) == []


@pytest.mark.parametrize("scheme", one_of_each(2, ["light", "dark"]))
def test_open_menus_and_tables_have_no_fault(new_page: Callable[..., Page], scheme: str) -> None:
    page = new_page("/?range=7d", color_scheme=scheme)
    for opened in (
        "details.own",
        "details.filter",
        "#trend .as-table",
        "#times .as-table",
        "#sources .about",
    ):
        page.locator(f"{opened} > summary").click()
        assert grave_faults(page) == [], opened
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    assert grave_faults(page) == []


@pytest.mark.parametrize("path", [*TABS, "/panels/pages"])
def test_a_page_has_one_heading_of_its_own(new_page: Callable[..., Page], path: str) -> None:
    page = new_page(path)
    expect(page.get_by_role("heading", level=1)).to_have_count(1)
    expect(page.get_by_role("main")).to_have_count(1)
