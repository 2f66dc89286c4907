"""What an owner writes: notes on the chart, and links for people without an account."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from tests.browser.cafe_dashboard import NOW, RunningDashboard
from tests.browser.watched_pages import (
    CUT_OFF,
    PHONE,
    NewPage,
    check_menus,
    click,
    grave_faults,
    is_first_document,
    mark_document,
    pages_of_pdf,
    parameters,
    press,
    scrolls_sideways,
    wait_for_parameters,
)

from clickstream.dashboard.access.shares import Share, Shares
from clickstream.dashboard.ask.view import TABS, View
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import NoteStore

WEEK = "/?range=7d"
HOSTILE = '<script>alert("note")</script><img src=x onerror=alert(1)>'
LONG = f"d?1{'The order form failed after the new menu went live, and card payments too ' * 2}"
BOTH_WAYS = pytest.mark.parametrize("is_scripted", [True, False], ids=["script", "plain"])


@pytest.fixture
def directory(cafe: RunningDashboard) -> Iterator[Path]:
    """The dashboard's directory, without notes and links before and after a test."""
    found = cafe.settings.resolve(cafe.settings.dashboard.directory)
    yield found
    for name in ("shares.json", "notes.json"):
        (found / name).unlink(missing_ok=True)


@pytest.fixture
def notes(directory: Path) -> NoteStore:
    return NoteStore(directory)


@pytest.fixture
def shares(directory: Path) -> Shares:
    return Shares(directory, lambda: NOW)


def write(notes: NoteStore, text: str, day: str = "2026-11-22", account: str = "ben") -> OwnNote:
    note = OwnNote.write(day, "", text, account, NOW)
    notes.notes.add(note, NOW)
    return note


def add_share(shares: Shares, name: str) -> str:
    """Return the path of a new link to all pages."""
    return shares.path(shares.add(Share.create(name, 30, TABS, View("overview"), "ana", NOW)))


@BOTH_WAYS
def test_a_note_is_added_and_deleted_and_history_passes_over_it(
    directory: Path, new_page: NewPage, is_scripted: bool
) -> None:
    page = new_page(WEEK, java_script_enabled=is_scripted)
    page.locator(".add > summary").click()
    page.get_by_label("Date").fill("2026-11-22")
    page.get_by_role("combobox", name="Hour").select_option(label="10:00")
    page.get_by_label("Note", exact=True).fill(HOSTILE)
    click(page.get_by_role("button", name="Add", exact=True), range="7d")
    note = page.locator(".notes li", has_text="alert")
    expect(note).to_contain_text(f"22 Nov, 10:00: {HOSTILE} ·\u00a0owner")
    number = note.locator("b").inner_text()
    expect(page.locator(".wide-chart .written text", has_text=number)).to_be_visible()
    page.emulate_media(media="print")
    expect(page.locator(".notes .remove")).to_be_hidden()
    text = " ".join(pages_of_pdf(page))
    assert '<script>alert("note")' in text
    assert "Add a note" not in text
    page.emulate_media(media="screen")
    page.locator("summary[aria-label^='Delete the note']").click()
    click(page.locator(".notes details[open] button"), range="7d")
    expect(note).to_have_count(0)
    click(page.locator("nav.range > a", has_text="28 days"), range="28d")
    page.go_back()
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("7 days")
    expect(note).to_have_count(0)


def test_a_note_is_written_by_the_keyboard_alone(directory: Path, new_page: NewPage) -> None:
    page = new_page(WEEK)
    page.locator(".add > summary").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Note", exact=True)
    for _ in range(10):  # a date has several parts
        page.keyboard.press("Tab")
        if field.evaluate("one => one === document.activeElement"):
            break
    expect(field).to_be_focused()
    page.get_by_role("combobox", name="Hour").press("ArrowRight")
    page.get_by_role("combobox", name="Hour").press("ArrowLeft")
    field.press_sequentially(LONG)
    assert parameters(page) == {"range": "7d"}
    page.keyboard.press("Enter")
    expect(page.locator(".notes .text")).to_have_text(LONG[:140].strip())


def test_notes_of_colleagues_come_and_go_and_leave_what_is_being_written(
    notes: NoteStore, new_page: NewPage
) -> None:
    page = new_page(None)
    page.clock.install()
    page.goto(WEEK)
    mark_document(page)
    note = write(notes, "Flyers")
    page.clock.fast_forward(21_000)
    expect(page.locator(".notes")).to_contain_text("Flyers ·\u00a0ben")
    notes.notes.delete(note.id, NOW)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(".notes .text")).to_have_count(0)
    page.locator(".add > summary").click()
    page.get_by_label("Note", exact=True).fill("Half a sen")
    write(notes, "Market")
    page.clock.fast_forward(21_000)
    page.wait_for_timeout(300)
    expect(page.get_by_label("Note", exact=True)).to_have_value("Half a sen")
    expect(page.locator(".notes .text")).to_have_count(0)
    assert is_first_document(page)


def test_long_notes_and_their_menus_fit_a_phone(notes: NoteStore, new_page: NewPage) -> None:
    for number in range(16):
        write(notes, f"{'W' * 120} {number}", f"2026-11-{22 + number % 3}", "a" * 60)
    page = new_page(WEEK, **PHONE)
    heights = "all => all.map((one) => one.getBoundingClientRect().height)"
    assert min(page.locator("#trend summary").evaluate_all(heights)) >= 24
    check_menus(page, [".add", *[f".notes li:nth-child({place}) .remove" for place in (2, 5)]])
    for opened in (".add", ".more-notes", ".notes .remove"):
        page.locator(f"{opened} > summary").first.click()
    assert grave_faults(page) == []
    assert page.locator("main").evaluate("main => main.scrollWidth <= main.clientWidth + 1")
    assert [one for one in page.evaluate(CUT_OFF) if "note" in one.lower()] == []


@BOTH_WAYS
def test_a_link_is_made_opened_by_a_stranger_withdrawn_and_given_back(
    directory: Path, new_page: NewPage, is_scripted: bool
) -> None:
    options = {"java_script_enabled": is_scripted}
    page = new_page("/marketing?range=7d", **options, permissions=["clipboard-read"])
    page.locator(".sharing > summary").click()
    menu, message = page.locator(".sharing > div"), page.locator("main").get_by_role("status")
    menu.get_by_role("textbox", name="For", exact=True).fill("<b>Bean & Co")
    menu.get_by_label("Valid for").select_option(label="90 days")
    menu.get_by_role("button", name="Create a link").click()
    expect(message).to_contain_text("The link for “<b>Bean & Co” opens Marketing until")
    address = message.get_by_label("Address of the link for").input_value()
    expect(message.get_by_role("button", name="Copy")).to_be_visible(visible=is_scripted)
    if is_scripted:
        message.get_by_role("button", name="Copy").click()
        expect(page.get_by_role("button", name="Copied")).to_be_visible()
        assert page.evaluate("navigator.clipboard.readText()") == address
    stranger = new_page(address, storage_state=None, **options)
    expect(stranger).to_have_title("Marketing · AnyCompany Café")
    expect(stranger.locator(".shared")).to_contain_text("Shared with <b>Bean & Co until 22 Feb")
    assert stranger.locator(".tabs a").all_inner_texts() == ["Marketing"]
    assert not is_scripted or grave_faults(stranger) == []
    click(stranger.get_by_role("link", name="28 days"), range="28d")
    message.get_by_role("link", name="All links").click()
    of_list = page.locator(".share-list li", has_text="<b>Bean & Co")
    expect(of_list).to_contain_text("90 days left")
    of_list.locator(".remove > summary").click()
    of_list.get_by_role("button", name="Withdraw this link").click()
    expect(message).to_contain_text("is withdrawn.")
    stranger.reload()
    expect(stranger.locator("h1.sentence")).to_contain_text("This link has been withdrawn.")
    assert not is_scripted or grave_faults(stranger) == []
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".share-list li")).to_have_count(1)
    stranger.reload()
    expect(stranger).to_have_title("Marketing · AnyCompany Café")


def test_a_shared_page_is_swapped_stays_on_its_pages_and_ends_when_it_is_withdrawn(
    shares: Shares, notes: NoteStore, cafe: RunningDashboard, new_page: NewPage
) -> None:
    path = add_share(shares, "Bean & Co")
    write(notes, "Ours alone")
    page = new_page(path, storage_state=None)
    mark_document(page)
    expect(page.locator("body")).not_to_contain_text("Ours alone")
    links = page.eval_on_selector_all(
        "a[href]", "all => all.map(one => new URL(one.getAttribute('href'), document.baseURI).href)"
    )
    ours = [urlsplit(one).path for one in links if one.startswith(cafe.url)]
    assert len(ours) > 15
    assert [one for one in ours if not one.startswith(f"{path}/")] == []
    page.get_by_role("link", name="Places").click()
    expect(page).to_have_title("Places · AnyCompany Café")
    press(page, "f", range="28d")
    page.go_back()
    wait_for_parameters(page, range="7d")
    expect(page.locator(".shared")).to_be_visible()
    assert is_first_document(page)
    shares.withdraw(path.rpartition("/")[2][:16])
    page.get_by_role("link", name="Visitors", exact=True).click()
    expect(page.locator("h1.sentence")).to_contain_text("This link has been withdrawn.")


def test_menu_and_list_of_links_fit_a_phone(shares: Shares, new_page: NewPage) -> None:
    add_share(shares, "W" * 40)
    share = shares.file.read().entries[0]
    page = new_page(f"/?range=7d&shared={share.id}", **PHONE)
    check_menus(page, [".sharing"])
    page.goto(f"/shares?shared={share.id}")
    page.locator(".remove > summary").first.click()
    assert grave_faults(page) == []
    assert not scrolls_sideways(page)
