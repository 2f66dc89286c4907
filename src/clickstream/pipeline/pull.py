"""Pull: every finished line of every log file lands in the raw lines of its own hour, once."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from typing import Any

import numpy as np

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
from clickstream.pipeline.lines import by_format_and_hour, hours_of, parts_of
from clickstream.rules import log_format_of
from clickstream.settings import AUTO, Source

CHUNK_BYTES = 32 << 20
ALIKE_FILES = 8

_last_format: dict[str, str] = {}
"""The format of the last new file of each source, to try first: results do not depend on it."""


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
    is one that is damaged, from its first damaged line on. Pulls at the same time share the files:
    what somebody else has begun is left to him while there are other files, and is looked at last.
    Raises InputError when the source's directory can't be listed.
    """
    files = list_files(lake.settings.resolve(source.path), source.pattern)
    identities = {file: file.identity for file in files}  # lines that come meanwhile change them
    known = finished_files(lake, source.name)
    result = _Result([file for file in files if identities[file] in known])
    new = [file for file in files if identities[file] not in known]
    left = [file for file in new if not _pulled(lake, source, file, result, may_be_left=True)]
    for file in left:
        _pulled(lake, source, file, result, may_be_left=False)
    finished = {identities[file] for file in result.finished}
    if finished != known:
        save_finished_files(lake, source.name, finished)
    return result.told(source, len(files))


@dataclass
class _Result:
    """What came of the files so far; those that are `finished` hold no more."""

    finished: list[LogFile]
    bytes: int = 0
    lines: Counter[Hour] = field(default_factory=Counter)
    unfinished: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def told(self, source: Source, files: int) -> Pulled:
        """The same for the log and for the tasks to come."""
        hours = [str(hour) for hour in sorted(self.lines)]
        return Pulled(
            *(source.name, files, self.lines.total(), self.bytes, hours),
            sorted(self.unfinished),
            sorted(self.refused),
        )


def _pulled(lake: Lake, source: Source, file: LogFile, result: _Result, may_be_left: bool) -> bool:
    """Pull a file, unless it is left to somebody else; whether it was not."""
    got = _pull_file(lake, source, file, result.lines, may_be_left)
    result.bytes += got.bytes
    if got.has_unfinished_line:
        result.unfinished.append(file.path.name)
    elif got.refusal:
        result.refused.append(f"{file.path.name}: {got.refusal}")
    elif not got.is_left:
        result.finished.append(file)
    return not got.is_left


@dataclass(frozen=True)
class _Got:
    """What came of one file; `refusal` says why it, or a part of it, can't be read.

    It `is_left` if somebody else pulls it, or did so until he was killed.
    """

    bytes: int = 0
    has_unfinished_line: bool = False
    refusal: str = ""
    is_left: bool = False


def _pull_file(
    lake: Lake, source: Source, file: LogFile, lines: Counter[Hour], may_be_left: bool
) -> _Got:
    try:
        return _pull_readable(lake, source, file, lines, may_be_left)
    except InputError as error:
        return _Got(refusal=str(error))


def _pull_readable(
    lake: Lake, source: Source, file: LogFile, lines: Counter[Hour], may_be_left: bool
) -> _Got:
    with file.open() as stream:
        bookmark = _find_bookmark(lake, source, file, stream)
        begin = offset = 0
        if bookmark is not None:
            begin = bookmark.offset
            while span := _next_range(lake, bookmark, file, stream):
                if may_be_left and not span.is_own:
                    return _Got(bookmark.offset - begin, is_left=True)
                bookmark = _pull_range(lake, source, span.bookmark, stream, lines)
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
    likely = _last_format.get(source.name, "")
    log_format = (
        parse.detect(file.sample(), likely).name if source.format == AUTO else source.format
    )
    _last_format[source.name] = log_format
    return Bookmark(source.name, name, log_format, last_hour=str(file.modified_hour))


@dataclass(frozen=True)
class _Range:
    """A bookmark whose next range is intended: by this pull, or by one that crashed or goes on."""

    bookmark: Bookmark
    is_own: bool


def _next_range(lake: Lake, bookmark: Bookmark, file: LogFile, stream: LogStream) -> _Range | None:
    """The next range, or None when no finished line is left.

    One that is intended already is taken as it is.
    """
    while bookmark.pending_end is None:
        stream.seek(bookmark.offset)
        finished = _finished_lines(stream.read(CHUNK_BYTES), file.is_closed and not stream.damage)
        if not finished:
            return None
        if own := save(lake, bookmark.intend(bookmark.offset + len(finished))):
            return _Range(own, is_own=True)
        bookmark = load(lake, bookmark)
    return _Range(bookmark, is_own=False)


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
    parts, after = parts_of(data, _reading(bookmark), chosen)
    epochs = hours_of(np.concatenate([part.epochs for part in parts]), bookmark)
    for (log_format, hour), (text, count) in by_format_and_hour(parts, epochs).items():
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
