"""A JSON file of small entries, such as notes, that several processes read and change.

Readers see a complete file, old or new, and a lock serializes the writers. Kinds whose deletion can
be undone keep a deleted entry in the file for some days.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from clickstream.core.errors import InputError, UnusableDashboardFile
from clickstream.core.wording import printable
from clickstream.dashboard.entries import private_files


class Entry(Protocol):
    """The interface of an entry: an id, and its values as JSON."""

    @property
    def id(self) -> str:
        """The id, which is unique in the file."""

    def as_json(self) -> dict[str, Any]:
        """Return the values to store."""


AnyEntry = TypeVar("AnyEntry", bound=Entry)


@dataclass(frozen=True)
class Deleted(Generic[AnyEntry]):
    """An entry that was deleted, and when."""

    entry: AnyEntry
    deleted_at: datetime


@dataclass(frozen=True)
class Contents(Generic[AnyEntry]):
    """The entries of a file in the order in which they were added, and the deleted ones."""

    entries: Sequence[AnyEntry] = ()
    deleted: Sequence[Deleted[AnyEntry]] = ()

    def entry(self, entry_id: str) -> AnyEntry | None:
        """Return the entry with an id."""
        return next((entry for entry in self.entries if entry.id == entry_id), None)

    def deleted_entry(self, entry_id: str) -> AnyEntry | None:
        """Return the deleted entry with an id."""
        return next(
            (deletion.entry for deletion in self.deleted if deletion.entry.id == entry_id), None
        )


@dataclass(frozen=True)
class EntryKind(Generic[AnyEntry]):
    """A kind of entries: its file, its name in messages, its limit, and its parser.

    `find_equal` returns an existing entry that makes a new one unnecessary. A deletion can be
    undone for `undo_days`; the first change after them removes the entry.
    """

    file_name: str
    singular: str
    plural: str
    most: int
    from_json: Callable[[Mapping[str, Any]], AnyEntry]
    find_equal: Callable[[Sequence[AnyEntry], AnyEntry], AnyEntry | None]
    undo_days: int = 0


class EntryFile(Generic[AnyEntry]):
    """The entries of one kind in the dashboard's directory."""

    def __init__(self, directory: Path, kind: EntryKind[AnyEntry]) -> None:
        self.kind = kind
        self.path = directory / kind.file_name
        self._directory = directory
        self._parsed: tuple[bytes | None, Contents[AnyEntry]] = (None, Contents())

    def read(self) -> Contents[AnyEntry]:
        """Return the current entries. Raises InputError if the file is damaged."""
        stored = self.read_bytes()
        parsed, contents = self._parsed
        if stored != parsed:
            contents = self._parse(stored)
            self._parsed = (stored, contents)
        return contents

    def read_bytes(self) -> bytes | None:
        """Return the file's content; None if it does not exist."""
        try:
            return self.path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unreadable(error) from None

    def version(self) -> str:
        """Return a short digest that changes with every change of the file.

        A missing file and an unreadable one have versions of their own.
        """
        try:
            content = self.read_bytes()
        except InputError as error:
            content = str(error).encode()
        return hashlib.blake2b(repr(content).encode(), digest_size=6).hexdigest()

    def add(self, entry: AnyEntry, now: datetime) -> None:
        """Add an entry, unless an equal one exists. Raises InputError if there are too many."""

        def change(before: Contents[AnyEntry]) -> Contents[AnyEntry]:
            return self._with(before, entry)

        self._change(change, now)

    def delete(self, entry_id: str, now: datetime) -> None:
        """Delete an entry; do nothing if it is deleted already."""

        def change(before: Contents[AnyEntry]) -> Contents[AnyEntry]:
            entry = before.entry(entry_id)
            if entry is None and before.deleted_entry(entry_id) is None:
                raise self._unknown(entry_id)
            if entry is None:
                return before
            rest = [entry for entry in before.entries if entry.id != entry_id]
            return Contents(rest, [*before.deleted, Deleted(entry, now)])

        self._change(change, now)

    def restore(self, entry_id: str, now: datetime) -> None:
        """Undo a deletion; do nothing if the entry exists."""

        def change(before: Contents[AnyEntry]) -> Contents[AnyEntry]:
            entry = before.deleted_entry(entry_id)
            if entry is None and before.entry(entry_id) is None:
                raise self._unknown(entry_id)
            if entry is None:
                return before
            rest = [deletion for deletion in before.deleted if deletion.entry.id != entry_id]
            return self._with(Contents(before.entries, rest), entry)

        self._change(change, now)

    def _with(self, before: Contents[AnyEntry], entry: AnyEntry) -> Contents[AnyEntry]:
        kind = self.kind
        if kind.find_equal(before.entries, entry):
            return before
        if len(before.entries) >= kind.most:
            raise InputError(
                f"There are {kind.most} {kind.plural} already, which is the limit. Delete a "
                f"{kind.singular} that is no longer needed."
            )
        return Contents([*before.entries, entry], before.deleted)

    def _change(
        self, change: Callable[[Contents[AnyEntry]], Contents[AnyEntry]], now: datetime
    ) -> None:
        """Change the file while no other process can change it."""
        with private_files.exclusive_access(self._directory):
            before = self.read()
            after = change(before)
            if after != before:
                private_files.replace(self.path, self._to_text(after, now))

    def _to_text(self, contents: Contents[AnyEntry], now: datetime) -> str:
        """Format the file's text, without entries that were deleted too long ago."""
        oldest = now - timedelta(days=self.kind.undo_days)
        # At most as many deleted entries as others: adding and deleting must not fill the disk.
        recent = [deletion for deletion in contents.deleted if deletion.deleted_at > oldest]
        stored = {
            self.kind.plural: [entry.as_json() for entry in contents.entries],
            "deleted": [
                {**deletion.entry.as_json(), "deleted_at": deletion.deleted_at.isoformat()}
                for deletion in recent[-self.kind.most :]
            ],
        }
        return json.dumps(stored, indent=1, ensure_ascii=False) + os.linesep

    def _parse(self, stored: bytes | None) -> Contents[AnyEntry]:
        if stored is None:
            return Contents()
        try:
            values = json.loads(stored)
            return Contents(
                [self.kind.from_json(value) for value in values[self.kind.plural]],
                [
                    Deleted(self.kind.from_json(value), datetime.fromisoformat(value["deleted_at"]))
                    for value in values["deleted"]
                ],
            )
        except (ValueError, KeyError, TypeError, AttributeError, InputError) as error:
            raise self._unreadable(error) from None

    def _unreadable(self, error: Exception) -> InputError:
        return UnusableDashboardFile(
            f"Can't read the {self.kind.plural} in {self.path}: {error!r}. Restore the file from a "
            f"backup, or delete it to begin without {self.kind.plural}."
        )

    def _unknown(self, entry_id: str) -> InputError:
        return InputError(
            f"There is no {self.kind.singular} {entry_id[:40]!r}; it is deleted, or never existed. "
            "Open the page again."
        )


def parse_line(text: str, name: str, most: int) -> str:
    """Strip one line of text and check it. Raises InputError that states what is wrong."""
    line = text.strip()
    if not line:
        raise InputError(f"{name} is empty; write 1 to {most} characters.")
    if len(line) > most:
        raise InputError(f"{name} has {len(line)} characters; write {most} at most.")
    if (shown := printable(line)) != line:
        raise InputError(
            f"{name} has a line end or another hidden character: {shown}. Write one line of plain "
            "text."
        )
    return line
