"""Parse the bytes of access logs into columns: each line becomes a request or a reject.

`pipeline` and `logs` call the functions of this module. To read the package, start with
`formats`, which lists the formats. `layout_rows` reads the lines of combined, common and format
strings, and `w3c` and `json_lines` read the other formats, into the dictionary-encoded columns of
`rows`. `frames` builds tables and DataFrames.
`detect` finds the format of a log, and `format_changes` the lines at which it changes.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from clickstream.core.errors import UnusableFormat
from clickstream.parse.blocks import BATCH_BYTES, count_lines, group_blocks, read_blocks
from clickstream.parse.detect import detect
from clickstream.parse.entries import Entries, find_entries
from clickstream.parse.format_changes import FormatState, Position, seems_changed, segments
from clickstream.parse.formats import CONTINUATION, FORMATS, Format
from clickstream.parse.frames import Parsed, as_frames, in_order, stack
from clickstream.parse.long_lines import (
    LONGEST_LINE_BYTES,
    LongLine,
    is_nothing_else,
    refuse_long,
    shorten,
)
from clickstream.parse.rows import Rows, joined, moved

__all__ = [
    "CONTINUATION",
    "Format",
    "FormatState",
    "concat",
    "detect",
    "entries",
    "event_hours",
    "event_seconds",
    "header_after",
    "is_nothing_else",
    "parse",
    "parse_blocks",
    "parse_together",
    "read_blocks",
    "shorten",
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

    `header` is the header that applies to the first line; see `header_after`. Parsing succeeds for
    any bytes: a line that does not fit the format, or has more than `longest` bytes, becomes a
    reject. Raises InputError for an unknown format.
    """
    short = shorten(data, longest)
    parsed = as_frames(_find_format(log_format).read(short.data, header), first_line)
    return _mark_long_lines(parsed, short.long_lines, first_line)


def _mark_long_lines(parsed: Parsed, long_lines: Mapping[int, LongLine], first_line: int) -> Parsed:
    """Set reason, text and length of lines that are too long, given by their index."""
    if not long_lines:
        return parsed
    by_number = {first_line + index: line for index, line in long_lines.items()}
    return replace(parsed, refused=refuse_long(parsed.refused, by_number))


def parse_blocks(
    blocks: Iterable[bytes],
    log_format: str | Format,
    may_change: bool = False,
    batch_bytes: int = BATCH_BYTES,
    longest: int = LONGEST_LINE_BYTES,
    position: Position | None = None,
) -> Iterator[Parsed]:
    """Parse blocks in batches; line numbers and the current header continue over all blocks.

    Each batch has at least `batch_bytes` and yields one result. The memory of its text is then
    freed. With `may_change`, the log may change its format, and `log_format` is the name of the
    format at its beginning; see `segments`. Lines of more than `longest` bytes are rejects.
    `position` has the number of the first line and the state after the lines before it, and is
    moved before each batch is yielded.
    """
    log_reader = _find_format(log_format)
    position = position or Position()
    line, now = position.line, position.state or FormatState(log_reader.name)
    if may_change:
        log_reader = _find_format(now.log_format)
    for batch in group_blocks(blocks, batch_bytes):
        long_lines = _shorten_all(batch, longest)
        data = b"".join(batch)
        batch.clear()
        rows = log_reader.read(data, now.header)
        if may_change:
            parsed, now = _follow_format_changes(data, rows, now, line)
            log_reader = _find_format(now.log_format)
        else:
            now = FormatState(log_reader.name, log_reader.header_after(now.header, data))
            parsed = as_frames(rows, line)
        del data  # otherwise it would stay in memory while the caller has the result
        parsed = _mark_long_lines(parsed, long_lines, line)
        line += parsed.lines + parsed.directives
        position.line, position.state = line, now
        yield parsed


def _shorten_all(batch: list[bytes], longest: int) -> dict[int, LongLine]:
    """Replace lines that are too long by empty lines; return them by their index."""
    long_lines: dict[int, LongLine] = {}
    for index, block in enumerate(batch):
        short = shorten(block, longest)
        if short.long_lines:
            first = sum(map(count_lines, batch[:index]))
            long_lines |= {first + offset: line for offset, line in short.long_lines.items()}
            batch[index] = short.data
    return long_lines


def parse_together(
    files: Sequence[bytes],
    log_format: str | Format,
    may_change: bool = False,
    longest: int = LONGEST_LINE_BYTES,
) -> Parsed | None:
    """Parse small files as one log, with continuous line numbers; each must end with a newline.

    Returns None if the files may have to be read one by one: if the format has headers, or if
    `may_change` is set and a file seems to change its format.
    """
    log_reader = _find_format(log_format)
    if log_reader.has_header:
        return None
    blocks = [*files]
    long_lines = _shorten_all(blocks, longest)
    rows = log_reader.read(b"".join(blocks), b"")
    if may_change and rows.refused:
        refused = _are_refused(rows)
        ends = np.cumsum([*map(count_lines, files)])
        parts = np.split(refused, ends[:-1])
        if any(seems_changed(part, FormatState(log_reader.name)) for part in parts if part.any()):
            return None
    return _mark_long_lines(as_frames(rows, first_line=1), long_lines, 1)


def _follow_format_changes(
    data: bytes, rows: Rows, now: FormatState, line: int
) -> tuple[Parsed, FormatState]:
    """Return the parsed lines, read again if their format changes, and the state after them."""
    pieces, after = segments(data, now, np.delete(_are_refused(rows), rows.directives))
    if [piece.log_format for piece in pieces] == [now.log_format]:
        return as_frames(rows, line), after
    # Segments of one format are joined first, because they may be many and short.
    by_format: dict[str, list[Rows]] = {}
    for piece in pieces:
        read = FORMATS[piece.log_format].read(data[piece.start : piece.end], piece.header)
        by_format.setdefault(piece.log_format, []).append(moved(read, line))
        line += read.lines + len(read.directives)
    tables = [as_frames(joined(parts), first_line=0) for parts in by_format.values()]
    return in_order(stack(tables)), after


def _are_refused(rows: Rows) -> npt.NDArray[np.bool_]:
    """Return a mask of the refused lines; it includes the directives, which are not refused."""
    refused = np.zeros(rows.lines + len(rows.directives), np.bool_)
    refused[[index for index, _, _ in rows.refused]] = True
    return refused


def header_after(data: bytes, log_format: str | Format, header: bytes = b"") -> bytes:
    """Return the header that applies after some lines; `header` applies to the first of them.

    This is the last `#Fields:` line, with its newline. Lines from the middle of a file can be
    parsed after such a header. In formats without headers, the result is always b"".
    """
    return _find_format(log_format).header_after(header, data)


def entries(data: bytes, log_format: str | Format, header: bytes = b"") -> Entries:
    """Find the lines that are entries, with their newlines, and the header of each."""
    return find_entries(data, header if _find_format(log_format).has_header else None)


def concat(parts: Iterable[Parsed]) -> Parsed:
    """Concatenate parts in the given order; without parts, the result is empty."""
    return stack([*parts] or [parse(b"", "common")])


def event_hours(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> npt.NDArray[np.int64]:
    """Return the start of each entry's UTC hour in Unix seconds; -1 for a reject."""
    seconds = event_seconds(data, log_format, header)
    return np.where(seconds < 0, seconds, seconds // _HOUR * _HOUR)


def event_seconds(
    data: bytes, log_format: str | Format, header: bytes = b""
) -> npt.NDArray[np.int64]:
    """Return each entry's time in Unix seconds; -1 for a reject."""
    log_reader = _find_format(log_format)
    rows = log_reader.read(data, header)
    seconds = np.full(rows.lines + len(rows.directives), -1, np.int64)
    seconds[rows.line] = rows.seconds
    return np.delete(seconds, rows.directives)


def _find_format(log_format: str | Format) -> Format:
    if isinstance(log_format, Format):
        return log_format
    if log_format not in FORMATS:
        raise UnusableFormat(
            f"There is no log format {log_format!r}; use one of: {', '.join(FORMATS)}."
        )
    return FORMATS[log_format]
