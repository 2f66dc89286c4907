"""A progress bar over the bytes of all files, on stderr, and only where somebody watches it.

The files that `clickstream try` reads: those named, and those of the directories named.

Log files as blocks of whole lines: plain or compressed, from disk or from stdin (`-`).

A file that breaks off does not take away what came before the break: its whole lines are handed
out first, the error follows.
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
from clickstream.parse import (
    LONGEST_LINE_BYTES,
    Detected,
    Format,
    Parsed,
    count_lines,
    detect,
    is_nothing_else,
    parse_blocks,
    read_blocks,
)
from clickstream.settings import AUTO
from clickstream.wording import quantity

WORTH_IT = 20_000_000  # bytes; less is read before a bar could be looked at


@contextmanager
def progress_over(files: Sequence[str], console: Console) -> Iterator[Callable[[str, int], None]]:
    """Show a bar while the block runs; it is handed a function of a file and its bytes read."""
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
    """The file's size; 0 where there is no telling, as with a pipe or stdin."""
    try:
        return Path(path).stat().st_size
    except OSError:
        return 0


@dataclass(frozen=True)
class TrialFile:
    """A file to read, or `-` for stdin, and whether it was found in a directory or named itself."""

    path: str
    is_from_directory: bool = False


@dataclass(frozen=True)
class SmallFile:
    """The whole lines of a file, each with its newline, and how they are read."""

    name: str
    data: bytes
    log_format: str | Format
    may_change: bool

    @cached_property
    def lines(self) -> int:
        """How many lines it has."""
        return count_lines(self.data)


def find_files(paths: Sequence[str]) -> tuple[list[TrialFile], list[str]]:
    """The files in the order of their paths, each once, and a sentence for each useless path.

    The files of a directory are ordered by name, and its subdirectories are left out.
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
    except OSError:  # reading it reports why
        return False


def _in_directory(path: str) -> list[TrialFile]:
    files = DirectorySource(Path(path), "*").list()
    if not files:
        raise InputError(f"{path} holds no files: name a directory of access logs, or a log.")
    return [TrialFile(str(Path(path) / file.name), is_from_directory=True) for file in files]


STDIN = "-"
READ_SIZE = 1 << 20
SAMPLE_SIZE = 1 << 18
BATCH_BYTES = 8 << 20  # text parsed at once: 32 MiB take 130 MB more


class UnknownFormat(UnknownLogFormat):
    """None of the first lines of a file has a known format."""


class EmptyLog(InputError):
    """A file holds no line."""


def name_of(path: str) -> str:
    """What a path is called in messages."""
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
) -> Iterator[Parsed]:
    """Read and parse one log, block by block.

    `progress` is told how many bytes of the file have been read so far, `found` the format that
    `auto` begins with: where the lines change theirs, it goes along. `padding` gets the number of
    bytes left out at the head of the file: NULs or a byte-order mark. `likely` is the format to try
    first. `small`, if given, gets the file in place of its parsed lines if it is a small one. Lines
    of more than `longest` bytes are rejects.
    Raises InputError, naming the file and what to do, when the file can't be read or is damaged
    (after its readable lines); EmptyLog when it is empty; with the format `auto`, UnknownFormat
    when its lines are in no known format.
    """
    lines = 0
    with _opened(path) as raw:
        reader = Content(raw)
        log = _whole_lines(reader, padding, longest)
        sample = _first_lines(log, longest)
        if not sample:
            if reader.damage:
                raise UnreadableLog(_damaged(name_of(path), reader.damage, lines))
            raise EmptyLog(f"{name_of(path)} is empty: name a log that holds lines.")
        may_change = log_format == AUTO
        if may_change:
            detected = _detected(name_of(path), sample, likely, longest)
            found(detected)
            log_format = detected.name
        rest = next(log, b"")
        is_whole = not rest and not reader.damage and sample.endswith(b"\n")
        if small and is_whole:
            small(SmallFile(name_of(path), sample, log_format, may_change))
            progress(_position(raw))
            sample = b""
        blocks_of_log = chain(filter(None, [sample, rest]), log)
        for parsed in parse_blocks(blocks_of_log, log_format, may_change, BATCH_BYTES, longest):
            lines += parsed.lines
            progress(_position(raw))
            yield parsed
    if reader.damage:
        raise UnreadableLog(_damaged(name_of(path), reader.damage, lines))


def text_blocks(path: str, longest: int) -> Iterator[bytes]:
    """The whole lines of a log, uncompressed, block after block; see `read_blocks`."""
    with _opened(path) as raw:
        yield from _whole_lines(Content(raw), longest=longest)


@contextmanager
def _opened(path: str) -> Iterator[io.BufferedReader[Any]]:
    if path == STDIN:
        stdin = io.BufferedReader(cast(io.RawIOBase, sys.stdin.buffer))
        try:
            yield stdin
        finally:
            stdin.detach()  # else it would close stdin when it is collected
        return
    with _open(path) as file:
        yield file


def _open(path: str) -> io.BufferedReader:
    try:
        return Path(path).open("rb")
    except OSError as error:
        raise UnreadableLog(_unreadable(path, error)) from None


def _first_lines(log: Iterator[bytes], longest: int) -> bytes:
    """The first block of lines, and those up to the first line that is not too long."""
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
    """Blocks of lines; the line that the damage cut is left out, for half a line can mislead."""
    content = WithoutPadding(reader)
    stream = io.BufferedReader(content, READ_SIZE)
    stream.peek(1)
    padding(content.padding)
    for block in read_blocks(stream, longest=longest):
        whole = block[: block.rfind(b"\n") + 1] if reader.damage else block
        if whole:
            yield whole


def _detected(path: str, sample: bytes, likely: str, longest: int) -> Detected:
    try:
        return detect(sample, likely, longest)
    except InputError as error:
        if b"\0" in sample:
            raise UnknownFormat(
                f"{path} is not a text file (it holds zero bytes): name access logs, plain or "
                "compressed with gzip, bzip2, xz or Zstandard."
            ) from None
        raise UnknownFormat(f"{path}: {error}") from None


def _position(raw: io.BufferedReader[Any]) -> int:
    return raw.tell() if raw.seekable() else 0


def _unreadable(path: str, error: OSError) -> str:
    if isinstance(error, FileNotFoundError):
        return f"{path} does not exist: check the name."
    if isinstance(error, PermissionError):
        return f"{path} may not be read by you: try `sudo cat {path} | clickstream try -`."
    return f"{path} can't be read ({error.strerror}): check the name and the disk."


def _damaged(path: str, damage: Exception, lines: int) -> str:
    whole = quantity(lines, "whole line")
    if isinstance(damage, OSError) and damage.errno:
        return f"{path} can't be read on ({damage.strerror}) after {whole}: check the disk."
    counted = f"after {whole}, which {'is' if lines == 1 else 'are'} counted"
    where = counted if lines else "before its first line ends"
    return f"{path} is cut off or damaged {where} ({damage}): copy or compress it again."
