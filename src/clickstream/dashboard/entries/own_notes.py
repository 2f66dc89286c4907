"""Notes of accounts on the main chart about a day, or about an hour of it."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from clickstream.core.errors import InputError
from clickstream.dashboard.entries.entry_file import EntryKind, parse_line

LONGEST_TEXT = 140
MOST_NOTES = 500


@dataclass(frozen=True)
class OwnNote:
    """A note of an account on a local date, or on an hour (0 to 23) of it."""

    id: str
    day: date
    hour: int | None
    text: str
    account: str
    written_at: datetime

    @classmethod
    def write(cls, day: str, hour: str, text: str, account: str, now: datetime) -> OwnNote:
        """Build a note from the fields of a form. Raises InputError that names a wrong field."""
        line = parse_line(text, "The note", LONGEST_TEXT)
        return cls(secrets.token_hex(8), _parse_day(day), _parse_hour(hour), line, account, now)

    def as_json(self) -> dict[str, Any]:
        """Return the note as it is stored."""
        return {
            "id": self.id,
            "day": self.day.isoformat(),
            "hour": self.hour,
            "text": self.text,
            "account": self.account,
            "written_at": self.written_at.isoformat(),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> OwnNote:
        """Parse a stored note."""
        return cls(
            str(stored["id"]),
            _parse_day(stored["day"]),
            None if stored["hour"] is None else _parse_hour(str(stored["hour"])),
            parse_line(stored["text"], "The note", LONGEST_TEXT),
            str(stored["account"]),
            datetime.fromisoformat(stored["written_at"]),
        )


def _find_equal(notes: Sequence[OwnNote], note: OwnNote) -> OwnNote | None:
    """Find the note that a double click, which sends a form twice, has already added."""
    values = (note.day, note.hour, note.text, note.account)
    return next((o for o in notes if (o.day, o.hour, o.text, o.account) == values), None)


OWN_NOTES = EntryKind("notes.json", "note", "notes", MOST_NOTES, OwnNote.from_json, _find_equal)


def _parse_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 1970 <= day.year <= 2999:
        raise InputError(f"{text[:40]!r} is not a date; write it like 2026-11-20.")
    return day


def _parse_hour(text: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 2 and int(text) <= 23):
        raise InputError(f"{text[:40]!r} is not an hour; write 0 to 23, or leave it out.")
    return int(text)
