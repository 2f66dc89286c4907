"""The files that `clickstream try` reads: those named, and those of the directories named."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from clickstream.collect import DirectorySource
from clickstream.errors import InputError
from clickstream.parse import Format, count_lines


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
            complaints.append(str(error))
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
