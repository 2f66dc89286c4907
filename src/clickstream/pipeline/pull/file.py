"""Pull one file: store its new lines, range after range, each line once.

`pull` calls this for each file of a host. All reads of a file use one open handle, because its name
may belong to another file by the time of the next read.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, replace

import numpy as np

from clickstream import parse
from clickstream.collect import FileHandle, FileStat, ListedFile, OpenLog
from clickstream.collect.compression import spooled
from clickstream.collect.file_identity import TAIL_BYTES, checkpoints, digest, read_trailer
from clickstream.collect.source import HostFileError, describe_failed_read, describe_gone
from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.bookmarks import Bookmark, load, save
from clickstream.pipeline.pull.bookmark_search import NotAnAccessLog, find_bookmark
from clickstream.pipeline.pull.context import CHUNK_BYTES, HostPull
from clickstream.pipeline.pull.line_hours import (
    by_format_and_hour,
    hours_of,
    parts_of,
    reading_of,
    with_reading,
)


class FileChanged(Exception):
    """The file does not have, or no longer has, the bytes that its bookmark expects."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of pulling one file.

    `identity` is that of the open handle after the last read, and empty unless the file was read to
    its end; `trailer` is that of a compressed file. `is_rotated` means that the listed file has
    another name by now, or was truncated; `gone` is the refusal of a file that can't be opened,
    which counts if it is listed again. `is_left` means that another process is pulling it, or did
    so until it was killed. `waits` says why some of its lines can't be stored yet, `refusal` why
    the file, or a part of it, can't be read.
    """

    identity: str = ""
    trailer: str = ""
    is_rotated: bool = False
    gone: str = ""
    has_unfinished_line: bool = False
    is_left: bool = False
    is_set_aside: bool = False
    waits: str = ""
    refusal: str = ""


def pull_file(pull: HostPull, file: ListedFile, may_leave: bool) -> Outcome:
    """Pull the new lines of a file into raw.

    With `may_leave`, a range that another process has begun is left to that process. Otherwise the
    range is pulled here.
    """
    with ExitStack() as opened:
        try:
            handle = opened.enter_context(pull.logs.open(file.name))
        except FileNotFoundError as error:
            return Outcome(is_rotated=True, gone=describe_gone(error))
        except InputError as error:
            return Outcome(refusal=str(error))
        try:
            outcome = _pull_handle(pull, file.name, handle, opened, may_leave)
            return replace(outcome, is_rotated=_is_rotated(file.stat, handle.stat()))
        except HostFileError as error:
            return Outcome(refusal=describe_failed_read(error))


def _pull_handle(
    pull: HostPull, name: str, handle: FileHandle, opened: ExitStack, may_leave: bool
) -> Outcome:
    """Pull an open file, unless it is a compressed one that was pulled under another name."""
    stat = handle.stat()
    try:
        trailer = read_trailer(handle)
    except OSError:  # OpenLog reports it later, with the readable part
        trailer = ""
    if trailer and trailer in pull.finished.trailers.values():
        return Outcome(identity=stat.identity(name), trailer=trailer)
    if trailer and stat.is_remote:
        handle = opened.enter_context(spooled(handle))
    log = OpenLog(handle)
    try:
        outcome = _FilePull(pull, name, log).pull(may_leave)
    except NotAnAccessLog:
        outcome = Outcome(is_set_aside=True)
    except FileChanged as error:
        outcome = Outcome(waits=str(error))
    except InputError as error:
        outcome = Outcome(refusal=str(error))
    is_same = outcome.identity == stat.identity(name)
    return replace(outcome, trailer=trailer if is_same else "")


def _is_rotated(listed: FileStat, opened: FileStat) -> bool:
    """Return whether the name may belong to another file now; without inodes, any change counts."""
    if opened.is_remote:
        return opened != listed
    return opened.inode != listed.inode or opened.size < listed.size


@dataclass(frozen=True)
class _Window:
    """Bytes of a file around the bookmark's `offset`.

    `before` has up to 1,024 bytes, from `begin` to the offset; `behind` has the bytes after it. The
    two are read separately, so that the bytes after the offset are used without a copy.
    """

    begin: int
    offset: int
    before: bytes
    behind: bytes

    @property
    def end(self) -> int:
        return self.begin + len(self.before) + len(self.behind)

    @property
    def has_rest(self) -> bool:
        return self.end > self.offset

    def until(self, end: int) -> bytes:
        """Return the bytes from `offset` to `end`."""
        return self.behind[: end - self.offset]

    def between(self, first: int, last: int) -> bytes:
        """Return the bytes between two offsets of the window."""
        before = self.before[first - self.begin : last - self.begin] if first < self.offset else b""
        behind = self.behind[max(first - self.offset, 0) : max(last - self.offset, 0)]
        return before + behind

    def tail(self, end: int) -> str:
        """Return the digest of the bytes just before `end`."""
        return digest(self.between(max(self.begin, end - TAIL_BYTES), end))

    def lines_end(self, is_closed: bool) -> int:
        """Return where the last finished line ends; at the end of a closed file, where it ends."""
        is_full = len(self.behind) == CHUNK_BYTES
        if is_closed and not is_full:
            return self.end
        end = self.behind.rfind(b"\n") + 1
        if end == 0 and is_full:  # a line of 32 MB or more is stored in pieces
            return self.end
        return self.offset + end


@dataclass(frozen=True)
class _Range:
    """A bookmark with an intended range (see `Bookmark`), the range's bytes, and those around it.

    `is_own` is false if another pull, which crashed or is still running, has intended the range.
    """

    bookmark: Bookmark
    end: int
    data: bytes
    window: _Window
    is_own: bool


@dataclass(frozen=True)
class _FilePull:
    shared: HostPull
    name: str
    log: OpenLog

    @property
    def lake(self) -> Lake:
        return self.shared.lake

    def pull(self, may_leave: bool) -> Outcome:
        bookmark = find_bookmark(self.shared, self.log, self.name)
        if bookmark is None:
            return self._outcome(self.log.padding, bool(self.log.read(self.log.padding, 1)))
        self.shared.stored.last_format = bookmark.log_format
        while isinstance(following := self._next_range(bookmark), _Range):
            if may_leave and not following.is_own:
                return Outcome(is_left=True)
            bookmark = self._store(following)
            del following  # free its bytes before the next range is read
        return self._outcome(following.offset, following.has_rest)

    def _outcome(self, offset: int, has_rest: bool) -> Outcome:
        if self.log.damage:
            return Outcome(
                refusal=f"cut off or damaged ({self.log.damage}). Its complete lines before the "
                f"damage, {offset:,} bytes uncompressed, are pulled. Copy or compress the file "
                "again to pull the rest."
            )
        if has_rest:
            return Outcome(has_unfinished_line=True)
        return Outcome(identity=self.log.stat().identity(self.name))

    def _next_range(self, bookmark: Bookmark) -> _Range | _Window:
        """Return the next range, or the bytes after the last one if no finished line is left.

        A range that is already intended is not changed.
        """
        while bookmark.pending_end is None:
            window = self._read_window(bookmark, CHUNK_BYTES)
            end = window.lines_end(is_closed=self.log.is_compressed and not self.log.damage)
            if end <= bookmark.offset:
                return window
            data = window.until(end)
            passed = checkpoints(bookmark.start, window.begin, window.end, window.between)
            if own := save(self.lake, bookmark.intend(end, digest(data), passed, self.name)):
                return _Range(own, end, data, window, is_own=True)
            bookmark = load(self.lake, bookmark)
        return self._intended_range(bookmark, bookmark.pending_end)

    def _intended_range(self, bookmark: Bookmark, end: int) -> _Range:
        """Read an intended range. Raises FileChanged if the file lacks the intended bytes."""
        window = self._read_window(bookmark, end - bookmark.offset)
        data = window.until(end)
        if window.end < end or digest(data) != bookmark.pending_digest:
            raise FileChanged(
                f"does not have bytes {bookmark.offset:,} to {end:,} as an earlier pull began to "
                "store them; each pull looks for them in all files"
            )
        return _Range(bookmark, end, data, window, is_own=False)

    def _read_window(self, bookmark: Bookmark, size: int) -> _Window:
        """Read from the bookmark on. Raises FileChanged if the file was truncated or replaced.

        For a shorter copy of the known file, the window ends before the bookmark's offset.
        """
        offset = bookmark.offset
        begin = max(0, offset - TAIL_BYTES)
        before = self.log.read(begin, offset - begin) if offset else b""
        if begin + len(before) < offset:
            return _Window(begin, offset, before, b"")
        window = _Window(begin, offset, before, self.log.read(offset, size))
        is_known = not bookmark.tail or window.tail(offset) == bookmark.tail
        if not is_known or not self.log.is_unchanged():
            raise FileChanged("was cut or replaced while it was read; the next pull reads the rest")
        return window

    def _store(self, intended: _Range) -> Bookmark:
        """Store the intended range's lines by hour and format, then move the bookmark past it."""
        bookmark = intended.bookmark
        rest, whole = self._split_rest(intended)
        if rest:
            span = self._span(intended, parse.CONTINUATION.name)
            raw.store(self.lake, Hour.parse(bookmark.last_hour), span, rest)
        named, longest = self.shared.named_format(bookmark), self.shared.longest_line_bytes
        parts, after = parts_of(whole, reading_of(bookmark), named, longest)
        seconds = np.concatenate([part.seconds for part in parts])
        epochs = hours_of(seconds, bookmark)
        lines: Counter[Hour] = Counter()
        for (log_format, hour), (text, count) in by_format_and_hour(parts, epochs).items():
            raw.store(self.lake, hour, self._span(intended, log_format), text)
            lines[hour] += count
        newest = int(seconds.max()) if len(seconds) else None
        padding = bookmark.start if bookmark.is_at_start else 0
        self.shared.stored.add(lines, len(intended.data), newest, padding)
        self.shared.progress.tick()
        last_hour = str(Hour.of_epoch(int(epochs[-1]))) if len(epochs) else bookmark.last_hour
        is_inside_line = not intended.data.endswith(b"\n")
        moved = bookmark.move(intended.window.tail(intended.end), last_hour, is_inside_line)
        moved = with_reading(moved, after)
        return save(self.lake, moved) or load(self.lake, bookmark)

    @staticmethod
    def _split_rest(intended: _Range) -> tuple[bytes, bytes]:
        """Return the rest of the line in which the previous range ended, and the lines after it."""
        if not intended.bookmark.is_inside_line:
            return b"", intended.data
        end = intended.data.find(b"\n") + 1 or len(intended.data)
        return intended.data[:end], intended.data[end:]

    @staticmethod
    def _span(intended: _Range, log_format: str) -> raw.RawRange:
        bookmark = intended.bookmark
        return raw.RawRange(
            bookmark.host, bookmark.fingerprint, bookmark.offset, intended.end, log_format
        )
