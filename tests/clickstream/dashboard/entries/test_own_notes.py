"""Notes of accounts on the chart, and what else a page says of them."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from tests.clickstream.dashboard.builders import (
    FactStore,
    PublishedHour,
    Visit,
    fact_tables,
    hours_between,
)
from tests.clickstream.dashboard.rendered import NOW, html_of, page_of, placeholders_of, texts_of
from tests.clickstream.dashboard.strategies import HOSTILE

from clickstream.dashboard.ask.view import View
from clickstream.dashboard.charts.line import MARKER_SIZE, NARROW, WIDE, ChartSeries, line_chart
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.entries.store import ShownNotes
from clickstream.dashboard.pages.panels import PANELS
from clickstream.dashboard.web.details import csv_lines, detail_parts
from clickstream.dashboard.web.rendering import Renderer
from clickstream.dashboard.widgets.buckets import buckets_of
from clickstream.dashboard.widgets.chart_notes import MOST_AUTOMATIC, MOST_OWN, number_notes

START = datetime(2026, 11, 2)
END = NOW.replace(minute=0)
WRITTEN = datetime(2026, 11, 16, 15, 20, tzinfo=UTC)
WEEK = View(range="7d")
RAIN = OwnNote.write("2026-11-12", "14", "Rain until evening", "ana", WRITTEN)
HOSTILE_TEXT = '<script>alert(1)</script>"><img src=x onerror=alert(2)>'


def store_of(hours: list[PublishedHour] | None = None) -> FactStore:
    visits = [Visit(START + timedelta(minutes=37 * n), n % 50) for n in range(500)]
    return FactStore(fact_tables(visits, hours or hours_between(START, END)))


@pytest.fixture(scope="module")
def store() -> FactStore:
    return store_of()


def shown(store: FactStore, entries: ShownNotes, view: View = WEEK) -> str:
    with page_of(store, view, entries=entries) as page:
        return " ".join(" ".join(texts_of(html_of(page))).split())


def notes_of(many: int) -> list[OwnNote]:
    """Notes of the week's days, several on each."""
    return [
        OwnNote.write(f"2026-11-{10 + n % 7}", str(n % 24), f"note {n}", "ben", WRITTEN)
        for n in range(many)
    ]


def test_a_note_is_listed_with_its_hour_and_author(store) -> None:
    text = shown(store, ShownNotes([RAIN]))
    assert re.search(r"1 12 Nov, 14:00\s*: Rain until evening · ana", text)


@pytest.mark.parametrize("grain", ["hour", "day", "week"])
def test_a_note_is_marked_on_the_chart_of_every_grain(store, grain) -> None:
    with page_of(store, View(range="28d", grain=grain), entries=ShownNotes([RAIN])) as page:
        html = html_of(page)
    assert html.count('<g class="note written">') == 2
    assert '<b class="written">1</b>' in html


def test_notes_of_other_days_are_not_shown(store) -> None:
    for day in ("2026-11-09", "2026-11-17", "2025-11-12"):
        other = OwnNote.write(day, "", "elsewhere", "ana", WRITTEN)
        assert "elsewhere" not in shown(store, ShownNotes([other]))


def test_filters_leave_notes_on_the_chart(store) -> None:
    assert "Rain" in shown(store, ShownNotes([RAIN]), WEEK.with_filter("channel", "Email"))


def test_a_note_and_an_automatic_one_of_a_day_share_a_number() -> None:
    errors = datetime(2026, 11, 12, 14)
    hours = [
        *hours_between(START, errors),
        PublishedHour(errors, {"page_requests": 10, "server_errors": 41}),
        *hours_between(errors + timedelta(hours=1), END),
    ]
    with page_of(store_of(hours), WEEK, entries=ShownNotes([RAIN])) as page:
        notes = number_notes(page, buckets_of(page.period, "day"))
    assert [(one.number, one.own is None) for one in notes.numbered] == [(1, True), (1, False)]
    assert notes.own_places == {*notes.places}


def test_many_notes_displace_no_automatic_one_and_the_rest_is_listed() -> None:
    rules = [
        hour
        for day in range(14)
        for hour in hours_between(
            START + timedelta(days=day), START + timedelta(days=day + 1), version=f"{day}.0"
        )
    ]
    store = store_of(rules)
    entries = ShownNotes(notes_of(40))
    view = View(range="own", first=START.date(), last=END.date())
    with page_of(store, view, entries=entries) as page:
        notes = number_notes(page, buckets_of(page.period, "day"))
        html = html_of(page)
    own = [one for one in notes.numbered if one.own]
    assert len(own) == MOST_OWN
    assert len(notes.numbered) - len(own) == MOST_AUTOMATIC
    # Another automatic note is on the hours of the last day, which are missing.
    assert len(notes.others) == 40 - MOST_OWN + 14 - MOST_AUTOMATIC
    assert all(one.number is None for one in notes.others)
    assert f"{len(notes.others)} more notes" in html
    assert all(f"note {number}<" in html for number in range(40))


def test_markers_that_are_near_each_other_do_not_touch() -> None:
    series = ChartSeries(
        [1.0] * 28, [], [""] * 28, [""] * 28, [""] * 28, notes={n: n + 1 for n in range(12)}
    )
    for box in (WIDE, NARROW):
        markers = line_chart(series, box, str).markers
        for number, one in enumerate(markers):
            for other in markers[:number]:
                apart = max(abs(one.x - other.x), abs(one.y - other.y))
                assert apart >= MARKER_SIZE, (one, other)
            assert one.y + MARKER_SIZE / 2 < box.base


@pytest.mark.parametrize("text", [HOSTILE_TEXT, *(text for text in HOSTILE if text.strip())])
def test_a_hostile_note_is_text(store, text) -> None:
    line = "".join(filter(str.isprintable, text)) or "x"
    note = OwnNote.write("2026-11-12", "", line, "ana", WRITTEN)
    with page_of(store, WEEK, entries=ShownNotes([note])) as page:
        html = html_of(page)
        csv = "".join(csv_lines(page, "trend"))
    assert "<script>alert" not in html
    assert "<img src=x" not in html
    found = re.search(r'<span class="text">(.*?)</span>', html)
    assert found is not None
    assert unescape(found[1]) == line
    assert not any(cell.startswith("=") for row in csv.split("\r\n") for cell in row.split(","))


def test_the_form_offers_the_days_of_the_range_and_the_last_one_first(store) -> None:
    cases = [
        (WEEK, "2026-11-16", "2026-11-10", "2026-11-16"),
        (View(range="year"), "2026-11-16", "2026-11-02", "2026-12-31"),
        (WEEK.with_days(START.date(), START.date()), "2026-11-02", "2026-11-02", "2026-11-02"),
    ]
    for view, value, first, last in cases:
        with page_of(store, view) as page:
            html = html_of(page)
        assert f'name="day" value="{value}" min="{first}" max="{last}"' in html


def test_the_page_of_the_chart_and_its_file_have_the_notes(store) -> None:
    other = OwnNote.write("2026-11-11", "", "=1+1", "ben", WRITTEN)
    with page_of(store, WEEK, entries=ShownNotes([RAIN, other])) as page:
        panel = PANELS["trend"]
        renderer = Renderer.create(page.formats, "Café")
        html = renderer.detail(page, panel, detail_parts(page, panel), None)
        lines = "".join(csv_lines(page, "trend")).split("\r\n")
        assert "day,hour,note,account" not in "".join(csv_lines(page, "sources"))
    assert "12 Nov, 14:00: <span" in html
    assert lines[-4:-1] == [
        "day,hour,note,account",
        "2026-11-11,,'=1+1,ben",
        "2026-11-12,14,Rain until evening,ana",
    ]


def test_files_that_can_not_be_read_are_named_on_the_page(store) -> None:
    text = shown(store, ShownNotes(problem="Can't read the notes in notes.json."))
    assert "Can't read the notes in notes.json." in text
    assert "Complete to 15:00" in text


def test_every_text_about_notes_has_all_its_values(store) -> None:
    note = OwnNote.write("2026-11-12", "9", "/menu", "order", WRITTEN)
    others = (OwnNote.write("2026-11-13", "", "/menu", str(n), WRITTEN) for n in range(15))
    with page_of(store, WEEK, entries=ShownNotes([note, *others])) as page:
        assert placeholders_of(html_of(page)) == []
