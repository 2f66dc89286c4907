"""Pull: every finished line of every log file lands in the raw lines of its own hour, once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from clickstream import parse
from clickstream.collect import LogFile, list_files
from clickstream.collect.directory import LogStream, fingerprint, tail_digest
from clickstream.errors import InputError
from clickstream.hours import Hour
from clickstream.lake import Lake, raw, trouble
from clickstream.lake.bookmarks import (
    Bookmark,
    finished_files,
    load,
    save,
    save_finished_files,
)
from clickstream.rules import log_format_of
from clickstream.settings import AUTO, Source

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


@trouble.told()
def pull(lake: Lake, source: Source) -> Pulled:
    """Pull what is new in a source's files into raw.

    A file whose lines have no known format is refused by name, and the others are still pulled; so
    is one that is damaged, from its first damaged line on.
    Raises InputError when the source's directory can't be listed.
    """
    lines: Counter[Hour] = Counter()
    size, unfinished, refused = 0, [], []
    files = list_files(lake.settings.resolve(source.path), source.pattern)
    known, finished = finished_files(lake, source.name), set()
    for file in files:
        identity = file.identity  # before it is read: lines that come meanwhile change it
        if identity not in known:
            got = _pull_file(lake, source, file, lines)
            size += got.bytes
            unfinished += [file.path.name] if got.has_unfinished_line else []
            refused += [f"{file.path.name}: {got.refusal}"] if got.refusal else []
            if got.has_unfinished_line or got.refusal:
                continue
        finished.add(identity)
    if finished != known:
        save_finished_files(lake, source.name, finished)
    hours = [str(hour) for hour in sorted(lines)]
    total = sum(lines.values())
    return Pulled(source.name, len(files), total, size, hours, unfinished, refused)


@dataclass(frozen=True)
class _Got:
    """What came of one file; `refusal` says why it, or a part of it, can't be read."""

    bytes: int = 0
    has_unfinished_line: bool = False
    refusal: str = ""


def _pull_file(lake: Lake, source: Source, file: LogFile, lines: Counter[Hour]) -> _Got:
    try:
        return _pull_readable(lake, source, file, lines)
    except InputError as error:
        return _Got(refusal=str(error))


def _pull_readable(lake: Lake, source: Source, file: LogFile, lines: Counter[Hour]) -> _Got:
    with file.open() as stream:
        bookmark = _find_bookmark(lake, source, file, stream)
        begin = offset = 0
        if bookmark is not None:
            begin = bookmark.offset
            while span := _next_range(lake, bookmark, file, stream):
                bookmark = _pull_range(lake, source, span, stream, lines)
            offset = bookmark.offset
        stream.seek(offset)
        rest = stream.read(CHUNK_BYTES)
        if stream.damage:
            return _Got(offset - begin, False, _damaged(stream, offset))
        return _Got(offset - begin, bool(rest))


def _damaged(stream: LogStream, offset: int) -> str:
    return (
        f"cut off or damaged ({stream.damage}); its whole lines up to there, {offset:,} bytes "
        "uncompressed, are pulled: copy or compress it again, and the rest will be, too."
    )


def _find_bookmark(lake: Lake, source: Source, file: LogFile, stream: LogStream) -> Bookmark | None:
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
    log_format = parse.detect(file.sample()).name if source.format == AUTO else source.format
    return Bookmark(source.name, name, log_format, last_hour=str(file.modified_hour))


def _next_range(
    lake: Lake, bookmark: Bookmark, file: LogFile, stream: LogStream
) -> Bookmark | None:
    """The bookmark with the next range intended, or None when no finished line is left.

    A range already intended, by a crashed pull or one under way, is taken as it is.
    """
    while bookmark.pending_end is None:
        stream.seek(bookmark.offset)
        finished = _finished_lines(stream.read(CHUNK_BYTES), file.is_closed and not stream.damage)
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
    lake: Lake, source: Source, bookmark: Bookmark, stream: LogStream, lines: Counter[Hour]
) -> Bookmark:
    """Store the intended range's lines by hour and format, then move the bookmark past it."""
    end = bookmark.pending_end or bookmark.offset
    stream.seek(bookmark.offset)
    data = stream.read(end - bookmark.offset)
    chosen = None if source.format == AUTO else log_format_of(lake.settings, bookmark.log_format)
    parts, after = _parts(data, _reading(bookmark), chosen)
    epochs = _filled(np.concatenate([part.epochs for part in parts]), bookmark)
    for (log_format, hour), (text, count) in _by_format_and_hour(parts, epochs).items():
        span = raw.RawRange(bookmark.host, bookmark.fingerprint, bookmark.offset, end, log_format)
        raw.store(lake, hour, span, text)
        lines[hour] += count
    moved = replace(
        bookmark.move(
            tail_digest(stream, end) or "",
            str(Hour.of_epoch(int(epochs[-1]))) if len(epochs) else bookmark.last_hour,
        ),
        log_format=after.log_format,
        header=parse.escape(after.header),
        leaning=after.leaning,
        leaned=after.leaned,
    )
    return save(lake, moved) or load(lake, bookmark)


def _reading(bookmark: Bookmark) -> parse.Reading:
    header = parse.unescape(bookmark.header)
    return parse.Reading(bookmark.log_format, header, bookmark.leaning, bookmark.leaned)


@dataclass(frozen=True)
class _Part:
    """Lines in one format: its entries, and the start of each one's hour, -1 where it has none."""

    log_format: str
    entries: parse.Entries
    epochs: NDArray[np.int64]


def _parts(
    data: bytes, now: parse.Reading, chosen: str | parse.Format | None
) -> tuple[list[_Part], parse.Reading]:
    """The lines by format, in file order, and how those below them are read.

    `chosen` is the format that the settings name; without one, the lines may change theirs.
    """
    whole = _part(data, now.log_format, now.header, chosen)
    if chosen is not None:
        return [whole], replace(now, header=parse.header_after(data, chosen, now.header))
    found, after = parse.segments(data, now, whole.epochs < 0)
    if len(found) == 1 and found[0].log_format == now.log_format:
        return [whole], after
    parts = [_part(data[s.start : s.end], s.log_format, s.header) for s in found]
    return parts, after


def _part(data: bytes, name: str, header: bytes, chosen: str | parse.Format | None = None) -> _Part:
    log_format = chosen or name
    epochs = parse.event_hours(data, log_format, header)
    return _Part(name, parse.entries(data, log_format, header), epochs)


def _filled(epochs: NDArray[np.int64], bookmark: Bookmark) -> NDArray[np.int64]:
    """The start of each line's hour, in Unix seconds.

    A line without a time of its own belongs where its neighbour before it does, also if that was
    pulled earlier; at the start of the file, where the one after it does; with no time at all, to
    the hour the file was written in.
    """
    known = np.flatnonzero(epochs >= 0)
    if bookmark.offset or not len(known):
        before = int(Hour.parse(bookmark.last_hour).start.timestamp())
    else:
        before = int(epochs[known[0]])
    nearest = np.maximum.accumulate(np.where(epochs >= 0, np.arange(len(epochs)), -1))
    filled: NDArray[np.int64] = np.where(nearest < 0, before, epochs[nearest])
    return filled


def _by_format_and_hour(
    parts: Sequence[_Part], epochs: NDArray[np.int64]
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
