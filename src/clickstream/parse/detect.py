"""Detect the format of a log: the format that reads most lines of a sample."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

import numpy as np

from clickstream.core.errors import UnknownLogFormat
from clickstream.core.wording import quantity
from clickstream.parse import w3c
from clickstream.parse.formats import FORMATS, Format
from clickstream.parse.frames import escape
from clickstream.parse.line_patterns import HAS_LIST
from clickstream.parse.long_lines import LONGEST_LINE_BYTES, shorten
from clickstream.parse.proposals import propose_format
from clickstream.parse.rows import Rows
from clickstream.parse.wrappers import unwrap_all

GLANCE = 40
"""Number of lines in the first sample; it decides if a format reads all of them."""

LINES_LOOKED_AT = 400
"""Number of lines in the second sample, which decides if any format reads one of its lines."""

SAMPLE_LINES = 1000
"""Number of lines in the last sample. If no format reads any of them, the format is unknown."""

_QUOTED = 200
"""Number of bytes of the first line that a message about an unknown format has."""

_COMPARED = 300
"""Number of characters of a line that are compared with those of examples."""

_LEVEL = rb"(emerg|alert|crit|error|warn|notice|info|debug|trace\d)"
_ERROR_LOGS = {
    "nginx": re.compile(rb"\d{4}/\d\d/\d\d \d\d:\d\d:\d\d \[" + _LEVEL + rb"\] \d+#\d+: "),
    "Apache": re.compile(rb"\[\w{3} \w{3} +\d+ [\d:.]+ \d{4}\] \[([\w-]*:)?" + _LEVEL + rb"\] "),
}
"""The beginning of a line of an error log, by server: nginx's ngx_log_error, Apache's ErrorLog."""

_OF_LISTS = ("combined_forwarded", "common_forwarded")


@dataclass(frozen=True)
class Detected:
    """A format that reads `read` of the `seen` lines of a sample."""

    name: str
    read: int
    seen: int

    @property
    def share(self) -> float:
        """The share of the sample that the format reads, from 0 to 1."""
        return self.read / self.seen

    @property
    def sentence(self) -> str:
        """The result as a text for messages."""
        return f"{self.name}, which reads {self.read:,} of {quantity(self.seen, 'line')}"


def detect(sample: bytes, likely: str = "", longest: int = LONGEST_LINE_BYTES) -> Detected:
    """Return the format that reads most of the first lines of a sample.

    If several formats read the same number, the more specific one is returned: a line with a
    virtual host fits `combined` too, so `combined_vhost` is more specific.
    The sample may end inside a line, which counts only if it can be read. `likely` names the format
    to try first, such as that of the last file of the same source. It changes the duration, never
    the result. Lines of more than `longest` bytes have no format. Raises InputError, which names a
    line of the sample, if none of the first SAMPLE_LINES lines has a known format.
    """
    if kind := archive_of(sample):
        raise UnknownLogFormat(f"This is a {kind} archive, not a log: unpack it.")
    sample = shorten(sample, longest).data
    detected = _best(_beginning(sample, GLANCE), likely)
    if not detected or detected.share < 1:
        detected = _best(_beginning(sample, LINES_LOOKED_AT), likely)
    if not detected:
        detected = _best(_beginning(sample, SAMPLE_LINES), likely)
    if not detected:
        raise _unknown(sample)
    return detected


def confirm_formats(
    samples: Sequence[bytes], likely: str, longest: int = LONGEST_LINE_BYTES
) -> list[Detected | None]:
    """Return `detect(sample)` for the samples of which the likely format reads each first line.

    Samples are whole lines. The others get None. All beginnings are read by one call, because its
    fixed cost is 3 ms, and a year has 8,760 hourly files.
    """
    if likely not in FORMATS or FORMATS[likely].has_header:
        return [None] * len(samples)
    beginnings = [_beginning(shorten(sample, longest).data, GLANCE) for sample in samples]
    rows = FORMATS[likely].read(b"".join(beginnings), b"")
    numbers = [beginning.count(b"\n") for beginning in beginnings]
    owners = np.searchsorted(np.cumsum(numbers), np.asarray(rows.line), side="right")
    read = np.bincount(owners, minlength=len(samples)).tolist()
    results: list[Detected | None] = []
    for beginning, number, lines_read in zip(beginnings, numbers, read, strict=True):
        order, first = _order(beginning), _lines(beginning)[0]
        more_specific = order[order.index(likely) + 1 :]
        is_read = 0 < number == lines_read
        if is_read and not any(FORMATS[name].may_read(first) for name in more_specific):
            results.append(Detected(likely, number, number))
        else:
            results.append(None)
    return results


def _beginning(sample: bytes, lines: int) -> bytes:
    """Return the given number of lines, unwrapped; the whole sample if it has fewer."""
    parts = sample.split(b"\n", lines)
    beginning = sample.removesuffix(parts[lines]) if len(parts) > lines else sample
    return unwrap_all(beginning)


def _order(sample: bytes) -> list[str]:
    """Return the names of the formats, more specific ones after more general ones.

    The formats with `X-Forwarded-For` also read lines with a single address, as `combined` does.
    They are more specific only if a line of the sample has a list of addresses.
    """
    if not HAS_LIST.search(sample):
        return [*FORMATS]
    return sorted(FORMATS, key=_OF_LISTS.__contains__)


def _best(sample: bytes, likely: str) -> Detected | None:
    return _confirm(sample, likely) or _detect(sample)


def _confirm(sample: bytes, likely: str) -> Detected | None:
    """Return the likely format if it reads some lines and no other format can read more; else None.

    A few lines that the likely format refuses do not cause a test with all formats. In a year of
    hourly files, each with one such line in a thousand, that test took half of the time.
    """
    if likely not in FORMATS:
        return None
    lines, rows = _lines(sample), FORMATS[likely].read(sample, b"")
    refused = [lines[index] for index, _, _ in rows.refused]
    if not len(rows.line) or any(line.startswith(b"#") for line in refused):
        return None  # a header decides how the lines after it are read
    read = [lines[index] for index in rows.line]
    rest = refused + [lines[index] for index in rows.directives]
    order = _order(sample)
    for name in order:
        is_more_specific = order.index(name) > order.index(likely)
        limit = _limit_of_others(FORMATS[name], read, rest)
        if name != likely and limit >= len(read) + (not is_more_specific):
            return None
    return _build_result(likely, rows, sample)


def _limit_of_others(rival: Format, read: list[bytes], rest: list[bytes]) -> int:
    """Return an upper limit of the number of lines that another format reads.

    `read` are the lines that the likely format reads, `rest` the others. Of `read`, only as many
    lines are tested as are needed for the decision.
    """
    tried = read[: len(rest) + 1]
    may_read = sum(map(rival.may_read, [*tried, *rest]))
    return len(read) - len(tried) + may_read


def _detect(sample: bytes) -> Detected | None:
    """Return the format that reads most lines, the last of those in the order of the formats.

    A format whose quick test leaves fewer lines than another one reads is not tried: to read a
    sample by all formats takes ten times the CPU time.
    """
    lines, order = _lines(sample), _order(sample)
    limits = ((_limit(FORMATS[name], lines), rank) for rank, name in enumerate(order))
    best, detected = (0, len(order)), None
    for limit, rank in sorted(limits, reverse=True):
        if (limit, rank) < best:
            break
        rows = FORMATS[order[rank]].read(sample, b"")
        if (len(rows.line), rank) > best:
            best = len(rows.line), rank
            detected = _build_result(order[rank], rows, sample)
    return detected


def _lines(sample: bytes) -> list[bytes]:
    return [line.removesuffix(b"\r") for line in sample.removesuffix(b"\n").split(b"\n")]


def _limit(candidate: Format, lines: Sequence[bytes]) -> int:
    """Return an upper limit of the number of lines that a format reads."""
    if candidate.has_header:  # it reads no line without one
        return len(lines) if any(b"#" in line for line in lines) else 0
    return sum(map(candidate.may_read, lines))


def _build_result(name: str, rows: Rows, sample: bytes) -> Detected:
    """Build the result for a sample. Its last line does not count if it is cut and refused."""
    last = len(sample.split(b"\n")) - 1
    is_cut = bool(rows.refused) and rows.refused[-1][0] == last  # no newline ends it
    return Detected(name, len(rows.line), rows.lines - is_cut)


class NoKnownFormat(UnknownLogFormat):
    """No line of a sample has a known format.

    `seen` and `nearest` are its sentences about the first line and about the nearest format.
    `log_format` is what to try: a format string that reads the lines, or the nearest format's name;
    "" if the lines are not of an access log.
    """

    def __init__(self, seen: str, nearest: str, log_format: str = "") -> None:
        own = f" Or describe it under [formats]: {log_format}" if _is_string(log_format) else ""
        super().__init__(f"{seen} {nearest}{own}")
        self.seen, self.nearest, self.log_format = seen, nearest, log_format


def _is_string(log_format: str) -> bool:
    return log_format not in ("", *FORMATS)


def _unknown(sample: bytes) -> UnknownLogFormat:
    if missing := w3c.missing_columns(w3c.header_after(sample, b"")):
        return UnknownLogFormat(
            f"The #Fields line of the log lacks {' and '.join(missing)}: configure the server to "
            f"log at least {', '.join(w3c.NEEDED_COLUMNS)}, with times in UTC."
        )
    lines = [line for line in _lines(_beginning(sample, GLANCE)) if line.strip()]
    first = lines[0] if lines else b""
    seen = (
        f"No line of the log has a known format; the first one reads {escape(first[:_QUOTED])!r}."
    )
    for server, pattern in _ERROR_LOGS.items():
        if pattern.match(first):
            looks_like = f"This looks like {server}'s error log: name its access log instead."
            return NoKnownFormat(seen, looks_like)
    shape = _shape(escape(first[:_COMPARED]))

    def similarity(candidate: Format) -> float:
        example = candidate.example.splitlines()[-1][:_COMPARED]
        return SequenceMatcher(None, shape, _shape(example), autojunk=False).ratio()

    nearest = max(FORMATS.values(), key=similarity)
    example = " and then ".join(nearest.example.splitlines())
    sentence = f"The nearest format is {nearest.name}, like {example}"
    return NoKnownFormat(seen, sentence, propose_format(lines) or nearest.name)


_ARCHIVES = {
    "tar": (257, b"ustar"),
    "zip": (0, b"PK\x03\x04"),
    "7z": (0, b"7z\xbc\xaf\x27\x1c"),
}
"""The position and the bytes by which an archive is recognized, after it is uncompressed."""


def archive_of(sample: bytes) -> str:
    """Return the kind of archive that begins with these bytes; "" for any other content."""
    kinds = (kind for kind, (at, mark) in _ARCHIVES.items() if sample.startswith(mark, at))
    return next(kinds, "")


def _shape(text: str) -> str:
    """Return a text with each word as a letter and each number as a digit."""
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"\d+", "0", text))
