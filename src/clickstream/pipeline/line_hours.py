"""Which hour each line of a log belongs to, and in which format it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from clickstream import parse
from clickstream.hours import Hour
from clickstream.lake.bookmarks import Bookmark

HOUR_SECONDS = 3_600


@dataclass(frozen=True)
class Part:
    """Lines in one format: its entries, and the Unix time of each, -1 where it has none."""

    log_format: str
    entries: parse.Entries
    seconds: NDArray[np.int64]


def reading_of(bookmark: Bookmark) -> parse.Reading:
    """How the lines behind a bookmark are read."""
    header = parse.unescape(bookmark.header)
    return parse.Reading(bookmark.log_format, header, bookmark.leaning, bookmark.leaned)


def with_reading(bookmark: Bookmark, after: parse.Reading) -> Bookmark:
    """The bookmark with what is known of how its next lines are read."""
    return replace(
        bookmark,
        log_format=after.log_format,
        header=parse.escape(after.header),
        leaning=after.leaning,
        leaned=after.leaned,
    )


def parts_of(
    data: bytes,
    now: parse.Reading,
    chosen: str | parse.Format | None,
    longest: int = parse.LONGEST_LINE_BYTES,
) -> tuple[list[Part], parse.Reading]:
    """The lines by format, in file order, and how those below them are read.

    `chosen` is the format that the settings name; without one, the lines may change theirs. A line
    of more than `longest` bytes is one of no format, and has no time.
    """
    short = parse.shorten(data, longest)
    parts, after = _parts_of(short.data, now, chosen)
    return (_original(parts, short, data) if short.beginnings else parts), after


def _parts_of(
    data: bytes, now: parse.Reading, chosen: str | parse.Format | None
) -> tuple[list[Part], parse.Reading]:
    whole = _part(data, now.log_format, now.header, chosen)
    if chosen is not None:
        return [whole], replace(now, header=parse.header_after(data, chosen, now.header))
    found, after = parse.segments(data, now, whole.seconds < 0)
    if len(found) == 1 and found[0].log_format == now.log_format:
        return [whole], after
    parts = [_part(data[s.start : s.end], s.log_format, s.header) for s in found]
    return parts, after


def _part(data: bytes, name: str, header: bytes, chosen: str | parse.Format | None = None) -> Part:
    log_format = chosen or name
    seconds = parse.event_seconds(data, log_format, header)
    return Part(name, parse.entries(data, log_format, header), seconds)


def _original(parts: Sequence[Part], short: parse.Shortened, data: bytes) -> list[Part]:
    """The parts of shortened lines, with the bytes that these lines have in `data`."""
    found, at = [], 0
    for part in parts:
        entries = part.entries
        begin, end = short.original(np.array([at, at + len(entries.data)])).tolist()
        own = replace(
            entries,
            data=data[begin:end],
            start=short.original(at + entries.start) - begin,
            end=short.original(at + entries.end) - begin,
        )
        found.append(replace(part, entries=own))
        at += len(entries.data)
    return found


def hours_of(seconds: NDArray[np.int64], bookmark: Bookmark) -> NDArray[np.int64]:
    """The start of each line's hour, in Unix seconds.

    A line without a time of its own belongs where its neighbour before it does, also if that was
    pulled earlier; at the start of the file, where the one after it does; with no time at all, to
    the hour the file was written in.
    """
    epochs = np.where(seconds < 0, seconds, seconds // HOUR_SECONDS * HOUR_SECONDS)
    known = np.flatnonzero(epochs >= 0)
    if not bookmark.is_at_start or not len(known):
        before = int(Hour.parse(bookmark.last_hour).start.timestamp())
    else:
        before = int(epochs[known[0]])
    nearest = np.maximum.accumulate(np.where(epochs >= 0, np.arange(len(epochs)), -1))
    filled: NDArray[np.int64] = np.where(nearest < 0, before, epochs[nearest])
    return filled


def by_format_and_hour(
    parts: Sequence[Part], epochs: NDArray[np.int64]
) -> dict[tuple[str, Hour], tuple[bytes, int]]:
    """The lines of each format and hour, in file order, and how many they are."""
    found: dict[tuple[str, Hour], tuple[bytes, int]] = {}
    first = 0
    for part in parts:
        own = epochs[first : first + len(part.entries)]
        first += len(part.entries)
        for epoch in np.unique(own).tolist():
            chosen = np.flatnonzero(own == epoch)
            key = part.log_format, Hour.of_epoch(epoch)
            text, count = found.get(key, (b"", 0))
            found[key] = text + part.entries.take(chosen), count + len(chosen)
    return found
