"""Pull one file: store its new lines, range after range, each line once.

`pull` calls this for each file of a source. All reads of a file come from one open handle, because
its name may mean another file by the time of the next read. The bookmark is found by the content: a
file is recognized by how it begins, whatever its name. Digests of the bytes before the bookmark's
offset, or before an earlier checkpoint, distinguish files that begin alike.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from clickstream import parse
from clickstream.collect import FileStat, ListedFile, LogSource, OpenLog, is_named_access_log
from clickstream.collect.identity import TAIL_BYTES, checkpoints, digest, fingerprint
from clickstream.errors import InputError
from clickstream.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.bookmarks import Bookmark, load, save
from clickstream.parse.detect import SAMPLE_LINES
from clickstream.pipeline.line_hours import by_format_and_hour, hours_of, parts_of
from clickstream.settings import AUTO, Source
from clickstream.step_config import log_format_of

ALIKE_FILES = 8


class NotAnAccessLog(Exception):
    """No line of the file has a known format, and its name does not say *access*."""


def find_bookmark(
    lake: Lake, source: Source, log: OpenLog, name: str, likely: str = ""
) -> Bookmark | None:
    """Return the log's bookmark; None for a log without a finished line.

    `likely` is the format that a new log is tried in first.
    Several files may begin alike: each further one gets a fingerprint of its own. A server may
    begin every file with the same line; then more lines make the fingerprint.
    Raises NotAnAccessLog, and InputError for an access log in no known format.
    """
    head = b""
    for head in log.heads():
        for attempt in range(ALIKE_FILES):
            fresh = Bookmark(source.name, fingerprint(head, attempt), "")
            known = load(lake, fresh)
            if known is fresh:
                return _new_bookmark(source, log, fresh.fingerprint, name, likely)
            if _is_file_of(known, log):
                return known
    if head:
        raise InputError(f"{ALIKE_FILES} different files begin with this file's first lines.")
    return None


def _is_file_of(known: Bookmark, log: OpenLog) -> bool:
    """Whether the log has the bytes that a bookmark has seen, as far as it reaches.

    For a log that ends earlier, the last checkpoint that fits decides: it is a shorter copy of the
    known file, or another file that begins alike. So it does while nothing was pulled yet and the
    first range is intended. A bookmark of an earlier version has no checkpoints: the log is taken
    for a copy.
    """
    seen = known.offset if known.tail else known.pending_end or known.offset
    found = _digest_before(log, seen)
    if found is not None and known.tail:
        return found == known.tail
    size = log.size_up_to(seen)
    fitting = [pair for pair in known.checkpoints if pair[0] <= size]
    return not fitting or _digest_before(log, fitting[-1][0]) == fitting[-1][1]


def _digest_before(log: OpenLog, offset: int) -> str | None:
    """Digest of the bytes just before an offset; None when the log ends before it."""
    begin = max(0, offset - TAIL_BYTES)
    data = log.read(begin, offset - begin)
    return digest(data) if len(data) == offset - begin else None


def _new_bookmark(
    source: Source, log: OpenLog, found_fingerprint: str, name: str, likely: str
) -> Bookmark:
    log_format = _detect(log, name, likely) if source.format == AUTO else source.format
    modified_at = datetime.fromtimestamp(log.stat().modified_ns / 1e9, UTC)
    return Bookmark(
        source.name,
        found_fingerprint,
        log_format,
        offset=log.padding,
        start=log.padding,
        last_hour=str(Hour.of(modified_at)),
    )


def _detect(log: OpenLog, name: str, likely: str) -> str:
    """The format of a log's first lines; all the first 1,000 are tried only if need be."""
    try:
        return parse.detect(log.sample(), likely).name
    except InputError:
        pass
    try:
        return parse.detect(log.first_lines(SAMPLE_LINES), likely).name
    except InputError as error:
        raise (error if is_named_access_log(name) else NotAnAccessLog(name)) from None


CHUNK_BYTES = 32 << 20


class FileChanged(Exception):
    """The file does not hold, or no longer, the bytes that its bookmark promises."""


@dataclass
class Stored:
    """What a pull stored so far, of all files."""

    lines: Counter[Hour] = field(default_factory=Counter)
    bytes: int = 0
    padding: list[int] = field(default_factory=list)
    """Bytes of padding that were left out, of each file that has some."""
    newest: list[int] = field(default_factory=list)
    """Time of the newest line of each range, in Unix seconds."""
    last_format: str = ""
    """The format of the file that was read last, which the next one probably has."""


@dataclass(frozen=True)
class Outcome:
    """What came of one file.

    `identity` is that of the open handle after the last read, and empty unless the file was read
    to its end. It `is_rotated` if the listed file has another name by now, or was cut. It `is_left`
    if another process pulls it, or did so until it was killed. `waits` says why lines of it could
    not be taken yet, `refusal` why it, or a part of it, can't be read.
    """

    identity: str = ""
    is_rotated: bool = False
    has_unfinished_line: bool = False
    is_left: bool = False
    is_set_aside: bool = False
    waits: str = ""
    refusal: str = ""


def pull_file(
    lake: Lake, source: Source, logs: LogSource, file: ListedFile, stored: Stored, may_leave: bool
) -> Outcome:
    """Pull the new lines of a file into raw.

    With `may_leave`, a range that another process began is left to it; without, it is taken over.
    """
    with ExitStack() as opened:
        try:
            handle = opened.enter_context(logs.open(file.name))
        except FileNotFoundError:
            return Outcome(is_rotated=True)
        except InputError as error:
            return Outcome(refusal=str(error))
        log = OpenLog(handle)
        outcome = _pull_log(_FilePull(lake, source, file.name, log), stored, may_leave)
        return replace(outcome, is_rotated=_is_rotated(file.stat, log.stat()))


def _pull_log(found: _FilePull, stored: Stored, may_leave: bool) -> Outcome:
    try:
        return found.pull(stored, may_leave)
    except NotAnAccessLog:
        return Outcome(is_set_aside=True)
    except FileChanged as error:
        return Outcome(waits=str(error))
    except InputError as error:
        return Outcome(refusal=str(error))


def _is_rotated(listed: FileStat, opened: FileStat) -> bool:
    return opened.inode != listed.inode or opened.size < listed.size


@dataclass(frozen=True)
class _Window:
    """Bytes of a file from `begin`, up to 1,024 bytes before the bookmark's `offset`, to `end`."""

    begin: int
    offset: int
    data: bytes

    @property
    def end(self) -> int:
        return self.begin + len(self.data)

    @property
    def has_rest(self) -> bool:
        return self.end > self.offset

    def until(self, end: int) -> bytes:
        """The bytes from `offset` to `end`."""
        return self.data[self.offset - self.begin : end - self.begin]

    def tail(self, end: int) -> str:
        """Digest of the bytes just before `end`."""
        return digest(self.data[max(0, end - TAIL_BYTES) - self.begin : end - self.begin])

    def lines_end(self, is_closed: bool) -> int:
        """Where the last finished line ends; of a closed file's last bytes, where they end."""
        is_full = self.end - self.offset == CHUNK_BYTES
        if is_closed and not is_full:
            return self.end
        end = self.data.rfind(b"\n", self.offset - self.begin) + 1
        if end == 0 and is_full:  # one line of 32 MB: parse refuses its pieces, and keeps them
            return self.end
        return self.begin + end if end else self.offset


@dataclass(frozen=True)
class _Range:
    """A bookmark whose next range is intended, that range's bytes, and those around it.

    It `is_own` if this pull intended it, and not one that crashed or is still running.
    """

    bookmark: Bookmark
    end: int
    data: bytes
    window: _Window
    is_own: bool


@dataclass(frozen=True)
class _FilePull:
    lake: Lake
    source: Source
    name: str
    log: OpenLog

    def pull(self, stored: Stored, may_leave: bool) -> Outcome:
        likely = stored.last_format
        bookmark = find_bookmark(self.lake, self.source, self.log, self.name, likely)
        if bookmark is None:
            return self._outcome(self.log.padding, bool(self.log.read(self.log.padding, 1)))
        stored.last_format = bookmark.log_format
        while isinstance(found := self._next_range(bookmark), _Range):
            if may_leave and not found.is_own:
                return Outcome(is_left=True)
            bookmark = self._store(found, stored)
        return self._outcome(found.offset, found.has_rest)

    def _outcome(self, offset: int, has_rest: bool) -> Outcome:
        if self.log.damage:
            return Outcome(refusal=_damaged(self.log.damage, offset))
        if has_rest:
            return Outcome(has_unfinished_line=True)
        return Outcome(identity=self.log.stat().identity(self.name))

    def _next_range(self, bookmark: Bookmark) -> _Range | _Window:
        """The next range, or the bytes behind the last one when no finished line is left.

        A range that is intended already is taken as it is.
        """
        while bookmark.pending_end is None:
            window = self._read_window(bookmark, CHUNK_BYTES)
            end = window.lines_end(is_closed=self.log.is_compressed and not self.log.damage)
            if end <= bookmark.offset:
                return window
            data = window.until(end)
            passed = checkpoints(bookmark.start, window.begin, window.data)
            if own := save(self.lake, bookmark.intend(end, digest(data), passed)):
                return _Range(own, end, data, window, is_own=True)
            bookmark = load(self.lake, bookmark)
        return self._intended_range(bookmark, bookmark.pending_end)

    def _intended_range(self, bookmark: Bookmark, end: int) -> _Range:
        """Raises FileChanged unless the file has the very bytes that were intended."""
        window = self._read_window(bookmark, end - bookmark.offset)
        data = window.until(end)
        intended = bookmark.pending_digest or digest(data)  # earlier versions stored no digest
        if window.end < end or digest(data) != intended:
            raise FileChanged(
                f"bytes {bookmark.offset:,} to {end:,}, which an earlier pull began to store, are "
                "not in it as they were; each pull looks for them in all files"
            )
        return _Range(bookmark, end, data, window, is_own=False)

    def _read_window(self, bookmark: Bookmark, size: int) -> _Window:
        """Read from the bookmark on. Raises FileChanged if the file was cut or replaced.

        A shorter copy of the known file gives a window that ends before the bookmark's offset.
        """
        offset = bookmark.offset
        begin = max(0, offset - TAIL_BYTES)
        window = _Window(begin, offset, self.log.read(begin, offset - begin + size))
        if window.end < offset:
            return window
        is_known = not bookmark.tail or window.tail(offset) == bookmark.tail
        if not is_known or not self.log.is_unchanged():
            raise FileChanged("was cut or replaced while it was read; the next pull reads the rest")
        return window

    def _store(self, found: _Range, stored: Stored) -> Bookmark:
        """Store the intended range's lines by hour and format, then move the bookmark past it."""
        bookmark, settings = found.bookmark, self.lake.settings
        named = None if self.source.format == AUTO else log_format_of(settings, bookmark.log_format)
        parts, after = parts_of(found.data, _reading(bookmark), named)
        seconds = np.concatenate([part.seconds for part in parts])
        epochs = hours_of(seconds, bookmark)
        for (log_format, hour), (text, count) in by_format_and_hour(parts, epochs).items():
            key = bookmark.host, bookmark.fingerprint, bookmark.offset, found.end, log_format
            raw.store(self.lake, hour, raw.RawRange(*key), text)
            stored.lines[hour] += count
        _count(stored, found, seconds)
        moved = replace(
            bookmark.move(
                found.window.tail(found.end),
                str(Hour.of_epoch(int(epochs[-1]))) if len(epochs) else bookmark.last_hour,
            ),
            log_format=after.log_format,
            header=parse.escape(after.header),
            leaning=after.leaning,
            leaned=after.leaned,
        )
        return save(self.lake, moved) or load(self.lake, bookmark)


def _count(stored: Stored, found: _Range, seconds: NDArray[np.int64]) -> None:
    stored.bytes += len(found.data)
    if found.bookmark.is_at_start and found.bookmark.start:
        stored.padding.append(found.bookmark.start)
    if len(seconds) and seconds.max() >= 0:
        stored.newest.append(int(seconds.max()))


def _reading(bookmark: Bookmark) -> parse.Reading:
    header = parse.unescape(bookmark.header)
    return parse.Reading(bookmark.log_format, header, bookmark.leaning, bookmark.leaned)


def _damaged(damage: Exception, offset: int) -> str:
    return (
        f"cut off or damaged ({damage}); its whole lines up to there, {offset:,} bytes "
        "uncompressed, are pulled: copy or compress it again, and the rest will be, too."
    )
