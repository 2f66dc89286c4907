"""What is stored of the last read of a log set, so that the next one reads only what is new."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from clickstream.log_facts.date_carry import StoredCarries
from clickstream.log_facts.known_files import KnownFile
from clickstream.log_facts.own_domain import DateSample, Samples
from clickstream.log_files.written_offsets import DatedOffset, Seen, WrittenOffsets

FORMAT = 2
"""Version of the stored form; another one is not read."""

_HOUR_SECONDS = 3_600


@dataclass(frozen=True)
class LogMemory:
    """The last read: its rules, files in their order, and dates.

    `rules` is the digest of all that shapes the facts except the files. `days` are the dates with
    lines (days since 1970-01-01), in order. `samples` are those of the earliest requests, and
    `offsets` those of some lines.
    """

    rules: str
    files: Sequence[KnownFile]
    days: Sequence[int]
    samples: Samples
    offsets: WrittenOffsets
    carries: StoredCarries

    def day_before(self, day: int) -> int | None:
        """Return the last date with lines before a date; None without one."""
        return max((one for one in self.days if one < day), default=None)

    def continued_sessions(self, day: int) -> str | None:
        """Return the digest of sessions that continue on a date; None if they can't be compared.

        With an equal digest, the facts of the date before stay, if its last hours are the same.
        """
        has_both = {day - 1, day} <= {*self.days}
        return self.carries.continued(day) if has_both else None

    def to_json(self) -> dict[str, Any]:
        """Return the memory as JSON stores it."""
        return {
            "format": FORMAT,
            "rules": self.rules,
            "files": [one.to_json() for one in self.files],
            "days": [*self.days],
            "samples": {day: asdict(one) for day, one in self.samples.items()},
            "offsets": [[*dated, *seen] for dated, seen in self.offsets.items()],
            "carries": self.carries.names,
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any], carries: StoredCarries) -> LogMemory | None:
        """Read a stored memory; None if it is damaged, or of another format."""
        try:
            if stored["format"] != FORMAT:
                return None
            carries.names = {int(day): str(name) for day, name in stored["carries"].items()}
            samples = {int(day): DateSample(**one) for day, one in stored["samples"].items()}
            return cls(
                str(stored["rules"]),
                [KnownFile.from_json(one) for one in stored["files"]],
                [int(day) for day in stored["days"]],
                samples,
                {
                    DatedOffset(int(day), int(offset)): Seen(int(at), int(lines))
                    for day, offset, at, lines in stored["offsets"]
                },
                carries,
            )
        except (KeyError, TypeError, ValueError, AttributeError):
            return None


def hours_of(files: Sequence[KnownFile]) -> tuple[int, int] | None:
    """Return the numbers of the first and of the last hour of files; None without lines."""
    spans = [one.span for one in files if one.span]
    if not spans:
        return None
    first, last = min(span[0] for span in spans), max(span[1] for span in spans)
    return first // _HOUR_SECONDS, last // _HOUR_SECONDS


def days_of(files: Sequence[KnownFile]) -> list[int]:
    """Return the dates on which files have lines, in order."""
    return sorted({day for one in files for day in one.days})
