"""Bytes of an access log to columns, strictly: every line becomes a request or a reject.

Read in this order: `known` lists the formats. For those whose lines a pattern describes, `formats`
says what a line must look like, `scan` finds the fields of regular lines by structure and `rows`
joins both into coded columns; `w3c` and `json_lines` read theirs. `frames` makes data frames.
`detect` tells which format a log has, `segments` where it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import numpy.typing as npt

from clickstream.errors import InputError
from clickstream.parse import w3c
from clickstream.parse.detect import Detected, detect
from clickstream.parse.entries import Entries, find_entries
from clickstream.parse.escaping import escape, unescape
from clickstream.parse.formats import REASONS
from clickstream.parse.frames import Parsed, as_frames, stack
from clickstream.parse.known import FORMATS, Format
from clickstream.parse.segments import SWITCH_AFTER, Reading, Segment, segments
from clickstream.parse.stream import blocks

__all__ = [
    "FORMATS",
    "REASONS",
    "SWITCH_AFTER",
    "Detected",
    "Entries",
    "Format",
    "Parsed",
    "Reading",
    "Segment",
    "blocks",
    "concat",
    "detect",
    "entries",
    "escape",
    "event_hours",
    "header_after",
    "parse",
    "parse_blocks",
    "segments",
    "unescape",
]

_HOUR = 3600


def parse(data: bytes, log_format: str, first_line: int = 1, header: bytes = b"") -> Parsed:
    """Parse whole lines, numbered from `first_line`; the last one may lack its newline.

    `header` is the header in force before them, see `header_after`. No bytes make it
    fail: what is not a line of the format is a reject. Raises InputError for a format that is not
    known.
    """
    return as_frames(_named(log_format).read(data, header), first_line)


def parse_blocks(
    blocks: Iterable[bytes], log_format: str, may_change: bool = False
) -> Iterator[Parsed]:
    """Parse block after block; line numbers and the header in force run on.

    With `may_change`, the format is the one that the log begins with: see `segments`.
    """
    line, now = 1, Reading(log_format)
    for block in blocks:
        parsed = parse(block, now.log_format, line, now.header)
        if may_change:
            refused = np.zeros(parsed.lines + parsed.directives, np.bool_)
            refused[parsed.rejects["line_number"].to_numpy() - line] = True
            before = now.log_format
            found, now = segments(block, now, refused)
            if [segment.log_format for segment in found] != [before]:
                parsed = _parse_segments(block, found, line)
        else:
            now = Reading(log_format, header_after(block, log_format, now.header))
        line += parsed.lines + parsed.directives
        yield parsed


def _parse_segments(data: bytes, found: Iterable[Segment], line: int) -> Parsed:
    parts = []
    for segment in found:
        text = data[segment.start : segment.end]
        parts.append(parse(text, segment.log_format, line, segment.header))
        line += parts[-1].lines + parts[-1].directives
    return concat(parts)


def header_after(data: bytes, log_format: str, header: bytes = b"") -> bytes:
    """The header in force below the lines, where `header` was in force above them.

    That is the last `#Fields:` line, with its newline; lines cut out of a file can be parsed with
    it in front. Always b"" in formats without headers.
    """
    return w3c.header_after(data, header) if _named(log_format).has_header else b""


def entries(data: bytes, log_format: str, header: bytes = b"") -> Entries:
    """The lines that are entries, with their ends, each with the header it is read by."""
    return find_entries(data, header if _named(log_format).has_header else None)


def concat(parts: Iterable[Parsed]) -> Parsed:
    """The parts as one, in the order given; none at all make an empty one."""
    return stack([*parts] or [parse(b"", "common")])


def event_hours(data: bytes, log_format: str, header: bytes = b"") -> npt.NDArray[np.int64]:
    """For each entry, the start of its own UTC hour in Unix seconds; -1 for a reject."""
    rows = _named(log_format).read(data, header)
    hours = np.full(rows.lines + len(rows.directives), -1, np.int64)
    hours[rows.line] = rows.seconds // _HOUR * _HOUR
    return np.delete(hours, rows.directives)


def _named(log_format: str) -> Format:
    if log_format not in FORMATS:
        raise InputError(
            f"There is no log format {log_format!r}; use one of: {', '.join(FORMATS)}."
        )
    return FORMATS[log_format]
