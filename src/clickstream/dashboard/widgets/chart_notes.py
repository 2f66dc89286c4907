"""The notes below the main chart: automatic notes, and notes that accounts wrote."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.entries.own_notes import OwnNote
from clickstream.dashboard.widgets.buckets import Bucket
from clickstream.dashboard.widgets.notes import find_notes
from clickstream.dashboard.widgets.page import PageContext

MOST_AUTOMATIC, MOST_OWN = 6, 12
"""Maximum number of notes that get a number on the chart; the others are only listed."""


@dataclass(frozen=True)
class ChartNote:
    """A note in the list below the chart; `number` is None if the chart does not show it.

    An automatic note has an `anchor` on the Trust page; a note of an account has `own`.
    """

    at: datetime
    when: str
    text: str
    anchor: str = ""
    own: OwnNote | None = None
    number: int | None = None


@dataclass(frozen=True)
class ChartNotes:
    """The notes in order of time, with and without a number on the chart.

    `places` maps indices of buckets to numbers; `own_places` are those with a note of an account.
    """

    numbered: Sequence[ChartNote]
    others: Sequence[ChartNote]
    places: Mapping[int, int]
    own_places: frozenset[int]


def number_notes(page: PageContext, buckets: Sequence[Bucket]) -> ChartNotes:
    """Number automatic notes, in order of importance, and the latest own notes, up to a limit."""
    automatic = [
        ChartNote(note.at, page.formats.day(note.at.date()), note.text, note.anchor)
        for note in find_notes(page)
    ]
    own = [
        ChartNote(start_of(note.day, note.hour or 0), when_of(page, note), note.text, own=note)
        for note in own_notes(page)
    ]
    chosen = [*automatic[:MOST_AUTOMATIC], *own[-MOST_OWN:]]
    unnumbered = [*automatic[MOST_AUTOMATIC:], *own[:-MOST_OWN]]
    numbered: list[ChartNote] = []
    places: dict[int, int] = {}
    own_places: set[int] = set()
    for note in _in_order(chosen):
        index = next((i for i, b in enumerate(buckets) if b.start <= note.at < b.end), None)
        if index is None:
            continue
        numbered.append(replace(note, number=places.setdefault(index, len(places) + 1)))
        own_places |= {index} if note.own else set()
    return ChartNotes(numbered, _in_order(unnumbered), places, frozenset(own_places))


def own_notes(page: PageContext) -> list[OwnNote]:
    """Return the notes of accounts on the page's days, in order of time."""
    first, last = page.period.first, page.period.last
    chosen = [note for note in page.entries.notes if first <= note.day <= last]
    return sorted(chosen, key=lambda note: (note.day, note.hour or 0, note.written_at))


def when_of(page: PageContext, note: OwnNote) -> str:
    """Format the date of a note, and its hour if it has one."""
    day = page.formats.day(note.day)
    return day if note.hour is None else f"{day}, {page.formats.hour(note.hour)}"


def _in_order(notes: Sequence[ChartNote]) -> list[ChartNote]:
    return sorted(notes, key=lambda note: (note.at, note.own is not None, note.text))
