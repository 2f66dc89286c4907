"""Bytes of an access log to columns, strictly: every line becomes a request or a reject.

Read in this order: `known` lists the formats. For those whose lines a pattern describes, `formats`
says what a line must look like, `scan` finds the fields of regular lines by structure and `rows`
joins both into coded columns; `w3c` and `json_lines` read line by line. `frames` makes data frames.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import reduce
from io import BytesIO

import numpy as np
import numpy.typing as npt

from clickstream.errors import InputError
from clickstream.parse import rows, w3c
from clickstream.parse.escaping import escape, unescape
from clickstream.parse.formats import REASONS
from clickstream.parse.frames import Parsed, as_frames, stack
from clickstream.parse.known import FORMATS, Format, compile_format
from clickstream.parse.rows import Rows
from clickstream.parse.stream import batches, blocks

__all__ = [
    "FORMATS",
    "REASONS",
    "Format",
    "Parsed",
    "blocks",
    "compile_format",
    "concat",
    "detect",
    "entries",
    "escape",
    "event_hours",
    "header_after",
    "parse",
    "parse_blocks",
    "unescape",
]

_HOUR = 3600


def parse(
    data: bytes, log_format: str | Format, first_line: int = 1, header: bytes = b""
) -> Parsed:
    """Parse whole lines, numbered from `first_line`; the last one may lack its newline.

    `header` is the header in force before them, see `header_after`. No bytes make it
    fail: what is not a line of the format is a reject. Raises InputError for a format that is not
    known.
    """
    return as_frames(_named(log_format).read(data, header), first_line)


def parse_blocks(blocks: Iterable[bytes], log_format: str | Format) -> Iterator[Parsed]:
    """Parse block after block, some at a time; line numbers and the header in force run on.

    A batch of blocks makes one part. Of its text nothing is kept once the part is given.
    """
    line, header = 1, b""
    for batch in batches(blocks):
        found = _read(batch, log_format, header)
        header = reduce(lambda above, block: header_after(block, log_format, above), batch, header)
        batch.clear()
        yield as_frames(found, line)
        line += found.lines + len(found.directives)


def _read(batch: list[bytes], log_format: str | Format, header: bytes) -> Rows:
    known = _named(log_format)
    if known.pattern:
        return rows.read(batch, known.pattern)
    return known.read(b"".join(batch), header)


def header_after(data: bytes, log_format: str | Format, header: bytes = b"") -> bytes:
    """The header in force below the lines, where `header` was in force above them.

    That is the last `#Fields:` line, with its newline; lines cut out of a file can be parsed with
    it in front. Always b"" in formats without headers.
    """
    return w3c.header_after(data, header) if _named(log_format).has_header else b""


def entries(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> list[tuple[bytes, bytes]]:
    """The lines that are entries, with their ends, each after the header it is read by."""
    lines = BytesIO(data).readlines()
    if _named(log_format).has_header:
        return [*w3c.entries(lines, header)]
    return [(b"", line) for line in lines]


def concat(parts: Iterable[Parsed]) -> Parsed:
    """The parts as one, in the order given; none at all make an empty one."""
    return stack([*parts] or [parse(b"", "common")])


def event_hours(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> npt.NDArray[np.int64]:
    """For each entry, the start of its own UTC hour in Unix seconds; -1 for a reject."""
    known = _named(log_format)
    pattern = known.pattern
    found = rows.read([data], pattern, wanted=()) if pattern else known.read(data, header)
    hours = np.full(found.lines + len(found.directives), -1, np.int64)
    hours[found.line] = found.seconds // _HOUR * _HOUR
    return np.delete(hours, found.directives)


def detect(sample: bytes) -> str:
    """The name of the format that most lines of a sample have; of several, the most special.

    A line with a virtual host is also one without, whose client is the host. The sample may
    end inside a line. Raises InputError, naming a line of the sample, when no line has a known
    format.
    """
    fitting = {name: len(known.read(sample, b"").line) for name, known in FORMATS.items()}
    best = max(reversed(fitting), key=lambda name: fitting[name])
    if fitting[best]:
        return best
    seen = next((line for line in sample.splitlines() if line.strip()), b"")
    raise InputError(
        f"No line of the log has a known format; the first one reads {escape(seen[:200])!r}. "
        f"Known are: {'; '.join(map(_described, FORMATS.values()))}."
    )


def _described(known: Format) -> str:
    return f"{known.name}, like {' and then '.join(known.example.splitlines())}"


def _named(log_format: str | Format) -> Format:
    if isinstance(log_format, Format):
        return log_format
    if log_format not in FORMATS:
        raise InputError(
            f"There is no log format {log_format!r}; use one of: {', '.join(FORMATS)}."
        )
    return FORMATS[log_format]
