"""Find the bookmark of a log by the content of the file, whatever its name is.

A file is recognized by its beginning. Digests of the bytes before the bookmark's offset, or before
an earlier checkpoint, distinguish files with the same beginning. `file` calls this.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

import numpy as np

from clickstream import parse
from clickstream.collect import OpenLog, is_named_access_log
from clickstream.collect.file_identity import TAIL_BYTES, checkpoint_offsets, digest, fingerprint
from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.lake import Lake, objects, raw
from clickstream.lake.bookmarks import Bookmark, load
from clickstream.parse.detect import SAMPLE_LINES
from clickstream.pipeline.pull.context import CHUNK_BYTES, HostPull
from clickstream.pipeline.pull.line_hours import (
    FormatPart,
    hours_of,
    parts_of,
    reading_of,
    with_reading,
)
from clickstream.settings import AUTO

# Find the lines of a truncated file that were pulled before, so that they are not pulled twice.
#
# A person or a disk repair may truncate a file to its first lines, and the server then appends
# other lines. The file no longer matches its bookmark, but its first lines are already pulled. This
# module finds the end of these lines. `bookmarks` calls it.

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


def skip_shared(
    pull: HostPull, log: OpenLog, fresh: Bookmark, earlier: Sequence[Bookmark]
) -> Shared:
    """Move a new bookmark past the lines that were collected under earlier ones.

    A file that was cut before has lines under several bookmarks. Raw objects of these lines' hours
    are read, but only for a file that begins like one that was pulled and continues differently.
    """
    collected, bookmark, lines = _Collected(pull.lake, earlier), fresh, 0
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
        entries = part.entries
        for start, end in zip(entries.start.tolist(), entries.end.tolist(), strict=True):
            if not collected.take(hours[number], entries.data[start:end]):
                return base + start, number
            number += 1
        base += len(entries.data)
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

    def __init__(self, lake: Lake, bookmarks: Sequence[Bookmark]) -> None:
        self._lake = lake
        self._names = tuple(f"{bookmark.host}-{bookmark.fingerprint}-" for bookmark in bookmarks)
        self._host = bookmarks[0].host
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


ALIKE_FILES = 8
"""Number of files that may have the same beginning, for each number of lines of a beginning."""

ABANDONED_SECONDS = 1_800
"""Age of an intended range at which its pull must have ended: storing a range takes seconds."""


LONG_LINES_LIMIT_BYTES = 128 << 20
"""Bytes at the beginning of a log that are searched for a line that is not too long."""


class NotAnAccessLog(Exception):
    """No line of the file has a known format, and its name does not say *access*."""


class _Fit(Enum):
    """How a log matches a bookmark that has its fingerprint."""

    SAME = "it has the bytes before the bookmark's offset, and those that are intended"
    CUT = "it has those before the offset, and not those that an earlier pull intended"
    SHORTER = "it ends before that, and has the bytes of the last checkpoint it reaches"
    OTHER = "it only begins alike"


def find_bookmark(pull: HostPull, log: OpenLog, name: str) -> Bookmark | None:
    """Return the log's bookmark; None for a log that no finished line distinguishes yet.

    If several files have the same beginning, each further one gets another fingerprint. If a server
    begins every file with the same lines, the fingerprint covers more lines. A file whose lines all
    belong to other files is a copy of one of them. Raises NotAnAccessLog, and InputError for an
    access log in no known format.
    """
    same, alike, free = _search(pull, log)
    if same:
        return same
    if not (free or alike):
        return None
    named, likely = pull.source.format, pull.stored.last_format
    log_format = _detect(log, name, likely, pull.longest_line_bytes) if named == AUTO else named
    modified_at = datetime.fromtimestamp(log.stat().modified_ns / 1e9, UTC)
    new = Bookmark(
        pull.host,
        free,
        log_format,
        offset=log.padding,
        start=log.padding,
        name=name,
        last_hour=str(Hour.of(modified_at)),
    )
    bookmark = _resume(pull, log, new, alike)
    if not bookmark.fingerprint and log.ends_inside_line():
        return None  # the line will distinguish it, once it is finished
    if not bookmark.fingerprint:
        raise InputError(
            f"{ALIKE_FILES} different files begin with this file's first lines, so a pull can't "
            "distinguish it: pull it by another source, whose pattern matches only this file."
        )
    return bookmark


def _search(
    pull: HostPull, log: OpenLog
) -> tuple[Bookmark | None, list[tuple[_Fit, Bookmark]], str]:
    """Look up bookmarks of ever longer beginnings, up to the first that is not taken.

    Returns the bookmark that is the log's, those of logs that begin alike, and a free fingerprint.
    """
    alike: list[tuple[_Fit, Bookmark]] = []
    for head in log.heads():
        free = ""
        for bookmark in _bookmarks_of(pull, head):
            if bookmark.etag is None:
                free = bookmark.fingerprint
            elif (fit := _fit(bookmark, log)) is _Fit.SAME:
                return bookmark, [], ""
            else:
                alike.append((fit, bookmark))
        if free:
            return None, alike, free
    return None, alike, ""


def _bookmarks_of(pull: HostPull, head: bytes) -> Iterator[Bookmark]:
    """Yield the bookmarks of logs with a beginning; then, unless all are taken, one not stored."""
    for attempt in range(ALIKE_FILES):
        fresh = Bookmark(pull.host, fingerprint(head, attempt), "")
        bookmark = load(pull.lake, fresh) if pull.may_have_bookmark(fresh.fingerprint) else fresh
        yield bookmark
        if bookmark is fresh:
            return


def _resume(
    pull: HostPull, log: OpenLog, new: Bookmark, alike: Sequence[tuple[_Fit, Bookmark]]
) -> Bookmark:
    """Return the bookmark of a log that begins like logs that were pulled before.

    If all its lines were pulled before, the log is a shorter copy, and has the bookmark of the
    complete file. It also has this bookmark while the bytes of the intended range may still appear
    (`_is_awaited`). Otherwise it has a new bookmark, which begins after the lines that were pulled
    from an earlier file of the same name. Files of other names are not compared: the logs of two
    sites of a host may begin with the same requests of a load balancer.
    """
    for fit, bookmark in alike:
        if fit is not _Fit.OTHER and _is_awaited(pull, bookmark):
            return bookmark
    for fit, bookmark in alike:
        if fit is _Fit.SHORTER and skip_shared(pull, log, new, [bookmark]).is_all:
            return bookmark
    earlier = [bookmark for fit, bookmark in alike if bookmark.name == new.name or fit is _Fit.CUT]
    if not earlier:
        return new
    shared = skip_shared(pull, log, new, earlier)
    is_cut = any(fit is _Fit.CUT for fit, _ in alike)
    return shared.bookmark if shared.lines >= LEAST_SHARED or is_cut else new


def _is_awaited(pull: HostPull, bookmark: Bookmark) -> bool:
    """Return whether the bytes of the intended range may still appear.

    Another file may have them, or the pull that intended the range is storing them.
    """
    if bookmark.pending_end is None:
        return not bookmark.checkpoints
    return not pull.gives_up_intents or pull.began_at - bookmark.intended_at < ABANDONED_SECONDS


def _fit(bookmark: Bookmark, log: OpenLog) -> _Fit:
    """Return how a log matches a bookmark.

    If the log ends before the bookmark's offset, the last checkpoint within it decides whether it
    is a shorter copy of the known file, or another file with the same beginning. The same holds
    while nothing was pulled yet and the first range is intended.
    """
    end = bookmark.offset if bookmark.tail else bookmark.pending_end or bookmark.offset
    tail = _digest_before(log, end)
    if tail is not None and bookmark.tail:
        if tail != bookmark.tail:
            return _Fit.OTHER
        return _Fit.SAME if _has_intended(bookmark, log) else _Fit.CUT
    size = log.size_up_to(end)
    fitting = [pair for pair in bookmark.checkpoints if pair[0] <= size]
    if fitting and _digest_before(log, fitting[-1][0]) != fitting[-1][1]:
        return _Fit.OTHER
    if tail is None:
        return _Fit.SHORTER
    return _Fit.SAME if _has_intended(bookmark, log) else _Fit.OTHER


def _has_intended(bookmark: Bookmark, log: OpenLog) -> bool:
    """Return whether the log has the intended bytes."""
    if bookmark.pending_end is None:
        return True
    return (
        digest(log.read(bookmark.offset, bookmark.pending_end - bookmark.offset))
        == bookmark.pending_digest
    )


def _digest_before(log: OpenLog, offset: int) -> str | None:
    """Return the digest of the bytes just before an offset; None if the log ends before it."""
    data = log.read_before(offset)
    return digest(data) if len(data) == min(offset, TAIL_BYTES) else None


def _detect(log: OpenLog, name: str, likely: str, longest: int) -> str:
    """Return the format of a log's first lines; the first 1,000 are tried only if necessary."""
    sample = log.sample()
    try:
        if b"\n" in sample:
            return parse.detect(sample, likely, longest).name
    except InputError:
        pass
    lines = log.first_lines(SAMPLE_LINES)
    if parse.is_nothing_else(lines, longest):  # only lines that are too long: look behind them
        blocks = parse.read_blocks(_Beginning(log), longest=longest)
        lines = next((b for b in blocks if not parse.is_nothing_else(b, longest)), lines)
    try:
        return parse.detect(lines, likely, longest).name
    except InputError as error:
        raise (error if is_named_access_log(name) else NotAnAccessLog(name)) from None


class _Beginning(io.RawIOBase):
    """The first bytes of a log after its padding, as a stream."""

    def __init__(self, log: OpenLog) -> None:
        self._log = log
        self._position = log.padding
        self._end = log.padding + LONG_LINES_LIMIT_BYTES

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        data = self._log.read(self._position, min(len(buffer), self._end - self._position))
        buffer[: len(data)] = data
        self._position += len(data)
        return len(data)
