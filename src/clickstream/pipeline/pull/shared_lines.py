"""Find the lines of a truncated file that were pulled before, so that they are not pulled twice.

A person or a disk repair may truncate a file to its first lines, and the server then appends other
lines. The file no longer matches its bookmark, but its first lines are already pulled. This module
finds the end of these lines. `bookmarks` calls it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from clickstream.collect import OpenLog
from clickstream.collect.file_identity import checkpoint_offsets, digest
from clickstream.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.lake.bookmarks import Bookmark
from clickstream.pipeline.pull.context import CHUNK_BYTES, HostPull
from clickstream.pipeline.pull.line_hours import (
    FormatPart,
    hours_of,
    parts_of,
    reading_of,
    with_reading,
)

BLOCK_BYTES = 8 << 20

LEAST_SHARED = 2
"""Minimum number of lines that a truncated file shares with its earlier content.

A server may begin every file with the same line. A single shared line may be such a line, which
belongs to each file separately.
"""


@dataclass(frozen=True)
class Shared:
    """The bookmark of a log, past its first `lines` lines, which were collected from another log.

    `is_all` is true if the log has no finished line after them.
    """

    bookmark: Bookmark
    lines: int
    is_all: bool


def skip_shared(pull: HostPull, log: OpenLog, fresh: Bookmark, known: Sequence[Bookmark]) -> Shared:
    """Move a new bookmark past the lines that were collected under known ones.

    A file that was cut before has lines under several bookmarks. Raw objects of these lines' hours
    are read, but only for a file that begins like one that was pulled and continues differently.
    """
    collected, bookmark, lines = _Collected(pull.lake, known), fresh, 0
    named, longest = pull.named_format(fresh), pull.longest_line_bytes
    while block := _finished_lines(log, bookmark.offset):
        parts, _ = parts_of(block, reading_of(bookmark), named, longest)
        epochs = hours_of(np.concatenate([part.seconds for part in parts]), bookmark)
        hours = [*map(Hour.of_epoch, epochs.tolist())]
        end, number = _collected_end(parts, hours, collected)
        if number:
            bookmark = _move_past(pull, log, bookmark, block[:end], str(hours[number - 1]))
        lines += number
        if end < len(block):
            return Shared(bookmark, lines, is_all=False)
        if not number:
            break
    return Shared(bookmark, lines, is_all=True)


def _finished_lines(log: OpenLog, offset: int) -> bytes:
    """Return some finished lines, or a piece of a line that is stored in pieces."""
    for size in (BLOCK_BYTES, CHUNK_BYTES):
        block = log.read(offset, size)
        if end := block.rfind(b"\n") + 1:
            return block[:end]
    return block if len(block) == CHUNK_BYTES else b""


def _collected_end(
    parts: Sequence[FormatPart], hours: Sequence[Hour], collected: _Collected
) -> tuple[int, int]:
    """Return where the first uncollected line begins, and the number of lines before it."""
    base = number = 0
    for part in parts:
        found = part.entries
        for start, end in zip(found.start.tolist(), found.end.tolist(), strict=True):
            if not collected.take(hours[number], found.data[start:end]):
                return base + start, number
            number += 1
        base += len(found.data)
    return base, number


def _move_past(
    pull: HostPull, log: OpenLog, bookmark: Bookmark, data: bytes, last_hour: str
) -> Bookmark:
    """Return the bookmark past some data, as if the data had been pulled."""
    end = bookmark.offset + len(data)
    passed = []
    for offset in checkpoint_offsets(bookmark.start):
        if offset > end:
            break
        if offset > bookmark.offset:
            passed.append((offset, digest(log.read_before(offset))))
    tail, is_inside_line = digest(log.read_before(end)), not data.endswith(b"\n")
    moved = bookmark.intend(end, "", passed).move(tail, last_hour, is_inside_line)
    named = pull.named_format(bookmark)
    _, after = parts_of(data, reading_of(bookmark), named, pull.longest_line_bytes)
    return with_reading(moved, after)


class _Collected:
    """The raw lines of some logs of a host, read hour by hour; each can be taken once."""

    def __init__(self, lake: Lake, known: Sequence[Bookmark]) -> None:
        self._lake = lake
        self._names = tuple(f"{one.host}-{one.fingerprint}-" for one in known)
        self._host = known[0].host
        self._left: dict[Hour, Counter[bytes]] = {}

    def take(self, hour: Hour, line: bytes) -> bool:
        """Remove a line from its hour; return whether the hour had it."""
        if hour not in self._left:
            self._left[hour] = self._lines(hour)
        text = line.rstrip(b"\r\n")
        if not self._left[hour][text]:
            return False
        self._left[hour][text] -= 1
        return True

    def _lines(self, hour: Hour) -> Counter[bytes]:
        directory = f"{raw.RAW}{hour}/"
        lines: Counter[bytes] = Counter()
        for key, size in objects.listing(self._lake, f"{directory}{self._host}-"):
            if key.removeprefix(directory).startswith(self._names):
                text = raw.read(self._lake, raw.RawObject(key, size))
                lines.update(line.rstrip(b"\r") for line in text.split(b"\n"))
        return lines
