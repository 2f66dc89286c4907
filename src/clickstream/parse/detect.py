"""Which format a log has: the one that reads most lines of a sample."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.errors import InputError
from clickstream.parse import w3c
from clickstream.parse.escaping import escape
from clickstream.parse.known import FORMATS, Format
from clickstream.wording import quantity

GLANCE = 40
"""So many lines tell a format that reads each of them."""

LINES_LOOKED_AT = 400
"""So many do otherwise, if any of them can be read; every known format is tried on each."""


@dataclass(frozen=True)
class Detected:
    """A format and how sure it is: it reads `read` of the `seen` lines of a sample.

    `runner_up` is the format that reads most of the others, if any does, and `runner_up_read` how
    many that is.
    """

    name: str
    read: int
    seen: int
    runner_up: str | None = None
    runner_up_read: int = 0

    @property
    def share(self) -> float:
        """How much of the sample it reads, from 0 to 1."""
        return self.read / self.seen

    @property
    def sentence(self) -> str:
        """The same for people."""
        return f"{self.name}, which reads {self.read:,} of {quantity(self.seen, 'line')}"


def detect(sample: bytes) -> Detected:
    """The format that most of the first lines of a sample have; of several, the most special.

    A line with a virtual host is also one without, whose client is the host. The sample may
    end inside a line, which counts only if it can be read. Raises InputError, naming a line of the
    sample, when no line has a known format.
    """
    found = _detected(_beginning(sample, GLANCE))
    if not found or found.share < 1:
        found = _detected(_beginning(sample, LINES_LOOKED_AT)) or _detected(sample)
    if not found:
        raise InputError(_unknown(sample))
    return found


def _beginning(sample: bytes, lines: int) -> bytes:
    """So many lines with their ends, or the whole sample, which may end inside one."""
    parts = sample.split(b"\n", lines)
    return sample.removesuffix(parts[lines]) if len(parts) > lines else sample


def _detected(sample: bytes) -> Detected | None:
    read = {name: known.read(sample, b"") for name, known in FORMATS.items()}
    order = [*FORMATS]
    ranked = sorted(order, key=lambda name: (-len(read[name].line), -order.index(name)))
    best, *others = [name for name in ranked if len(read[name].line)] or [""]
    if not best:
        return None
    rows = read[best]
    last = len(sample.split(b"\n")) - 1
    is_cut = bool(rows.refused) and rows.refused[-1][0] == last  # no newline ends it
    seen = rows.lines - is_cut
    if not others:
        return Detected(best, len(rows.line), seen)
    return Detected(best, len(rows.line), seen, others[0], len(read[others[0]].line))


def _unknown(sample: bytes) -> str:
    if missing := w3c.missing_columns(w3c.header_after(sample, b"")):
        return (
            f"The #Fields line of the log lacks {' and '.join(missing)}: have the server log "
            f"at least {', '.join(w3c.NEEDED_COLUMNS)}, with times in UTC."
        )
    seen = next((line for line in sample.splitlines() if line.strip()), b"")
    return (
        f"No line of the log has a known format; the first one reads {escape(seen[:200])!r}. "
        f"Known are: {'; '.join(map(_described, FORMATS.values()))}."
    )


def _described(known: Format) -> str:
    return f"{known.name}, like {' and then '.join(known.example.splitlines())}"
