"""Notes that accounts write on the chart: add, delete, and what colleagues see."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from playwright.sync_api import Page, expect
from tests.browser.cafe_dashboard import RunningDashboard
from tests.browser.test_accessibility import grave_faults
from tests.browser.test_layout import CUT_OFF, open_at
from tests.browser.test_print import text_of_pdf
from tests.browser.watched_pages import (
    is_first_document,
    mark_document,
    parameters,
    wait_for_parameters,
)
from tests.support.tiers import one_of_each

from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import NoteStore

NOW = datetime(2026, 11, 24, 15, 20, tzinfo=UTC)
WEEK = "/?range=7d"
HOSTILE = '<script>alert("note")</script><img src=x onerror=alert(1)>'
LONG = "The order form failed after the new menu went live, and card payments were off " * 2

NewPage = Callable[..., Page]
with_and_without_javascript = pytest.mark.parametrize("javascript", [True, False])


@pytest.fixture
def store(cafe: RunningDashboard) -> Iterator[NoteStore]:
    """The notes of the dashboard; there are none before and after a test."""
    directory = cafe.settings.resolve(cafe.settings.dashboard.directory)
    yield NoteStore(directory)
    (directory / "notes.json").unlink(missing_ok=True)


def write(store: NoteStore, text: str, day: str = "2026-11-22", account: str = "ben") -> OwnNote:
    note = OwnNote.write(day, "", text, account, NOW)
    store.notes.add(note, NOW)
    return note


def add_note(page: Page, text: str, day: str | None = None, hour: str | None = None) -> None:
    page.locator(".add > summary").click()
    if day:
        page.get_by_label("Date").fill(day)
    if hour:
        page.get_by_role("combobox", name="Hour").select_option(label=hour)
    page.get_by_label("Note", exact=True).fill(text)
    page.get_by_role("button", name="Add", exact=True).click()


def delete_note(page: Page, text: str) -> None:
    page.locator(f"summary[aria-label='Delete the note {text}']").click()
    page.locator(".notes details[open] button").click()


@with_and_without_javascript
def test_a_note_is_added_and_deleted(store: NoteStore, new_page: NewPage, javascript: bool) -> None:
    page = new_page(WEEK, java_script_enabled=javascript)
    add_note(page, "Rain all day", "2026-11-22", "10:00")
    note = page.locator(".notes li", has_text="Rain all day")
    expect(note).to_contain_text("22 Nov, 10:00: Rain all day ·\u00a0owner")
    number = note.locator("b").inner_text()
    expect(page.locator(".wide-chart .written text", has_text=number)).to_be_visible()
    wait_for_parameters(page, range="7d")
    delete_note(page, "Rain all day")
    expect(note).to_have_count(0)
    wait_for_parameters(page, range="7d")


def test_the_date_of_a_note_is_the_last_one_shown_and_the_hour_may_be_left_out(
    store: NoteStore, new_page: NewPage
) -> None:
    page = new_page("/?from=2026-11-18&to=2026-11-20&channel=Direct")
    add_note(page, "Market")
    expect(page.locator(".notes li", has_text="Market")).to_contain_text("20 Nov: Market")
    wait_for_parameters(page, **{"from": "2026-11-18", "to": "2026-11-20", "channel": "Direct"})


def test_back_and_forward_pass_over_a_note(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(WEEK)
    page.keyboard.press("d")
    wait_for_parameters(page, range="today")
    add_note(page, "Rain")
    note = page.locator(".notes li", has_text="Rain")
    expect(note).to_be_visible()
    delete_note(page, "Rain")
    expect(note).to_have_count(0)
    page.locator("nav.range > a", has_text="7 days").click()
    wait_for_parameters(page, range="7d")
    page.go_back()
    expect(page.locator("nav.range > a[aria-current]")).to_have_text("Today")
    expect(note).to_have_count(0)
    page.go_forward()
    wait_for_parameters(page, range="7d")


def test_a_hostile_note_is_text(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(WEEK)
    add_note(page, HOSTILE)
    expect(page.locator(".notes .text")).to_have_text(HOSTILE)
    page.goto("/panels/trend?range=7d")
    expect(page.locator("#notes .text")).to_have_text(HOSTILE)


def test_a_text_that_is_too_long_can_not_be_typed(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(WEEK)
    page.locator(".add > summary").click()
    page.get_by_label("Note", exact=True).press_sequentially(LONG)
    page.keyboard.press("Enter")
    expect(page.locator(".notes .text")).to_have_text(LONG[:140].strip())


def test_a_colleague_s_note_appears_without_a_click(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(None)
    page.clock.install()
    page.goto(WEEK)
    mark_document(page)
    note = write(store, "Flyers at the station")
    page.clock.fast_forward(21_000)
    expect(page.locator(".notes")).to_contain_text("Flyers at the station ·\u00a0ben")
    store.notes.delete(note.id, NOW)
    page.clock.fast_forward(21_000)
    expect(page.get_by_text("Flyers at the station")).to_have_count(0)
    assert is_first_document(page)


def test_a_page_from_the_browser_s_memory_shows_no_deleted_note(
    store: NoteStore, new_page: NewPage
) -> None:
    note = write(store, "Rain")
    page = new_page(WEEK)
    expect(page.locator(".notes")).to_contain_text("Rain")
    store.notes.delete(note.id, NOW)
    page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
    expect(page.locator(".notes .text")).to_have_count(0)


def test_what_is_being_written_stays_when_a_colleague_writes(
    store: NoteStore, new_page: NewPage
) -> None:
    page = new_page(None)
    page.clock.install()
    page.goto(WEEK)
    page.locator(".add > summary").click()
    page.get_by_label("Note", exact=True).fill("Half a sen")
    write(store, "Flyers")
    page.clock.fast_forward(21_000)
    page.wait_for_timeout(300)
    expect(page.get_by_label("Note", exact=True)).to_have_value("Half a sen")


def test_keys_in_the_form_choose_no_range(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(WEEK)
    page.locator(".add > summary").click()
    page.get_by_label("Note", exact=True).press_sequentially("dexwm 1234?")
    page.get_by_role("combobox", name="Hour").press("1")
    page.get_by_role("combobox", name="Hour").press("ArrowRight")
    assert parameters(page) == {"range": "7d"}
    expect(page.get_by_label("Note", exact=True)).to_have_value("dexwm 1234?")
    page.get_by_label("Note", exact=True).press("Tab")
    expect(page.get_by_role("button", name="Add", exact=True)).to_be_focused()


def test_a_note_is_added_by_the_keyboard_alone(store: NoteStore, new_page: NewPage) -> None:
    page = new_page(WEEK)
    page.locator(".add > summary").focus()
    page.keyboard.press("Enter")
    field = page.get_by_label("Note", exact=True)
    for _ in range(10):  # a date has several parts
        page.keyboard.press("Tab")
        if field.evaluate("one => one === document.activeElement"):
            break
    expect(field).to_be_focused()
    page.keyboard.type("Rain")
    page.keyboard.press("Enter")
    expect(page.locator(".notes .text")).to_have_text("Rain")


@pytest.mark.parametrize("scheme", one_of_each(2, ["dark", "light"]))
def test_notes_and_their_forms_have_no_serious_fault(
    store: NoteStore, new_page: NewPage, scheme: str
) -> None:
    for number in range(16):
        write(store, f"Note {number}")
    page = new_page(WEEK, color_scheme=scheme)
    assert grave_faults(page) == []
    for opened in (".add", ".more-notes", ".notes .remove"):
        page.locator(f"{opened} > summary").first.click()
        assert grave_faults(page) == [], opened


@pytest.mark.parametrize("width", [360, 768, 1440])
def test_long_notes_and_their_menus_fit_the_screen(
    store: NoteStore, new_page: NewPage, width: int
) -> None:
    for number in range(14):
        write(store, f"{'W' * 120} {number}", f"2026-11-{18 + number % 7}", "a" * 60)
    write(store, LONG[:140], "2026-11-24")
    page = open_at(new_page, WEEK, width)
    small = page.locator("#trend summary").evaluate_all(
        "all => all.map((one) => one.getBoundingClientRect().height).filter((high) => high < 24)"
    )
    assert width > 360 or small == []
    menus = [".add", *[f".notes li:nth-child({place}) .remove" for place in (2, 5, 7)]]
    for menu in menus:
        page.locator(f"{menu} > summary").first.click()
        box = page.locator(f"{menu} > div").first.bounding_box()
        assert box is not None
        assert box["x"] >= 0, menu
        assert box["x"] + box["width"] <= width, menu
        page.keyboard.press("Escape")
    assert page.locator("main").evaluate("main => main.scrollWidth <= main.clientWidth + 1")
    assert [one for one in page.evaluate(CUT_OFF) if "note" in one.lower()] == []


def test_notes_are_printed_and_their_forms_are_not(store: NoteStore, new_page: NewPage) -> None:
    write(store, "Rain")
    page = new_page(WEEK)
    for hidden in (".add", ".notes .remove"):
        page.emulate_media(media="screen")
        expect(page.locator(hidden).first).to_be_visible()
        page.emulate_media(media="print")
        expect(page.locator(hidden).first).to_be_hidden()
    text = text_of_pdf(page)
    assert "Rain" in text
    assert "Add a note" not in text
