"""Share links in a browser: made by the menu, opened without an account, and withdrawn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.browser.cafe_dashboard import NOW, RunningDashboard
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import open_at
from tests.browser.test_notes import HOSTILE, with_and_without_javascript
from tests.browser.watched_pages import is_first_document, mark_document, wait_for_parameters
from tests.support.tiers import one_of_each

from clickstream.dashboard.access.shares import Share, Shares
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import NoteStore
from clickstream.dashboard.questions.view import TABS, View

NewPage = Callable[..., Page]


@pytest.fixture
def shares(cafe: RunningDashboard) -> Iterator[Shares]:
    """The links of the dashboard; there are none before and after a test."""
    directory = cafe.settings.resolve(cafe.settings.dashboard.directory)
    yield Shares(directory, lambda: NOW)
    for name in ("shares.json", "notes.json"):
        (directory / name).unlink(missing_ok=True)


def add(shares: Shares, name: str, *tabs: str, view: View | None = None) -> str:
    """The path of a new link."""
    view = view or View("overview", "7d")
    return shares.path(shares.add(Share.create(name, 30, tabs or TABS, view, "ana", NOW)))


def open_menu(page: Page) -> Locator:
    page.locator(".sharing > summary").click()
    return page.locator(".sharing > div")


@with_and_without_javascript
def test_a_link_is_made_opened_by_a_stranger_and_withdrawn(
    shares: Shares, new_page: NewPage, javascript: bool
) -> None:
    page = new_page("/marketing?range=7d", java_script_enabled=javascript)
    menu = open_menu(page)
    menu.get_by_role("textbox", name="For", exact=True).fill("Bean & Co")
    menu.get_by_label("Valid for").select_option(label="90 days")
    menu.get_by_role("button", name="Create a link").click()
    message = page.locator("main").get_by_role("status")
    expect(message).to_contain_text("The link for “Bean & Co” opens Marketing until")
    address = message.get_by_label("Address of the link for Bean & Co").input_value()
    expect(message.get_by_role("button", name="Copy")).to_be_visible(visible=javascript)

    stranger = new_page(address, storage_state=None, java_script_enabled=javascript)
    expect(stranger).to_have_title("Marketing · AnyCompany Café")
    assert stranger.url == f"{address}/marketing?range=7d"
    expect(stranger.locator(".shared")).to_contain_text("Shared with Bean & Co until 22 Feb 2027")
    assert stranger.locator(".tabs a").all_inner_texts() == ["Marketing"]
    expect(stranger.locator("form[method=post]")).to_have_count(0)
    stranger.get_by_role("link", name="28 days").click()
    wait_for_parameters(stranger)
    assert stranger.locator(".list tbody tr").count() > 3

    message.get_by_role("link", name="All links").click()
    row = page.locator(".share-list li", has_text="Bean & Co")
    expect(row).to_contain_text("90 days left")
    row.locator(".remove > summary").click()
    row.get_by_role("button", name="Withdraw this link").click()
    withdrawn = page.locator("main").get_by_role("status")
    expect(withdrawn).to_contain_text("The link for “Bean & Co” is withdrawn.")
    stranger.reload()
    expect(stranger.locator("h1.sentence")).to_contain_text("This link has been withdrawn.")
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".share-list li")).to_have_count(1)
    stranger.reload()
    expect(stranger).to_have_title("Marketing · AnyCompany Café")


def test_a_copied_address_is_in_the_clipboard(shares: Shares, new_page: NewPage) -> None:
    add(shares, "Bean & Co")
    allowed = ["clipboard-read", "clipboard-write"]
    page = new_page("/shares", permissions=allowed)
    page.get_by_role("button", name="Copy").click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    address = page.get_by_label("Address of the link for Bean & Co").input_value()
    assert page.evaluate("navigator.clipboard.readText()") == address


def test_a_link_for_some_pages_is_made_on_the_list(shares: Shares, new_page: NewPage) -> None:
    page = new_page("/shares")
    page.get_by_role("textbox", name="For", exact=True).fill(HOSTILE[:40])
    for name in ("Overview", "Visitors", "Marketing", "Machines"):
        page.get_by_label(name).uncheck()
    page.get_by_role("button", name="Create a link").click()
    row = page.locator(".share-list li")
    expect(row.locator(".whom")).to_have_text(f"{HOSTILE[:40]} Orders, Places")
    stranger = new_page(page.locator(".made input").input_value(), storage_state=None)
    expect(stranger).to_have_title("Orders · AnyCompany Café")
    assert stranger.locator(".tabs a").all_inner_texts() == ["Orders", "Places"]
    expect(stranger.locator(".shared")).to_contain_text(HOSTILE[:40])


@pytest.mark.parametrize("tab", TABS)
def test_all_links_of_a_shared_page_stay_on_its_pages(
    shares: Shares, cafe: RunningDashboard, new_page: NewPage, tab: str
) -> None:
    """On real figures: with sentences, notes on the chart, maps and lists."""
    path = add(shares, "Bean & Co", tab, view=View(tab))  # type: ignore[arg-type]
    NoteStore(shares.file.path.parent).notes.add(
        OwnNote.write("2026-11-22", "", "Ours alone", "ben", NOW), NOW
    )
    page = new_page(path, storage_state=None)
    own = f"{path}/{'' if tab == 'overview' else tab}"
    links = page.eval_on_selector_all(
        "a[href]", "all => all.map(one => new URL(one.getAttribute('href'), document.baseURI).href)"
    )
    ours = [urlsplit(one).path for one in links if one.startswith(cafe.url)]
    assert len(ours) > 15
    others = [one for one in ours if one not in (own, f"{path}/") and "/panels/" not in one]
    assert others == []
    panels = {one for one in ours if "/panels/" in one}
    assert {page.request.get(cafe.url + one).status for one in panels} == {200}
    expect(page.locator("body")).not_to_contain_text("Ours alone")


def test_links_of_a_shared_page_swap_it_and_the_keys_work(
    shares: Shares, new_page: NewPage
) -> None:
    page = new_page(add(shares, "Bean & Co"), storage_state=None)
    mark_document(page)
    page.get_by_role("link", name="Places").click()
    expect(page).to_have_title("Places · AnyCompany Café")
    page.keyboard.press("w")
    wait_for_parameters(page, range="7d")
    page.go_back()
    assert is_first_document(page)
    expect(page.locator(".shared")).to_be_visible()
    expect(page.locator(".map")).to_be_visible()


def test_an_open_page_of_a_withdrawn_link_leads_to_the_sentence(
    shares: Shares, new_page: NewPage
) -> None:
    path = add(shares, "Bean & Co")
    page = new_page(path, storage_state=None)
    shares.withdraw(path.rpartition("/")[2][:16])
    page.get_by_role("link", name="Visitors", exact=True).click()
    expect(page.locator("h1.sentence")).to_contain_text("This link has been withdrawn.")
    expect(page.locator("body")).not_to_contain_text("null")


def test_a_refusal_after_a_click_is_a_page_of_its_own(shares: Shares, new_page: NewPage) -> None:
    """It has no bar, so the page is not swapped but loaded."""
    page = new_page("/")
    page.evaluate("document.querySelector('.range a').setAttribute('href', '?range=fortnight')")
    page.locator(".range a").first.click()
    expect(page.locator("main.refusal")).to_be_visible()
    expect(page.locator("body")).not_to_contain_text("null")
    page.go_back()
    expect(page).to_have_title("Overview · AnyCompany Café")


@pytest.mark.parametrize("scheme", one_of_each(2, ["light", "dark"]))
def test_share_links_have_no_serious_fault(shares: Shares, new_page: NewPage, scheme: str) -> None:
    path = add(shares, "Bean & Co", "marketing", "orders", view=View("marketing"))
    share = shares.file.read().entries[0]
    page = new_page("/", color_scheme=scheme)
    open_menu(page)
    assert grave_faults(page) == []
    for address in ("/shares", f"/shares?shared={share.id}", f"/?shared={share.id}"):
        page.goto(address)
        assert grave_faults(page) == []
    stranger = new_page(path, storage_state=None, color_scheme=scheme)
    assert grave_faults(stranger) == []
    shares.withdraw(share.id)
    stranger.reload()
    assert grave_faults(stranger) == []
    page.goto(f"/shares?withdrawn={share.id}")
    assert grave_faults(page) == []


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_menu_and_list_fit_the_screen(shares: Shares, new_page: NewPage, width: int) -> None:
    add(shares, "W" * 40)
    expired = datetime(2026, 9, 1, tzinfo=UTC)
    shares.add(Share.create("Old", 7, TABS, View(), "ana", expired))
    share = shares.file.read().entries[0]
    page = open_at(new_page, f"/?range=7d&shared={share.id}", width)
    menu = open_menu(page)
    box = menu.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    page.goto(f"/shares?shared={share.id}")
    page.locator(".remove > summary").first.click()
    fits = "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
    assert page.evaluate(fits)
    expect(page.locator(".share-list .over")).to_contain_text("expired")
