"""Which format a log has: the one that reads most lines of a sample."""

from __future__ import annotations

from dataclasses import dataclass

from clickstream.errors import UnknownLogFormat
from clickstream.parse import w3c
from clickstream.parse.formats import HAS_LIST
from clickstream.parse.frames import escape
from clickstream.parse.long_lines import LONGEST_LINE_BYTES, shorten
from clickstream.parse.registry import FORMATS, Format
from clickstream.parse.rows import Rows
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


def detect(sample: bytes, likely: str = "", longest: int = LONGEST_LINE_BYTES) -> Detected:
    """The format that most of the first lines of a sample have; of several, the most special.

    A line with a virtual host fits `combined` too, so `combined_vhost` counts as more special. The
    sample may end inside a line, which counts only if it can be read. `likely` names the format
    to try first, such as that of the last file of the same source. It changes the time this takes,
    never the result. Lines of more than `longest` bytes have no format. Raises InputError, naming
    a line of the sample, when none of the first SAMPLE_LINES lines has a known format.
    """
    sample = shorten(sample, longest).data
    found = _best(_beginning(sample, GLANCE), likely)
    if not found or found.share < 1:
        found = _best(_beginning(sample, LINES_LOOKED_AT), likely)
    if not found:
        found = _best(_beginning(sample, SAMPLE_LINES), likely)
    if not found:
        raise UnknownLogFormat(_unknown(sample))
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


def _best(sample: bytes, likely: str) -> Detected | None:
    return _confirmed(sample, likely) or _detected(sample)


def _confirmed(sample: bytes, likely: str) -> Detected | None:
    """The likely format, if it reads some lines and no other format can win; else None.

    A line that the likely format refuses does not send a file through every format: in a year of
    hourly files, each with one such line in a thousand, that took half of the time.
    """
    if likely not in FORMATS:
        return None
    known = FORMATS[likely]
    lines = [line.removesuffix(b"\r") for line in sample.removesuffix(b"\n").split(b"\n")]
    if known.pattern and known.pattern.has_all(lines):
        found, read, others = Detected(likely, len(lines), len(lines)), lines, []
    else:
        rows = known.read(sample, b"")
        refused = [lines[index] for index, _, _ in rows.refused]
        if not len(rows.line) or any(line.startswith(b"#") for line in refused):
            return None  # a header decides how the lines below it are read
        found = _shown(likely, rows, sample)
        read = [lines[at] for at in rows.line]
        others = refused + [lines[at] for at in rows.directives]
    order = _order(sample)
    for name in order:
        is_special = order.index(name) > order.index(likely)
        most = _most_read(FORMATS[name], read, others)
        if name != likely and most >= len(read) + (not is_special):
            return None
    return found


def _most_read(rival: Format, read: list[bytes], others: list[bytes]) -> int:
    """An upper limit of the lines that a rival reads.

    `read` are the lines of the likely format, `others` the rest. Of `read`, only as many are tried
    as can decide.
    """
    tried = read[: len(others) + 1]
    may_read = sum(map(rival.may_read, [*tried, *others]))
    return len(read) - len(tried) + may_read


def _detected(sample: bytes) -> Detected | None:
    read = {name: known.read(sample, b"") for name, known in FORMATS.items()}
    order = _order(sample)
    best = max(order, key=lambda name: (len(read[name].line), order.index(name)))
    return _shown(best, read[best], sample) if len(read[best].line) else None


def _shown(name: str, rows: Rows, sample: bytes) -> Detected:
    """What a format made of a sample. Its last line does not count if it is cut and refused."""
    last = len(sample.split(b"\n")) - 1
    is_cut = bool(rows.refused) and rows.refused[-1][0] == last  # no newline ends it
    return Detected(name, len(rows.line), rows.lines - is_cut)


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
