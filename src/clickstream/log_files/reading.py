"""Find and read the log files of `clickstream try`, and show a progress bar on a terminal.

Files are read as blocks of whole lines: plain or compressed, from disk or from stdin (`-`). If a
file is damaged, the whole lines before the damage are returned first, and then the error is raised.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clickstream.collect import DirectorySource
from clickstream.collect.compression import Content
from clickstream.collect.padding import WithoutPadding
from clickstream.errors import InputError, UnknownLogFormat, UnreadableLog
from clickstream.log_files.file_notes import BEGIN, FileNotes, Start
from clickstream.parse import (
    Format,
    detect,
    is_nothing_else,
    parse_blocks,
    read_blocks,
)
from clickstream.parse.blocks import count_lines
from clickstream.parse.detect import Detected
from clickstream.parse.format_changes import Position
from clickstream.parse.frames import Parsed
from clickstream.parse.long_lines import LONGEST_LINE_BYTES
from clickstream.settings import AUTO
from clickstream.wording import quantity

WORTH_IT = 20_000_000  # bytes; fewer are read too quickly for a progress bar


@contextmanager
def progress_over(files: Sequence[str], console: Console) -> Iterator[Callable[[str, int], None]]:
    """Show a progress bar over the bytes of all files while the `with` block runs.

    The block gets a function to call with a file and the number of its bytes read so far. The bar
    is shown on a terminal only.
    """
    sizes = [_size(path) for path in files]
    before = dict(zip(files, accumulate(sizes, initial=0), strict=False))
    columns = (
        TextColumn("Reading"), BarColumn(), DownloadColumn(), TimeRemainingColumn(),
    )  # fmt: skip
    is_seen = console.is_terminal and sum(sizes) >= WORTH_IT
    with Progress(*columns, console=console, transient=True, disable=not is_seen) as progress:
        task = progress.add_task("", total=sum(sizes))
        yield lambda path, done: progress.update(task, completed=before[path] + done)


def _size(path: str) -> int:
    """Return the size of a file; 0 if it is unknown, as for a pipe or stdin."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class TrialFile:
    """A file to read, or `-` for stdin, and whether it comes from a directory that was named."""

    path: str
    is_from_directory: bool = False


@dataclass(frozen=True)
class SmallFile:
    """The whole lines of a file, each with its newline, with their format."""

    name: str
    data: bytes
    log_format: str | Format
    may_change: bool

    @cached_property
    def lines(self) -> int:
        """The number of lines."""
        return count_lines(self.data)


def find_files(paths: Sequence[str]) -> tuple[list[TrialFile], list[str]]:
    """Return the files in the order of `paths`, each once, and a message for each wrong path.

    The files of a directory are ordered by name; its subdirectories are skipped.
    """
    found: dict[str, TrialFile] = {}
    complaints = []
    for path in paths:
        try:
            files = _in_directory(path) if _is_directory(path) else [TrialFile(path)]
        except InputError as error:
            complaints.append(error.printed)
            continue
        for file in files:
            if not (file.is_from_directory and file.path in found):
                found[file.path] = file
    return [*found.values()], complaints


def _is_directory(path: str) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # reading the path reports the reason
        return False


def _in_directory(path: str) -> list[TrialFile]:
    files = DirectorySource(Path(path), "*").list()
    if not files:
        raise InputError(f"{path} has no files: name a directory with access logs, or a log.")
    return [TrialFile(str(Path(path) / file.name), is_from_directory=True) for file in files]


STDIN = "-"
READ_SIZE = 1 << 20
SAMPLE_SIZE = 1 << 18
BATCH_BYTES = 8 << 20  # bytes of text parsed at once; with 32 MiB, memory grows by 130 MB
BLOCK_BYTES = 2 << 20
"""Bytes that are read at once from a file."""


class UnknownFormat(UnknownLogFormat):
    """No line at the beginning of a file has a known format."""


class EmptyLog(InputError):
    """A file has no lines."""


def name_of(path: str) -> str:
    """Return the name of a path for messages."""
    return "stdin" if path == STDIN else path


def read_log(
    path: str,
    log_format: str | Format,
    progress: Callable[[int], None] = lambda _: None,
    found: Callable[[Detected], None] = lambda _: None,
    padding: Callable[[int], None] = lambda _: None,
    likely: str = "",
    small: Callable[[SmallFile], None] | None = None,
    longest: int = LONGEST_LINE_BYTES,
    start: Start = BEGIN,
    notes: FileNotes | None = None,
) -> Iterator[Parsed]:
    """Read and parse one log, block by block; with `start`, from there on.

    The functions are called with: `progress` the number of bytes of the file read so far; `found`
    the detected format, with which the file begins if `log_format` is `auto` (later changes of
    format are followed); `padding` the number of bytes left out at the start of the file, NULs or a
    byte-order mark; `small`, if given, the whole file if it is small, in place of its parsed lines.
    `likely` is the format to try first. Lines of more than `longest` bytes are rejects. `notes` are
    filled for a later read.

    Raises InputError, with the file and what to do, if the file can't be read, or if it is damaged
    (after its readable lines). Raises EmptyLog if it is empty, and UnknownFormat if `log_format` is
    `auto` and no line has a known format.
    """
    lines, notes, position = 0, notes or FileNotes(), Position(start.line)
    with _opened(path, start, notes) as raw:
        reader = Content(raw)
        log = _whole_lines(reader, padding, longest)
        sample = _first_lines(log, longest)
        if not sample:
            if reader.damage:
                raise UnreadableLog(_damaged(name_of(path), reader.damage, lines))
            raise EmptyLog(f"{name_of(path)} is empty: name a log that has lines.")
        may_change = log_format == AUTO
        if may_change and start.log_format:
            log_format = start.log_format
        elif may_change:
            detected = _detected(name_of(path), sample, likely, longest)
            found(detected)
            log_format = detected.name
        name = log_format if isinstance(log_format, str) else log_format.name
        rest = next(log, b"")
        is_whole = not rest and not reader.damage and sample.endswith(b"\n")
        if small and is_whole and start == BEGIN:
            notes.add_batch(name, position)
            notes.note_offsets(sample)
            small(SmallFile(name_of(path), sample, log_format, may_change))
            progress(_position(raw))
            sample = b""
        blocks_of_log = notes.count(chain(filter(None, [sample, rest]), log))
        for parsed in parse_blocks(
            blocks_of_log, log_format, may_change, BATCH_BYTES, longest, position
        ):
            lines += parsed.lines
            notes.add_batch(name, position)
            progress(_position(raw))
            yield parsed
        notes.end(_position(raw))
    if reader.damage:
        raise UnreadableLog(_damaged(name_of(path), reader.damage, lines))


def text_blocks(path: str, longest: int) -> Iterator[bytes]:
    """Yield the whole lines of a log, uncompressed, in blocks; see `read_blocks`."""
    with _opened(path, BEGIN, FileNotes()) as raw:
        yield from _whole_lines(Content(raw), longest=longest)


@contextmanager
def _opened(path: str, start: Start, notes: FileNotes) -> Iterator[io.BufferedReader[Any]]:
    if path == STDIN:
        stdin = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
        try:
            yield stdin
        finally:
            stdin.detach()  # otherwise garbage collection would close stdin
        return
    with _open(path) as file:
        notes.open(file.fileno(), start)
        if start.offset:
            file.seek(start.offset)
        yield file


def _open(path: str) -> io.BufferedReader:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UnreadableLog(_unreadable(path, error)) from None


def _first_lines(log: Iterator[bytes], longest: int) -> bytes:
    """Return the first block, and more until one has a line that is not empty or too long."""
    sample = next(log, b"")
    while len(sample) < BATCH_BYTES and is_nothing_else(sample, longest):
        if not (more := next(log, b"")):
            break
        sample += more
    return sample


def _whole_lines(
    reader: Content,
    padding: Callable[[int], None] = lambda _: None,
    longest: int = LONGEST_LINE_BYTES,
) -> Iterator[bytes]:
    """Yield blocks of lines. A line that damage has cut is left out: its rest may be misread."""
    content = WithoutPadding(reader)
    stream = io.BufferedReader(content, READ_SIZE)
    stream.peek(1)
    padding(content.padding)
    for block in read_blocks(stream, BLOCK_BYTES, longest):
        whole = block[: block.rfind(b"\n") + 1] if reader.damage else block
        if whole:
            yield whole


def _detected(path: str, sample: bytes, likely: str, longest: int) -> Detected:
    try:
        return detect(sample, likely, longest)
    except InputError as error:
        if b"\0" in sample:
            raise UnknownFormat(
                f"{path} is not a text file (it contains NUL bytes): name access logs, plain or "
                "compressed with gzip, bzip2, xz or Zstandard."
            ) from None
        raise UnknownFormat(f"{path}: {error}") from None


def _position(raw: io.BufferedReader[Any]) -> int:
    return raw.tell() if raw.seekable() else 0


def _unreadable(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: check the name."
    if isinstance(error, PermissionError):
        return (
            f"You do not have permission to read {path}: try `sudo cat {path} | clickstream try -`."
        )
    return f"{path} can't be read ({error.strerror}): check the name and the disk."


def _damaged(path: str, damage: Exception, lines: int) -> str:
    whole = quantity(lines, "whole line")
    if isinstance(damage, OSError) and damage.errno:
        return f"{path} can't be read further ({damage.strerror}) after {whole}: check the disk."
    counted = f"after {whole}, which {'is' if lines == 1 else 'are'} counted"
    where = counted if lines else "before its first line ends"
    return f"{path} is cut off or damaged {where} ({damage}): copy or compress it again."
