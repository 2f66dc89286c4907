"""The result of a pull, in figures and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from clickstream.wording import quantity, shorten

NAMES_SHOWN = 5
"""Limit of the file names in a sentence; further ones are counted."""


@dataclass(frozen=True)
class Pulled:
    """The result of one pull.

    `files` is the number of files that are neither refused nor set aside. `refused` are files that
    can't be read, or only up to some line, with the reason; `newly_refused` are those that no
    earlier pull refused. `set_aside` are files that are not access logs. `waiting` are files whose
    lines could not be pulled yet, with the reason. `padding_bytes` at the beginning of
    `padded_files` new files (NULs, a byte-order mark) were left out.
    """

    host: str
    files: int
    lines: int
    bytes: int
    hours: list[str]
    unfinished: list[str]
    refused: list[str]
    newly_refused: list[str] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    waiting: list[str] = field(default_factory=list)
    padding_bytes: int = 0
    padded_files: int = 0

    def as_dict(self) -> dict[str, Any]:
        """The fields as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        files = quantity(self.files, "file")
        parts = [f"{self.host}: {quantity(self.lines, 'new line')} of {files}"]
        if self.hours:
            parts.append(f", hours {self.hours[0]} to {self.hours[-1]}")
        if self.padded_files:
            padding = f"{quantity(self.padding_bytes, 'byte')} of NULs or a byte-order mark"
            parts.append(
                f"; left out {padding} at the head of {quantity(self.padded_files, 'file')}"
            )
        if self.unfinished:
            parts.append(f"; the unfinished last line of {_names(self.unfinished)} waits")
        if self.waiting:
            parts.append(f"; {quantity(len(self.waiting), 'file')} WAITING: {_names(self.waiting)}")
        if self.set_aside:
            number = quantity(len(self.set_aside), "file")
            parts.append(f"; {number} set aside, not access logs: {_names(self.set_aside)}")
        if self.newly_refused:
            parts.append(f"; {quantity(len(self.newly_refused), 'file')} REFUSED")
        if refused_before := len(self.refused) - len(self.newly_refused):
            parts.append(f"; {quantity(refused_before, 'file')} refused before and unchanged since")
        return "".join([*parts, "."])


def _names(names: Sequence[str]) -> str:
    return shorten(names, NAMES_SHOWN)
