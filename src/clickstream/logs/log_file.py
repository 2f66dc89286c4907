"""Find and read log files, and show a progress bar on a terminal.

Files are read as blocks of whole lines: plain or compressed, from disk or from stdin (`-`). If a
file is damaged, the whole lines before the damage are returned first, and then the error is raised.
"""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, chain
from pathlib import Path
from shlex import quote
from stat import S_ISREG
from typing import Any, cast

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from clickstream.collect import DirectorySource
from clickstream.collect.compression import Content
from clickstream.collect.padding import WithoutPadding
from clickstream.core.errors import InputError, UnknownLogFormat, UnreadableLog, with_code
from clickstream.core.wording import quantity
from clickstream.logs.time_zone import WrittenOffsets, sample_offsets
from clickstream.parse import (
    Format,
    detect,
    is_nothing_else,
    parse_blocks,
    read_blocks,
)
from clickstream.parse.blocks import count_lines
from clickstream.parse.detect import Detected, NoKnownFormat, archive_of
from clickstream.parse.format_changes import Position
from clickstream.parse.frames import Parsed
from clickstream.parse.long_lines import LONGEST_LINE_BYTES
from clickstream.settings import AUTO

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
    """The whole lines of a file, each with its newline, and their format: `auto` if undetected.

    `padding` is the number of bytes that were left out at the start of the file.
    """

    file: TrialFile
    data: bytes
    log_format: str | Format
    may_change: bool
    padding: int = 0

    @property
    def name(self) -> str:
        """The name of the file for messages."""
        return name_of(self.file.path)

    @cached_property
    def lines(self) -> int:
        """The number of lines."""
        return count_lines(self.data)


TAIL_BYTES = 4096
"""Bytes before the end of a read by which a file is recognized that has only grown."""


@dataclass
class LogEnd:
    """Where the read of a file ended, so that a later read can continue there.

    `position` is that of the next line. `can_continue` is whether a read from `offset` on gives
    what a read of the whole file would: not if the file is compressed or damaged, if its last line
    has no newline, or if the last lines may belong to another format.
    """

    path: str
    offset: int = 0
    position: Position = field(default_factory=Position)
    log_format: str | Format = AUTO
    can_continue: bool = False
    inode: tuple[int, int] = (0, 0)
    tail: bytes = b""

    def note(self, file: io.BufferedReader[Any], parsed_bytes: int, *, ends_line: bool) -> None:
        """Take the end of a file of which some bytes after `offset` were parsed."""
        stat, end = os.fstat(file.fileno()), file.tell()
        state = self.position.state
        is_plain = S_ISREG(stat.st_mode) and self.offset + parsed_bytes == end
        self.can_continue = is_plain and ends_line and state is not None and not state.leaned
        self.offset, self.inode = end, (stat.st_dev, stat.st_ino)
        if self.can_continue:
            start = max(end - TAIL_BYTES, 0)
            self.tail = os.pread(file.fileno(), end - start, start)

    def has_grown(self) -> bool:
        """Return whether this is still the same file, with new bytes after the end."""
        try:
            with Path(self.path).open("rb") as file:
                stat = os.fstat(file.fileno())
                if (stat.st_dev, stat.st_ino) != self.inode or stat.st_size <= self.offset:
                    return False
                start = self.offset - len(self.tail)
                return os.pread(file.fileno(), len(self.tail), start) == self.tail
        except OSError:
            return False


def find_files(paths: Sequence[str]) -> tuple[list[TrialFile], list[str]]:
    """Return the files in the order of `paths`, each once, and a message for each wrong path.

    The files of a directory are ordered by name; its subdirectories are skipped.
    """
    by_path: dict[str, TrialFile] = {}
    complaints = []
    for path in paths:
        try:
            files = _in_directory(path) if _is_directory(path) else [TrialFile(path)]
        except InputError as error:
            complaints.append(error.printed)
            continue
        for file in files:
            if not (file.is_from_directory and file.path in by_path):
                by_path[file.path] = file
    return [*by_path.values()], complaints


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
    """No line at the beginning of a file has a known format. Its last line may be a command."""

    @property
    def printed(self) -> str:
        """The message with the code after its first line, so that a command stays as it is."""
        first, newline, rest = str(self).partition("\n")
        return with_code(first, self.code) + newline + rest


class EmptyLog(InputError):
    """A file has no lines."""


def name_of(path: str) -> str:
    """Return the name of a path for messages."""
    return "stdin" if path == STDIN else path


def read_log(
    path: str,
    log_format: str | Format,
    progress: Callable[[int], None] = lambda _: None,
    add_format: Callable[[Detected], None] = lambda _: None,
    padding: Callable[[int], None] = lambda _: None,
    likely: str = "",
    small: Callable[[bytes], None] | None = None,
    longest: int = LONGEST_LINE_BYTES,
    offsets: Callable[[WrittenOffsets], None] = lambda _: None,
    end: LogEnd | None = None,
) -> Iterator[Parsed]:
    """Read and parse one log, block by block; with an `end`, from there on, and move it.

    The functions are called with: `progress` the number of bytes of the file read so far;
    `add_format` the detected format, with which the file begins if `log_format` is `auto` (later
    changes of format are followed); `padding` the number of bytes left out at the start of the
    file, NULs or a byte-order mark; `small`, if given, the whole file if it is small, in place of
    its parsed lines. `likely` is the format to try first. Lines of more than `longest` bytes are
    rejects. `offsets` is called with the offsets from UTC of some lines.

    Raises InputError, with the file and what to do, if the file can't be read, or if it is damaged
    (after its readable lines). Raises EmptyLog if it is empty, and UnknownFormat if `log_format` is
    `auto` and no line has a known format.
    """
    lines, parsed_bytes, last, end = 0, 0, b"\n", end or LogEnd(path)
    is_continued, end.can_continue = end.offset > 0, False  # also if this read is interrupted
    with _open_log(path, end.offset) as raw:
        reader = Content(raw)
        log = _whole_lines(reader, padding, longest)
        sample = _first_lines(log, longest)
        if not sample and not is_continued:
            if reader.damage:
                raise UnreadableLog(_damage_message(name_of(path), reader.damage, lines))
            raise EmptyLog(f"{name_of(path)} is empty: name a log that has lines.")
        refuse_archive(name_of(path), sample)
        rest = next(log, b"")
        if small and not rest and not reader.damage and sample.endswith(b"\n"):
            small(sample)
            progress(_position(raw))
            return
        may_change = log_format == AUTO
        if may_change and is_continued:
            log_format = end.log_format
        elif may_change:
            detected = detect_format(name_of(path), sample, likely, longest)
            add_format(detected)
            log_format = detected.name
        end.log_format = log_format

        def note_blocks() -> Iterator[bytes]:
            nonlocal parsed_bytes, last
            for block in chain(filter(None, [sample, rest]), log):
                offsets(sample_offsets(block))
                parsed_bytes, last = parsed_bytes + len(block), block[-1:]
                yield block

        for parsed in parse_blocks(
            note_blocks(), log_format, may_change, BATCH_BYTES, longest, end.position
        ):
            lines += parsed.lines
            progress(_position(raw))
            yield parsed
        if raw.seekable():
            end.note(raw, parsed_bytes, ends_line=last == b"\n" and not reader.damage)
    if reader.damage:
        raise UnreadableLog(_damage_message(name_of(path), reader.damage, lines))


def text_blocks(path: str, longest: int) -> Iterator[bytes]:
    """Yield the whole lines of a log, uncompressed, in blocks; see `read_blocks`."""
    with _open_log(path) as raw:
        yield from _whole_lines(Content(raw), longest=longest)


@contextmanager
def _open_log(path: str, offset: int = 0) -> Iterator[io.BufferedReader[Any]]:
    if path == STDIN:
        stdin = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
        try:
            yield stdin
        finally:
            stdin.detach()  # otherwise garbage collection would close stdin
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115  the caller's block closes it
    except OSError as error:
        if isinstance(error, FileNotFoundError):
            message = f"{path} does not exist: check the name."
        elif isinstance(error, PermissionError):
            command = f"sudo cat {path} | clickstream try -"
            message = f"You do not have permission to read {path}: try `{command}`."
        else:
            message = f"{path} can't be read ({error.strerror}): check the name and the disk."
        raise UnreadableLog(message) from None
    with file:
        if offset:
            file.seek(offset)
        yield file


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


def detect_format(path: str, sample: bytes, likely: str, longest: int) -> Detected:
    """Return the format of a file. Raises UnknownFormat, which names the file and what to do."""
    try:
        return detect(sample, likely, longest)
    except InputError as error:
        if b"\0" in sample:
            raise UnknownFormat(
                f"{path} is not a text file (it contains NUL bytes): name access logs, plain or "
                "compressed with gzip, bzip2, xz or Zstandard."
            ) from None
        if isinstance(error, NoKnownFormat):
            lines = (f"{path}: {error.seen}", error.nearest, _command_for(path, error.log_format))
            raise UnknownFormat("\n".join(filter(None, lines))) from None
        raise UnknownFormat(f"{path}: {error}") from None


def _command_for(path: str, log_format: str) -> str:
    """Return the command to try: with a format or, of an error log, with access logs beside it."""
    if log_format:
        return f"Try: clickstream try {_argument(path)} --format {quote(log_format)}"
    directory = Path(path).parent
    has_access_log = any(directory.glob("*access*")) and path != name_of(STDIN)
    return f"Try: clickstream try {quote(str(directory))}" if has_access_log else ""


def _argument(name: str) -> str:
    """Return the argument of a shell command for the name of a log."""
    return STDIN if name == name_of(STDIN) else quote(name)


_UNPACKING = {
    "tar": "mkdir unpacked && tar -xf {path} -C unpacked",
    "zip": "unzip -d unpacked {path}",
    "7z": "7z x -ounpacked {path}",
}


def refuse_archive(path: str, sample: bytes) -> None:
    """Raise UnknownFormat, with the command that unpacks it, if a file is an archive."""
    if kind := archive_of(sample):
        command = _UNPACKING[kind].format(path=_argument(path))
        raise UnknownFormat(
            f"{path} is a {kind} archive of files, not a log: unpack it, and name the directory.\n"
            f"Try: {command} && clickstream try unpacked"
        )


def _position(raw: io.BufferedReader[Any]) -> int:
    return raw.tell() if raw.seekable() else 0


def _damage_message(path: str, damage: Exception, lines: int) -> str:
    whole = quantity(lines, "whole line")
    if isinstance(damage, OSError) and damage.errno:
        return f"{path} can't be read further ({damage.strerror}) after {whole}: check the disk."
    counted = f"after {whole}, which {'is' if lines == 1 else 'are'} counted"
    where = counted if lines else "before its first line ends"
    return f"{path} is cut off or damaged {where} ({damage}): copy or compress it again."
