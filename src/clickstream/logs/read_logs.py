"""Read any number of log files, as one log, into a tally of their parsed lines.

Neighbouring small files are parsed together: each call of the parser has a fixed cost of about 4
ms, the time for 1,600 lines, which a year of hourly files would pay 8,760 times.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Protocol

from rich.console import Console
from rich.text import Text

from clickstream.collect import is_named_access_log
from clickstream.core.errors import InputError, UnusableFormat
from clickstream.core.wording import quantity, shorten
from clickstream.logs.log_file import (
    EmptyLog,
    LogEnd,
    SmallFile,
    TrialFile,
    UnknownFormat,
    detect_format,
    find_files,
    name_of,
    progress_over,
    read_log,
)
from clickstream.logs.time_zone import WrittenOffsets, merge_offsets, sample_offsets
from clickstream.parse import Format, parse_blocks, parse_together
from clickstream.parse.detect import Detected, confirm_formats
from clickstream.parse.formats import FORMATS, is_format_string
from clickstream.parse.frames import Parsed
from clickstream.settings import AUTO, Settings
from clickstream.step_config import log_format_of

TOGETHER = 8 << 20
"""Number of bytes of small files that are parsed together."""


Source = tuple[tuple[str, int | None], ...]
"""Files that were parsed together, in order: the path and the number of lines of each.

A large file is alone, and its number is None.
"""


def source_of(files: Sequence[str | SmallFile]) -> Source:
    """Return the paths and numbers of lines of files, without their content."""
    return tuple(
        (file, None) if isinstance(file, str) else (file.name, file.lines) for file in files
    )


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
    """Collects small files until there are enough to parse, and adds them to the tally in order.

    Formats, padding and problems of the files are added to `result`.
    """

    def __init__(self, tally: LineTally, longest: int, result: Read) -> None:
        self._tally = tally
        self._longest = longest
        self._result = result
        self._files: list[SmallFile] = []
        self._bytes = 0

    def add(self, file: SmallFile) -> None:
        """Add a small file."""
        if self._files and _way(self._files[0]) != _way(file):
            self.flush()
        self._files.append(file)
        self._bytes += len(file.data)
        if self._bytes >= TOGETHER:
            self.flush()

    def flush(self) -> None:
        """Parse the collected files and add them to the tally."""
        files, self._files = self._files, []
        self._bytes = 0
        for _, group in groupby(self._detect(files), key=_way):
            self._parse([*group])

    def _detect(self, files: list[SmallFile]) -> Iterator[SmallFile]:
        """Yield the files with their formats, without those whose format is unknown."""
        formats: list[Detected | None] = [None] * len(files)
        is_first = True
        for position, file in enumerate(files):
            log_format, detected = file.log_format, formats[position]
            if log_format == AUTO:
                try:
                    detected = detected or detect_format(
                        file.name, file.data, self._result.last_format, self._longest
                    )
                except UnknownFormat as error:
                    self._result.errors[file.file.path] = error
                    continue
                if is_first:
                    samples = [later.data for later in files[position + 1 :]]
                    formats[position + 1 :] = confirm_formats(samples, detected.name, self._longest)
                    is_first = False
                self._result.formats.append(detected)
                log_format = detected.name
            self._result.padding.append(file.padding)
            self._result.add_offsets(sample_offsets(file.data))
            yield replace(file, log_format=log_format)

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
    errors: dict[str, InputError] = field(default_factory=dict)
    offsets: WrittenOffsets = field(default_factory=dict)
    end: LogEnd | None = None

    def add_offsets(self, more: WrittenOffsets) -> None:
        """Add the offsets of more lines."""
        self.offsets = merge_offsets((self.offsets, more))

    def add_unreadable(self, file: TrialFile, error: InputError) -> None:
        """Set an unknown file of a directory aside, skip an empty one, or refuse the file."""
        name = Path(file.path).name
        is_unknown = isinstance(error, UnknownFormat) and not is_named_access_log(file.path)
        if file.is_from_directory and isinstance(error, EmptyLog):
            return
        if file.is_from_directory and is_unknown:
            self.set_aside.append(name)
            return
        self.refused.append(name)
        self.complaints.append(error.printed)

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
        first = next(e for e in result.errors.values() if isinstance(e, UnknownFormat))
        result.complaints += ["None of the files is an access log: name one.", first.printed]
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
    if log_format not in names and not is_format_string(log_format):
        sentence = (
            f"There is no log format {log_format!r}: use one of {', '.join(names)}, or the format "
            "string of your server in single quotes, such as '%h %l %u %t \"%r\" %>s %b'."
        )
        return Read(complaints=[UnusableFormat(sentence).printed])
    chosen = log_format_of(settings, log_format)
    longest = settings.clean.longest_line_bytes
    small = SmallFiles(tally, longest, result)
    newest = _newest([file.path for file in files])
    result.end = LogEnd(newest) if newest else None
    with progress_over([file.path for file in files], errors) as report:
        for file in files:
            if _is_named_pipe(file.path):
                sentence = f"Waiting for the lines of {file.path}, a named pipe. Ctrl-C stops."
                errors.print(Text(sentence), soft_wrap=True)
            progress = partial(report, file.path)
            try:
                _read_file(tally, file, chosen, progress, small, result, longest)
            except InputError as error:
                result.errors[file.path] = error
        small.flush()
    for file in files:
        if unreadable := result.errors.get(file.path):
            result.add_unreadable(file, unreadable)
    return result


def _is_named_pipe(path: str) -> bool:
    """Return whether a file is a pipe that may have no writer yet, unlike `<(command)` of a shell.

    Opening it waits for a writer.
    """
    with suppress(OSError):  # reading the file reports the reason
        return Path(path).is_fifo() and not path.startswith(("/dev/", "/proc/"))
    return False


def _newest(paths: Sequence[str]) -> str:
    """Return the path of the file that was written last; empty if none exists."""
    times = {}
    for path in paths:
        with suppress(OSError):
            times[path] = Path(path).stat().st_mtime_ns
    return max(times, key=times.__getitem__, default="")


def _read_file(
    tally: LineTally,
    file: TrialFile,
    log_format: str | Format,
    progress: Callable[[int], None],
    small: SmallFiles,
    result: Read,
    longest: int,
) -> None:
    """Add the lines of a file to the tally, or a small file to the small ones."""
    padding: list[int] = []
    has_lines = False

    def add_small(data: bytes) -> None:
        small.add(SmallFile(file, data, log_format, log_format == AUTO, sum(padding)))

    def add_format(detected: Detected) -> None:
        small.flush()
        result.formats.append(detected)

    # The newest file may be read on later, so it is not parsed together with others.
    end = result.end if result.end and result.end.path == file.path else None
    try:
        for parsed in read_log(
            file.path,
            log_format,
            progress,
            add_format,
            padding=padding.append,
            likely=result.last_format,
            small=None if end else add_small,
            longest=longest,
            offsets=result.add_offsets,
            end=end,
        ):
            small.flush()
            tally.add(parsed, name_of(file.path))
            has_lines |= parsed.lines > 0
    finally:
        if has_lines:
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
