"""Parse neighbouring small files together.

Each call of the parser has a fixed cost of about 4 ms, the time for 1,600 lines. Without this
module, a year of hourly files would pay it 8,760 times.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from clickstream.log_files.reading import SmallFile
from clickstream.parse import Format, parse_blocks, parse_together
from clickstream.parse.frames import Parsed

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
