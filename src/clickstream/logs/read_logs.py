"""Read any number of log files, as one log, into a tally of their parsed lines.

Neighbouring small files are parsed together: each call of the parser has a fixed cost of about 4
ms, the time for 1,600 lines, which a year of hourly files would pay 8,760 times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from clickstream.collect import is_named_access_log
from clickstream.errors import InputError, UnusableFormat
from clickstream.logs.reading import (
    EmptyLog,
    LogEnd,
    SmallFile,
    TrialFile,
    UnknownFormat,
    find_files,
    name_of,
    progress_over,
    read_log,
)
from clickstream.logs.time_zone import WrittenOffsets, merge_offsets
from clickstream.parse import Format, parse_blocks, parse_together
from clickstream.parse.detect import Detected
from clickstream.parse.frames import Parsed
from clickstream.parse.registry import FORMATS
from clickstream.settings import AUTO, Settings
from clickstream.step_config import log_format_of
from clickstream.wording import quantity, shorten

TOGETHER = 8 << 20
"""Number of bytes of small files that are parsed together."""


Source = tuple[tuple[str, int | None], ...]
"""Files that were parsed together, in order: the path and the number of lines of each.

A large file is alone, and its number is None.
"""


def source_of(files: Sequence[str | SmallFile]) -> Source:
    """Return the paths and numbers of lines of files, without their content."""
    return tuple((one, None) if isinstance(one, str) else (one.name, one.lines) for one in files)


def place_of_line(line_number: int, source: Source) -> tuple[str, int]:
    """Return the path of the file that contains a line, and the line's number in it."""
    for path, lines in source:
        if lines is None or line_number <= lines:
            return path, line_number
        line_number -= lines
    raise ValueError(f"Line {line_number} is beyond the last file.")


class LineTally(Protocol):
    """What takes parsed lines: it counts its lines, and those that were parsed."""

    lines: int
    parsed: int

    def add(self, parsed: Parsed, *files: str | SmallFile) -> object:
        """Add parsed lines of one file, given by its path, or of small files parsed together."""


class SmallFiles:
    """Collects small files until there are enough to parse, and adds them to the tally in order."""

    def __init__(self, tally: LineTally, longest: int) -> None:
        self._tally = tally
        self._longest = longest
        self._files: list[SmallFile] = []
        self._bytes = 0
        self.taken = 0
        """Number of calls that added lines."""

    def add(self, file: SmallFile) -> None:
        """Add a small file."""
        if self._files and _way(self._files[0]) != _way(file):
            self.flush()
        self._files.append(file)
        self._bytes += len(file.data)
        self.taken += 1
        if self._bytes >= TOGETHER:
            self.flush()

    def add_parsed(self, parsed: Parsed, name: str) -> None:
        """Add parsed lines of a large file to the tally, after the collected files."""
        self.flush()
        self._tally.add(parsed, name)
        self.taken += parsed.lines > 0

    def flush(self) -> None:
        """Parse the collected files and add them to the tally."""
        files, self._files = self._files, []
        self._bytes = 0
        if files:
            self._parse(files)

    def _parse(self, files: list[SmallFile]) -> None:
        """Parse files of one format at once; in halves if the result might not be the same."""
        log_format, may_change = _way(files[0])
        if len(files) == 1:
            blocks = [files[0].data]
            for parsed in parse_blocks(blocks, log_format, may_change, longest=self._longest):
                self._tally.add(parsed, files[0].name)
            return
        texts = [file.data for file in files]
        together = parse_together(texts, log_format, may_change, self._longest)
        if together:
            self._tally.add(together, *files)
            return
        half = len(files) // 2
        self._parse(files[:half])
        self._parse(files[half:])


def _way(file: SmallFile) -> tuple[str | Format, bool]:
    return file.log_format, file.may_change


_NAMED = 5
"""Maximum number of files that one message names."""


@dataclass
class Read:
    """The results of reading: the files, the formats of those with lines, and problems.

    `files` are all files. `set_aside` are those that are not access logs, `refused` those that
    can't be read, or only in part. `padding` has the number of bytes left out at the start of each
    file with lines. `offsets` are those of some lines, and `end` is where the newest file ended.
    """

    files: list[str] = field(default_factory=list)
    padding: list[int] = field(default_factory=list)
    formats: list[Detected] = field(default_factory=list)
    set_aside: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    offsets: WrittenOffsets = field(default_factory=dict)
    end: LogEnd | None = None

    def add_offsets(self, more: WrittenOffsets) -> None:
        """Add the offsets of more lines."""
        self.offsets = merge_offsets((self.offsets, more))

    @property
    def described(self) -> str:
        """The name of a single file, or the number of files read, and those left out."""
        if len(self.files) == 1:
            return name_of(self.files[0])
        left_out = {"set aside": self.set_aside, "refused": self.refused}
        number = len(self.files) - sum(map(len, left_out.values()))
        groups = [
            f"{len(names):,} {group}: {shorten(names, _NAMED)}"
            for group, names in left_out.items()
            if names
        ]
        return "; ".join([quantity(number, "file"), *groups])

    @property
    def last_format(self) -> str:
        """The format that was detected last; "" if none was."""
        return self.formats[-1].name if self.formats else ""


def read_into(
    tally: LineTally, paths: Sequence[str], log_format: str, settings: Settings, errors: Console
) -> Read:
    """Add the lines of the logs to a tally, with a progress bar on `errors`; see `run_trial`."""
    files, complaints = find_files(paths)
    result = read_files(tally, files, log_format, settings, errors)
    result.complaints[:0] = complaints
    if tally.lines and not tally.parsed:
        result.complaints.append(
            f"None of {quantity(tally.lines, 'line')} could be parsed: look at the reasons, and "
            f"try another --format ({', '.join(FORMATS)})."
        )
    if result.set_aside and not tally.lines and not result.complaints:
        result.complaints.append("None of the files is an access log: name one.")
    return result


def print_problems(result: Read, errors: Console) -> int:
    """Print what was left out and what failed, and return the exit code: 1 if anything failed."""
    for note in _notes(result):
        errors.print(Text(note), soft_wrap=True)
    for complaint in result.complaints:
        errors.print(Text(complaint, "red"), soft_wrap=True)
    return 1 if result.complaints else 0


def read_files(
    tally: LineTally,
    files: Sequence[TrialFile],
    log_format: str,
    settings: Settings,
    errors: Console,
) -> Read:
    """Add files to the tally, in their order."""
    result = Read([file.path for file in files])
    names = (AUTO, *FORMATS, *settings.formats)
    if log_format not in names:
        sentence = f"There is no log format {log_format!r}: use one of {', '.join(names)}."
        return Read(complaints=[UnusableFormat(sentence).printed])
    chosen = log_format_of(settings, log_format)
    longest = settings.clean.longest_line_bytes
    small = SmallFiles(tally, longest)
    newest = _newest([file.path for file in files])
    result.end = LogEnd(newest) if newest else None
    with progress_over([file.path for file in files], errors) as report:
        for file in files:
            try:
                progress = partial(report, file.path)
                _read_file(file, chosen, progress, small, result, longest)
            except InputError as error:
                result.refused.append(Path(file.path).name)
                result.complaints.append(error.printed)
        small.flush()
    return result


def _newest(paths: Sequence[str]) -> str:
    """Return the path of the file that was written last; empty if none exists."""
    times = {}
    for path in paths:
        with suppress(OSError):
            times[path] = Path(path).stat().st_mtime_ns
    return max(times, key=times.__getitem__, default="")


def _read_file(
    file: TrialFile,
    log_format: str | Format,
    report: Callable[[int], None],
    small: SmallFiles,
    result: Read,
    longest: int,
) -> None:
    """Add a file to the tally. Raises InputError if it can't be read and is not set aside."""
    try:
        _read_lines(file.path, log_format, report, small, result, longest)
    except UnknownFormat:
        if not file.is_from_directory or is_named_access_log(file.path):
            raise
        result.set_aside.append(Path(file.path).name)
    except EmptyLog:
        if not file.is_from_directory:
            raise


def _read_lines(
    path: str,
    log_format: str | Format,
    report: Callable[[int], None],
    small: SmallFiles,
    result: Read,
    longest: int,
) -> None:
    before = small.taken
    padding: list[int] = []
    found, likely = result.formats.append, result.last_format
    # The newest file may be read on later, so it is not parsed together with others.
    end = result.end if result.end and result.end.path == path else None
    collect = None if end else small.add
    try:
        for parsed in read_log(
            *(path, log_format, report, found, padding.append, likely, collect, longest),
            offsets=result.add_offsets,
            end=end,
        ):
            small.add_parsed(parsed, name_of(path))
    finally:
        if small.taken > before:
            result.padding += padding


def _notes(result: Read) -> Iterator[str]:
    """Yield notes on what was left out without an error: set-aside files, and padding."""
    if names := result.set_aside:
        yield (
            f"{quantity(len(names), 'file')} set aside, because none of the first lines has a "
            f"known format: {shorten(names, _NAMED)}."
        )
    if padding := [number for number in result.padding if number]:
        yield (
            f"Left out {quantity(sum(padding), 'byte')} of NULs or a byte-order mark at the start "
            f"of {quantity(len(padding), 'file')}."
        )
