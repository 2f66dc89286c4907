"""Bytes of an access log to columns, strictly: every line becomes a request or a reject.

Read in this order: `known` lists the formats. For those whose lines a pattern describes, `formats`
says what a line must look like, `scan` finds the fields of regular lines by structure and `rows`
joins both into coded columns; `w3c` and `json_lines` read theirs. `frames` makes data frames.
`detect` tells which format a log has, `segments` where it changes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce

import numpy as np
import numpy.typing as npt

from clickstream.errors import UnusableFormat
from clickstream.parse import rows
from clickstream.parse.blocks import BATCH_BYTES, count_lines, group_blocks, read_blocks
from clickstream.parse.detect import Detected, detect
from clickstream.parse.entries import Entries, find_entries
from clickstream.parse.format_changes import SWITCH_AFTER, Reading, Segment, seems_changed, segments
from clickstream.parse.formats import REASONS, TOO_LONG
from clickstream.parse.frames import Parsed, as_frames, escape, in_order, stack, unescape
from clickstream.parse.long_lines import (
    LONGEST_LINE_BYTES,
    Shortened,
    is_nothing_else,
    refuse_long,
    shorten,
)
from clickstream.parse.registry import CONTINUATION, FORMATS, Format, compile_format
from clickstream.parse.rows import Rows, joined, moved

__all__ = [
    "CONTINUATION",
    "FORMATS",
    "LONGEST_LINE_BYTES",
    "REASONS",
    "SWITCH_AFTER",
    "TOO_LONG",
    "Detected",
    "Entries",
    "Format",
    "Parsed",
    "Reading",
    "Segment",
    "Shortened",
    "compile_format",
    "concat",
    "count_lines",
    "detect",
    "entries",
    "escape",
    "event_hours",
    "event_seconds",
    "header_after",
    "is_nothing_else",
    "parse",
    "parse_blocks",
    "parse_together",
    "read_blocks",
    "segments",
    "shorten",
    "unescape",
]

_HOUR = 3600


def parse(
    data: bytes,
    log_format: str | Format,
    first_line: int = 1,
    header: bytes = b"",
    longest: int = LONGEST_LINE_BYTES,
) -> Parsed:
    """Parse whole lines, numbered from `first_line`; the last one may lack its newline.

    `header` is the header in force before them, see `header_after`. No bytes make it
    fail: what is not a line of the format, or has more than `longest` bytes, is a reject. Raises
    InputError for a format that is not known.
    """
    short = shorten(data, longest)
    parsed = as_frames(_named(log_format).read(short.data, header), first_line)
    return _with_long(parsed, short.beginnings, first_line)


def _with_long(parsed: Parsed, beginnings: Mapping[int, bytes], first_line: int) -> Parsed:
    """The parsed lines, those that are too long with their reason and their first bytes."""
    if not beginnings:
        return parsed
    texts = {first_line + index: escape(begin) for index, begin in beginnings.items()}
    return replace(parsed, refused=refuse_long(parsed.refused, texts))


def parse_blocks(
    blocks: Iterable[bytes],
    log_format: str | Format,
    may_change: bool = False,
    batch_bytes: int = BATCH_BYTES,
    longest: int = LONGEST_LINE_BYTES,
) -> Iterator[Parsed]:
    """Parse block after block, some at a time; line numbers and the header in force run on.

    A batch of blocks, of `batch_bytes` at least, makes one part. Of its text nothing is kept once
    the part is given. With `may_change`, the format (a name) is the one that the log begins with:
    see `segments`. Lines of more than `longest` bytes are rejects.
    """
    known = _named(log_format)
    line, now = 1, Reading(known.name)
    for batch in group_blocks(blocks, batch_bytes):
        beginnings = _shorten_all(batch, longest)
        found = _read(batch, known, now.header)
        if may_change:
            parsed, now = _followed(b"".join(batch), found, now, line)
            known = _named(now.log_format)
        else:
            now = Reading(known.name, reduce(known.header_after, batch, now.header))
            parsed = as_frames(found, line)
        batch.clear()
        parsed = _with_long(parsed, beginnings, line)
        line += parsed.lines + parsed.directives
        yield parsed


def _shorten_all(batch: list[bytes], longest: int) -> dict[int, bytes]:
    """Empty the lines of some blocks that are too long; their first bytes by their index."""
    beginnings: dict[int, bytes] = {}
    for place, block in enumerate(batch):
        short = shorten(block, longest)
        if short.beginnings:
            first = sum(map(count_lines, batch[:place]))
            beginnings |= {first + index: begin for index, begin in short.beginnings.items()}
            batch[place] = short.data
    return beginnings


def parse_together(
    files: Sequence[bytes],
    log_format: str | Format,
    may_change: bool = False,
    longest: int = LONGEST_LINE_BYTES,
) -> Parsed | None:
    """Parse small files as one, their lines numbered through; the last of each has its newline.

    None where the files may have to be read one by one: in a format with headers, or where one of
    them seems to change its format and `may_change` is set.
    """
    known = _named(log_format)
    if known.has_header:
        return None
    blocks = [*files]
    beginnings = _shorten_all(blocks, longest)
    found = _read([b"".join(blocks)], known, b"")
    if may_change and found.refused:
        refused = _are_refused(found)
        ends = np.cumsum([*map(count_lines, files)])
        parts = np.split(refused, ends[:-1])
        if any(seems_changed(part, Reading(known.name)) for part in parts if part.any()):
            return None
    return _with_long(as_frames(found, first_line=1), beginnings, 1)


def _read(batch: list[bytes], known: Format, header: bytes) -> Rows:
    if known.pattern:
        return rows.read(batch, known.pattern)
    return known.read(b"".join(batch), header)


def _followed(data: bytes, found: Rows, now: Reading, line: int) -> tuple[Parsed, Reading]:
    """The lines, read anew if their format changes, and how those below them are read."""
    parts, after = segments(data, now, np.delete(_are_refused(found), found.directives))
    if [part.log_format for part in parts] == [now.log_format]:
        return as_frames(found, line), after
    return _parse_segments(data, parts, line), after


def _are_refused(found: Rows) -> npt.NDArray[np.bool_]:
    """Whether each line is refused, directives included."""
    refused = np.zeros(found.lines + len(found.directives), np.bool_)
    refused[[index for index, _, _ in found.refused]] = True
    return refused


def _parse_segments(data: bytes, found: Iterable[Segment], line: int) -> Parsed:
    """The lines of each format become frames together: segments may be many and short."""
    parts: dict[str, list[Rows]] = {}
    for segment in found:
        read = FORMATS[segment.log_format].read(data[segment.start : segment.end], segment.header)
        parts.setdefault(segment.log_format, []).append(moved(read, line))
        line += read.lines + len(read.directives)
    return in_order(stack([as_frames(joined(some), first_line=0) for some in parts.values()]))


def header_after(data: bytes, log_format: str | Format, header: bytes = b"") -> bytes:
    """The header in force below the lines, where `header` was in force above them.

    That is the last `#Fields:` line, with its newline; lines cut out of a file can be parsed with
    it in front. Always b"" in formats without headers.
    """
    return _named(log_format).header_after(header, data)


def entries(data: bytes, log_format: str | Format, header: bytes = b"") -> Entries:
    """The lines that are entries, with their ends, each with the header it is read by."""
    return find_entries(data, header if _named(log_format).has_header else None)


def concat(parts: Iterable[Parsed]) -> Parsed:
    """The parts as one, in the order given; none at all make an empty one."""
    return stack([*parts] or [parse(b"", "common")])


def event_hours(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> npt.NDArray[np.int64]:
    """For each entry, the start of its own UTC hour in Unix seconds; -1 for a reject."""
    seconds = event_seconds(data, log_format, header)
    return np.where(seconds < 0, seconds, seconds // _HOUR * _HOUR)


def event_seconds(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> npt.NDArray[np.int64]:
    """For each entry, its own time in Unix seconds; -1 for a reject."""
    known = _named(log_format)
    pattern = known.pattern
    found = rows.read([data], pattern, wanted=()) if pattern else known.read(data, header)
    seconds = np.full(found.lines + len(found.directives), -1, np.int64)
    seconds[found.line] = found.seconds
    return np.delete(seconds, found.directives)


def _named(log_format: str | Format) -> Format:
    if isinstance(log_format, Format):
        return log_format
    if log_format not in FORMATS:
        raise UnusableFormat(
            f"There is no log format {log_format!r}; use one of: {', '.join(FORMATS)}."
        )
    return FORMATS[log_format]
