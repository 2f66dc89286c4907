"""The notes of one directory and their version, also when their file can't be read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from clickstream.core.errors import InputError
from clickstream.dashboard.entries.entry_file import EntryFile
from clickstream.dashboard.entries.own_notes import OWN_NOTES, OwnNote


@dataclass(frozen=True)
class ShownNotes:
    """The notes that a page shows.

    `version` changes with every change of the file. `problem` says why it can't be read.
    """

    notes: Sequence[OwnNote] = ()
    version: str = ""
    problem: str = ""


NO_NOTES = ShownNotes()


class NoteStore:
    """The file of notes in a directory."""

    def __init__(self, directory: Path) -> None:
        self.notes = EntryFile(directory, OWN_NOTES)

    def version(self) -> str:
        """Return the version of the notes."""
        return self.notes.version()

    def read(self) -> ShownNotes:
        """Return the current notes. A page shows none of a damaged file, and its problem."""
        version = self.version()
        try:
            return ShownNotes(self.notes.read().entries, version)
        except InputError as error:
            return ShownNotes((), version, error.printed)
