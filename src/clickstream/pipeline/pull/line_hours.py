"""Determine the hour and the format of each line of a log.

`file` and `bookmarks` call this.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clickstream import parse
from clickstream.core.hours import Hour
from clickstream.lake.bookmarks import Bookmark
from clickstream.parse.entries import Entries
from clickstream.parse.format_changes import segments
from clickstream.parse.frames import escape, unescape
from clickstream.parse.long_lines import LONGEST_LINE_BYTES, Shortened

HOUR_SECONDS = 3_600


@dataclass(frozen=True)
class FormatPart:
    """Lines in one format: its entries, and the Unix time of each, -1 if it has none."""

    log_format: str
    entries: Entries
    seconds: NDArray[np.int64]


def reading_of(bookmark: Bookmark) -> parse.FormatState:
    """Return how the lines after a bookmark are read."""
    header = unescape(bookmark.header)
    return parse.FormatState(bookmark.log_format, header, bookmark.leaning, bookmark.leaned)


def with_reading(bookmark: Bookmark, after: parse.FormatState) -> Bookmark:
    """Return the bookmark with the state in which its next lines are read."""
    return replace(
        bookmark,
        log_format=after.log_format,
        header=escape(after.header),
        leaning=after.leaning,
        leaned=after.leaned,
    )


def parts_of(
    data: bytes,
    now: parse.FormatState,
    chosen: str | parse.Format | None,
    longest: int = LONGEST_LINE_BYTES,
) -> tuple[list[FormatPart], parse.FormatState]:
    """Return the lines by format, in file order, and how the lines after them are read.

    `chosen` is the format that the settings name; without one, the lines may change theirs. A line
    of more than `longest` bytes has no format and no time.
    """
    short = parse.shorten(data, longest)
    parts, after = _parts_of(short.data, now, chosen)
    return (_original(parts, short, data) if short.long_lines else parts), after


def _parts_of(
    data: bytes, now: parse.FormatState, chosen: str | parse.Format | None
) -> tuple[list[FormatPart], parse.FormatState]:
    whole = _part(data, now.log_format, now.header, chosen)
    if chosen is not None:
        return [whole], replace(now, header=parse.header_after(data, chosen, now.header))
    pieces, after = segments(data, now, whole.seconds < 0)
    if len(pieces) == 1 and pieces[0].log_format == now.log_format:
        return [whole], after
    parts = [_part(data[s.start : s.end], s.log_format, s.header) for s in pieces]
    return parts, after


def _part(
    data: bytes, name: str, header: bytes, chosen: str | parse.Format | None = None
) -> FormatPart:
    log_format = chosen or name
    seconds = parse.event_seconds(data, log_format, header)
    return FormatPart(name, parse.entries(data, log_format, header), seconds)


def _original(parts: Sequence[FormatPart], short: Shortened, data: bytes) -> list[FormatPart]:
    """Return the parts of shortened lines, with the bytes that these lines have in `data`."""
    originals, at = [], 0
    for part in parts:
        entries = part.entries
        begin, end = short.original(np.array([at, at + len(entries.data)])).tolist()
        own = replace(
            entries,
            data=data[begin:end],
            start=short.original(at + entries.start) - begin,
            end=short.original(at + entries.end) - begin,
        )
        originals.append(replace(part, entries=own))
        at += len(entries.data)
    return originals


def hours_of(seconds: NDArray[np.int64], bookmark: Bookmark) -> NDArray[np.int64]:
    """Return the start of each line's hour, in Unix seconds.

    A line without its own time belongs to the hour of the line before it, also if that was pulled
    earlier; at the start of the file, to the hour of the first line with a time; if no line has a
    time, to the hour in which the file was last written.
    """
    epochs = np.where(seconds < 0, seconds, seconds // HOUR_SECONDS * HOUR_SECONDS)
    timed = np.flatnonzero(epochs >= 0)
    if not bookmark.is_at_start or not len(timed):
        before = int(Hour.parse(bookmark.last_hour).start.timestamp())
    else:
        before = int(epochs[timed[0]])
    nearest = np.maximum.accumulate(np.where(epochs >= 0, np.arange(len(epochs)), -1))
    filled: NDArray[np.int64] = np.where(nearest < 0, before, epochs[nearest])
    return filled


def by_format_and_hour(
    parts: Sequence[FormatPart], epochs: NDArray[np.int64]
) -> dict[tuple[str, Hour], tuple[bytes, int]]:
    """Return the lines of each format and hour, in file order, and their number."""
    lines: dict[tuple[str, Hour], tuple[bytes, int]] = {}
    first = 0
    for part in parts:
        own = epochs[first : first + len(part.entries)]
        first += len(part.entries)
        for epoch in np.unique(own).tolist():
            chosen = np.flatnonzero(own == epoch)
            key = part.log_format, Hour.of_epoch(epoch)
            text, count = lines.get(key, (b"", 0))
            lines[key] = text + part.entries.take(chosen), count + len(chosen)
    return lines
