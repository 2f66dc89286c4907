"""Which format a log has: the one that reads most lines of a sample."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.errors import InputError
from clickstream.parse import w3c
from clickstream.parse.escaping import escape
from clickstream.parse.heads import HAS_LIST
from clickstream.parse.known import FORMATS, Format
from clickstream.wording import quantity

GLANCE = 40
"""So many lines tell a format that reads each of them."""

LINES_LOOKED_AT = 400
"""So many do otherwise, if any of them can be read; every known format is tried on each."""

SAMPLE_LINES = 1000
"""A log has no known format if none of its first lines, as many as this, has one."""

_OF_LISTS = ("combined_forwarded", "common_forwarded")


@dataclass(frozen=True)
class Detected:
    """A format and how sure it is: it reads `read` of the `seen` lines of a sample."""

    name: str
    read: int
    seen: int

    @property
    def share(self) -> float:
        """How much of the sample it reads, from 0 to 1."""
        return self.read / self.seen

    @property
    def sentence(self) -> str:
        """The same for people."""
        return f"{self.name}, which reads {self.read:,} of {quantity(self.seen, 'line')}"


def detect(sample: bytes, likely: str = "") -> Detected:
    """The format that most of the first lines of a sample have; of several, the most special.

    A line with a virtual host fits `combined` too, so `combined_vhost` counts as more special. The
    sample may end inside a line, which counts only if it can be read. `likely` names the format
    to try first, such as that of the last file of the same source. It changes the time this takes,
    never the result. Raises InputError, naming a line of the sample, when none of the first
    SAMPLE_LINES lines has a known format.
    """
    glance = _beginning(sample, GLANCE)
    found = _confirmed(glance, likely) or _detected(glance)
    if not found or found.share < 1:
        found = _detected(_beginning(sample, LINES_LOOKED_AT))
    if not found:
        found = _detected(_beginning(sample, SAMPLE_LINES))
    if not found:
        raise InputError(_unknown(sample))
    return found


def _beginning(sample: bytes, lines: int) -> bytes:
    """So many lines with their ends, or the whole sample, which may end inside one."""
    parts = sample.split(b"\n", lines)
    return sample.removesuffix(parts[lines]) if len(parts) > lines else sample


def _order(sample: bytes) -> list[str]:
    """The formats, the more special after the more general.

    The formats with `X-Forwarded-For` also read lines with a single address, as `combined` does:
    they are the more special ones only where a line has a list of addresses.
    """
    if not HAS_LIST.search(sample):
        return [*FORMATS]
    return sorted(FORMATS, key=_OF_LISTS.__contains__)


def _confirmed(sample: bytes, likely: str) -> Detected | None:
    """The likely format, if it reads every line and no other format can win; else None.

    A more special format would have to read as many lines, so also the first entry. Any other one
    would have to read more, so also one of the directives, which are no entries.
    """
    if likely not in FORMATS:
        return None
    lines = [line.removesuffix(b"\r") for line in sample.removesuffix(b"\n").split(b"\n")]
    known = FORMATS[likely]
    first, directives, read = 0, [], len(lines)
    if known.pattern:
        if not known.pattern.has_all(lines):
            return None
    else:
        rows = known.read(sample, b"")
        if rows.refused or not len(rows.line):
            return None
        first, directives, read = int(rows.line[0]), rows.directives.tolist(), rows.lines
    order = _order(sample)
    rivals = [(name, first) for name in order[order.index(likely) + 1 :]]
    rivals += [(name, at) for name in order if name != likely for at in directives]
    if any(FORMATS[name].may_read(lines[at]) for name, at in rivals):
        return None
    return Detected(likely, read, read)


def _detected(sample: bytes) -> Detected | None:
    read = {name: known.read(sample, b"") for name, known in FORMATS.items()}
    order = _order(sample)
    best = max(order, key=lambda name: (len(read[name].line), order.index(name)))
    rows = read[best]
    if not len(rows.line):
        return None
    last = len(sample.split(b"\n")) - 1
    is_cut = bool(rows.refused) and rows.refused[-1][0] == last  # no newline ends it
    return Detected(best, len(rows.line), rows.lines - is_cut)


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
