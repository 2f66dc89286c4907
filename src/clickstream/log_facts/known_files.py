"""The log files that were read: how they are recognized, and what is known of their lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from clickstream.log_facts.line_counts import LineCount
from clickstream.log_files.file_notes import BEGIN, FileIdentity, FileNotes, Start


@dataclass(frozen=True)
class Batch:
    """Lines of a file that were parsed at once, and where they begin."""

    start: Start
    count: LineCount


@dataclass(frozen=True)
class KnownFile:
    """A file that was read, with its batches in order.

    `identity` is None if it can't be recognized. `ends_line` is whether its last line has a
    newline. `problem` is the complaint about the file, "" if it was set aside, else None.
    """

    path: str
    identity: FileIdentity | None
    batches: tuple[Batch, ...]
    ends_line: bool
    problem: str | None

    @classmethod
    def of(
        cls, path: str, notes: FileNotes, counts: Sequence[LineCount], problem: str | None
    ) -> KnownFile:
        """Return a file that was read; if it is not divisible, as one batch."""
        starts = notes.starts if notes.is_divisible else []
        if not starts or len(starts) != len(counts):
            starts, counts = [BEGIN], [LineCount.sum(counts)]
        hours = [starts[0].hour, *(one.hour for one in counts)]
        batches = [
            Batch(replace(start, hour=hour), count)
            for start, hour, count in zip(starts, hours, counts, strict=False)
        ]
        return cls(path, notes.identity, tuple(batches), notes.ends_line, problem)

    def after(self, batches: Sequence[Batch]) -> KnownFile:
        """Return the file with batches that were not read again before its own."""
        return replace(self, batches=(*batches, *self.batches))

    @property
    def days(self) -> Counter[int]:
        """The number of lines of each date, given in days since 1970-01-01."""
        return Counter(LineCount.sum([batch.count for batch in self.batches]).days)

    @property
    def lines(self) -> int:
        """The number of lines."""
        return sum(self.days.values())

    @property
    def parsed(self) -> int:
        """The number of parsed lines."""
        return sum(batch.count.parsed for batch in self.batches)

    @property
    def span(self) -> tuple[int, int] | None:
        """The seconds since 1970-01-01 of the earliest and of the latest time; None without one."""
        found = LineCount.sum([batch.count for batch in self.batches])
        return None if found.first is None or found.last is None else (found.first, found.last)

    @property
    def is_dated(self) -> bool:
        """Whether all lines have the date of a line of the file."""
        return all(batch.count.is_dated for batch in self.batches)

    def batches_before(self, day: int) -> int:
        """Return the number of first batches that have only lines of dates before a date.

        The last batch is not one of them, so that there is something to read.
        """
        for place, batch in enumerate(self.batches[:-1]):
            if max(batch.count.days, default=day) >= day:
                return place
        return len(self.batches) - 1

    def to_json(self) -> dict[str, Any]:
        """Return the file as JSON stores it."""
        return asdict(self)

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> KnownFile:
        """Read a stored file. Raises KeyError, TypeError or ValueError if it is damaged."""
        identity = stored["identity"]
        batches = [
            Batch(Start(**one["start"]), _count_of(one["count"])) for one in stored["batches"]
        ]
        return cls(
            str(stored["path"]),
            FileIdentity(**identity) if identity else None,
            tuple(batches),
            bool(stored["ends_line"]),
            stored["problem"],
        )


def _count_of(stored: Mapping[str, Any]) -> LineCount:
    days = {int(day): int(lines) for day, lines in stored["days"].items()}
    return LineCount(**{**stored, "days": days})
