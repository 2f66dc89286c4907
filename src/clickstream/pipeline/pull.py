"""Pull: every finished line of every log file lands in the raw lines of its own hour, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BufferedIOBase
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickstream import parse
from clickstream.collect import LogFile, list_files
from clickstream.collect.directory import fingerprint, read_available, tail_digest
from clickstream.errors import InputError
from clickstream.hours import Hour
from clickstream.lake import Lake, raw
from clickstream.lake.bookmarks import Bookmark, load, save
from clickstream.settings import Source

CHUNK_BYTES = 32 << 20
ALIKE_FILES = 8


@dataclass(frozen=True)
class Pulled:
    """What one pull brought."""

    source: str
    files: int
    lines: int
    bytes: int
    hours: list[str]
    unfinished: list[str]
    refused: list[str]

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values, for XCom."""
        return asdict(self)

    @property
    def sentence(self) -> str:
        """One line for the log."""
        said = [f"{self.source}: {self.lines:,} new lines of {self.files} files"]
        if self.hours:
            said.append(f", hours {self.hours[0]} to {self.hours[-1]}")
        if self.unfinished:
            said.append(f"; the unfinished last line of {', '.join(self.unfinished)} waits")
        if self.refused:
            said.append(f"; {len(self.refused)} files REFUSED")
        return "".join([*said, "."])


def pull(lake: Lake, source: Source) -> Pulled:
    """Pull what is new in a source's files into raw.

    A file whose lines have no known format is refused by name, and the others are still pulled.
    Raises InputError when the source's directory can't be listed.
    """
    lines: Counter[Hour] = Counter()
    size, unfinished, refused = 0, [], []
    files = list_files(lake.settings.resolve(source.path), source.pattern)
    for file in files:
        try:
            got = _pull_file(lake, source, file, lines)
        except InputError as error:
            refused.append(f"{file.path.name}: {error}")
            continue
        size += got.bytes
        unfinished += [file.path.name] if got.has_unfinished_line else []
    hours = [str(hour) for hour in sorted(lines)]
    total = sum(lines.values())
    return Pulled(source.name, len(files), total, size, hours, unfinished, refused)


@dataclass(frozen=True)
class _Got:
    bytes: int
    has_unfinished_line: bool


def _pull_file(lake: Lake, source: Source, file: LogFile, lines: Counter[Hour]) -> _Got:
    with file.open() as stream:
        bookmark = _find_bookmark(lake, source, file, stream)
        if bookmark is None:
            return _Got(0, file.path.stat().st_size > 0)
        begin = bookmark.offset
        while span := _next_range(lake, bookmark, file, stream):
            bookmark = _pull_range(lake, span, stream, lines)
        stream.seek(bookmark.offset)
        return _Got(bookmark.offset - begin, bool(read_available(stream, 1)))


def _find_bookmark(
    lake: Lake, source: Source, file: LogFile, stream: BufferedIOBase
) -> Bookmark | None:
    """The file's bookmark, found by content whatever its name is; None for an unfinished file.

    Two files may begin alike. The bytes before a bookmark's offset tell them apart; a file that
    ends before the offset is taken for a shorter copy of the one known.
    """
    head = file.head()
    if not head:
        return None
    for attempt in range(ALIKE_FILES):
        fresh = Bookmark(source.name, fingerprint(head, attempt), "")
        known = load(lake, fresh)
        if known is fresh:
            return _new_bookmark(source, file, fresh.fingerprint)
        if not known.tail or tail_digest(stream, known.offset) in (known.tail, None):
            return known
    raise InputError(f"{ALIKE_FILES} different files begin with this file's first line.")


def _new_bookmark(source: Source, file: LogFile, name: str) -> Bookmark:
    log_format = parse.detect(file.sample()) if source.format == "auto" else source.format
    return Bookmark(source.name, name, log_format, last_hour=str(file.modified_hour))


def _next_range(
    lake: Lake, bookmark: Bookmark, file: LogFile, stream: BufferedIOBase
) -> Bookmark | None:
    """The bookmark with the next range intended, or None when no finished line is left.

    A range already intended, by a crashed pull or one under way, is taken as it is.
    """
    while bookmark.pending_end is None:
        stream.seek(bookmark.offset)
        finished = _finished_lines(read_available(stream, CHUNK_BYTES), file.is_closed)
        if not finished:
            return None
        intended = save(lake, bookmark.intend(bookmark.offset + len(finished)))
        bookmark = intended or load(lake, bookmark)
    return bookmark


def _finished_lines(data: bytes, is_closed: bool) -> bytes:
    """Everything up to the last line end; of a closed file's last bytes, everything."""
    if is_closed and len(data) < CHUNK_BYTES:
        return data
    end = data.rfind(b"\n") + 1
    if end == 0 and len(data) == CHUNK_BYTES:
        return data  # one line of 32 MB: parse will refuse its pieces, with their bytes kept
    return data[:end]


def _pull_range(
    lake: Lake, bookmark: Bookmark, stream: BufferedIOBase, lines: Counter[Hour]
) -> Bookmark:
    """Store the intended range's lines by hour, then move the bookmark past it."""
    end = bookmark.pending_end or bookmark.offset
    stream.seek(bookmark.offset)
    data = read_available(stream, end - bookmark.offset)
    span = raw.RawRange(
        bookmark.host, bookmark.fingerprint, bookmark.offset, end, bookmark.log_format
    )
    header = parse.unescape(bookmark.header)
    epochs = _hour_of_each_entry(data, header, bookmark)
    entries = parse.entries(data, bookmark.log_format, header)
    for hour, text, count in _split_by_hour(entries, epochs):
        raw.store(lake, hour, span, text)
        lines[hour] += count
    moved = bookmark.move(
        tail_digest(stream, end) or "",
        str(Hour.of_epoch(int(epochs[-1]))) if len(epochs) else bookmark.last_hour,
        parse.escape(parse.header_after(data, bookmark.log_format, header)),
    )
    return save(lake, moved) or load(lake, bookmark)


def _hour_of_each_entry(data: bytes, header: bytes, bookmark: Bookmark) -> NDArray[np.int64]:
    """The start of each line's hour, in Unix seconds; a log's own headers are no lines.

    A line without a time of its own belongs where its neighbour before it does, or at the start
    the one after it; with no time at all, to the hour the file last stood at.
    """
    epochs = parse.event_hours(data, bookmark.log_format, header)
    known = np.flatnonzero(epochs >= 0)
    if not len(known):
        before = Hour.parse(bookmark.last_hour).start
        return np.full(len(epochs), int(before.timestamp()), dtype=np.int64)
    nearest = np.maximum.accumulate(np.where(epochs >= 0, np.arange(len(epochs)), -1))
    filled: NDArray[np.int64] = epochs[np.where(nearest < 0, known[0], nearest)]
    return filled


def _split_by_hour(
    entries: Sequence[tuple[bytes, bytes]], epochs: NDArray[np.int64]
) -> Iterator[tuple[Hour, bytes, int]]:
    """The lines of each hour, in file order: (hour, bytes, number of lines)."""
    for epoch in np.unique(epochs).tolist():
        positions = np.flatnonzero(epochs == epoch).tolist()
        yield Hour.of_epoch(epoch), _self_contained([entries[n] for n in positions]), len(positions)


def _self_contained(entries: Sequence[tuple[bytes, bytes]]) -> bytes:
    """Lines of one file, each header before the first line that is read by it."""
    text: list[bytes] = []
    in_force = b""
    for header, line in entries:
        if header != in_force:
            text.append(header)
            in_force = header
        text.append(line)
    return b"".join(text)
