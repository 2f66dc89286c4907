"""Notes and saved views of one directory, read together as one version."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from clickstream.dashboard.entries.entry_file import AnyEntry, Contents, EntryFile, digest_of
from clickstream.dashboard.entries.own_notes import OWN_NOTES, OwnNote
from clickstream.dashboard.entries.saved_views import SAVED_VIEWS, SavedView
from clickstream.errors import InputError

UNDO_NOTE, UNDO_VIEW = "undo_note", "undo_view"
"""URL parameters with the id of the entry that was just deleted."""


@dataclass(frozen=True)
class Entries:
    """The entries that a page shows.

    `version` changes with every change of a file. `problems` name files that can't be read. The
    page offers to restore `deleted_note` or `deleted_view`.
    """

    notes: Sequence[OwnNote] = ()
    views: Sequence[SavedView] = ()
    version: str = ""
    problems: Sequence[str] = ()
    deleted_note: OwnNote | None = None
    deleted_view: SavedView | None = None


NO_ENTRIES = Entries()


class EntryStore:
    """The files of a directory."""

    def __init__(self, directory: Path) -> None:
        self.notes = EntryFile(directory, OWN_NOTES)
        self.views = EntryFile(directory, SAVED_VIEWS)

    def version(self) -> str:
        """Return the version of all entries."""
        return digest_of(_bytes_of(self.notes), _bytes_of(self.views))

    def read(self, parameters: Mapping[str, str] | None = None) -> Entries:
        """Return the current entries, and the just deleted one that the URL's parameters name.

        A page shows no entries of a damaged file, and reports the problem.
        """
        version = self.version()
        problems: list[str] = []
        notes, views = _read(self.notes, problems), _read(self.views, problems)
        given = parameters or {}
        return Entries(
            notes.entries,
            sorted(views.entries, key=lambda view: view.name.casefold()),
            version,
            problems,
            notes.deleted_entry(given.get(UNDO_NOTE, "")),
            views.deleted_entry(given.get(UNDO_VIEW, "")),
        )


def _read(file: EntryFile[AnyEntry], problems: list[str]) -> Contents[AnyEntry]:
    try:
        return file.read()
    except InputError as error:
        problems.append(error.printed)
        return Contents()


def _bytes_of(file: EntryFile[AnyEntry]) -> bytes | None:
    try:
        return file.read_bytes()
    except InputError as error:  # an unreadable file has its own version
        return str(error).encode()
