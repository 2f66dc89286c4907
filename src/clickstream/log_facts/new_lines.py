"""Read only the lines of log files from the first date on whose facts may differ."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from clickstream.log_facts.changed_files import ComparedFile, compare_files
from clickstream.log_facts.known_files import KnownFile
from clickstream.log_facts.lines_by_date import LinesByDate
from clickstream.log_facts.log_memory import LogMemory, hours_of
from clickstream.log_facts.own_domain import cut_date
from clickstream.log_files.file_notes import BEGIN
from clickstream.log_files.read_logs import Read, read_files
from clickstream.log_files.reading import find_files, name_of
from clickstream.settings import Settings

FOREVER = 1 << 31
"""A day that no log reaches."""


@dataclass(frozen=True)
class NewLines:
    """The lines from the date `first` on (days since 1970-01-01), and all files in their order.

    If the sessions that continue on that date have not the digest `continued`, the facts of the
    date before have changed, too.
    """

    first: int
    continued: str | None
    lines: LinesByDate
    read: Read
    files: Sequence[KnownFile]


@dataclass(frozen=True)
class ReadOptions:
    """How files are read: the name of the format, the settings, and where progress is shown."""

    log_format: str
    settings: Settings
    console: Console


def read_new_lines(
    paths: Sequence[str], memory: LogMemory, options: ReadOptions, *, with_date_before: bool
) -> NewLines | None:
    """Read the lines from which the facts of changed files are computed.

    These begin with the first affected date, or with the date before if `with_date_before` is set
    or necessary. What is affected by new lines is known only when they are read, so they may be
    read twice. Returns None if all files have to be read.
    """
    files, complaints = find_files(paths)
    compared = compare_files(files, memory.files, cut_date(memory.samples))
    if compared is None or not memory.days:
        return None
    first = min(compared.affected, default=memory.days[-1] + 1)
    while True:
        continued = None if with_date_before else memory.continued_sessions(first)
        start = memory.day_before(first) if continued is None else first
        found = None if start is None else _read_from(start, continued, compared.files, options)
        if found is None:
            return None
        earlier = _affected(compared.files, found.files, first)
        with_date_before |= found.lines.days[:1] != [start]
        if not earlier and (continued is None or not with_date_before):
            found.read.complaints[:0] = complaints
            return found
        found.lines.close()
        first = min(earlier, default=first)


def read_dates(
    paths: Sequence[str], memory: LogMemory | None, days: Collection[int], options: ReadOptions
) -> LinesByDate:
    """Read the lines of some dates, from the files that may have them."""
    files, _ = find_files(paths)
    compared = compare_files(files, memory.files, None) if memory else None
    if memory is None or compared is None:
        lines = LinesByDate(options.settings.site.hosts)
        read_files(lines, files, options.log_format, options.settings, options.console)
        return lines
    chosen = [
        one
        for one in compared.files
        if one.known is None or one.has_grown or not one.known.days.keys().isdisjoint(days)
    ]
    lines, read = _read(chosen, min(days), frozenset(days), options)
    # The files may have grown since the last read.
    lines.hours_of_all = hours_of([*memory.files, *known_files(read, lines)])
    return lines


def _read_from(
    first: int, continued: str | None, files: Sequence[ComparedFile], options: ReadOptions
) -> NewLines | None:
    """Read the lines from a date on; None if a file has been replaced in the meantime."""
    chosen = [one for one in files if one.has_lines_from(first)]
    lines, read = _read(chosen, first, range(first, FOREVER), options)
    known = {one.path: one for one in known_files(read, lines)}
    found = {one.file.path: _known(one, first, known[one.file.path]) for one in chosen}
    if not all(found.values()):
        lines.close()
        return None
    present = [found.get(one.file.path) or one.known for one in files]
    all_files = [one for one in present if one is not None]
    lines.hours_of_all = hours_of(all_files)
    return NewLines(first, continued, lines, _with_old_problems(read, files, found), all_files)


def _read(
    files: Sequence[ComparedFile], first: int, days: Container[int], options: ReadOptions
) -> tuple[LinesByDate, Read]:
    """Read files from the first batch on that may have lines of a date or of later ones."""
    starts = {
        one.file.path: one.known.batches[one.known.batches_before(first)].start
        for one in files
        if one.known
    }
    hours = {path: start.hour for path, start in starts.items()}
    lines = LinesByDate(options.settings.site.hosts, days=days, hours_before=hours)
    chosen = [one.file for one in files]
    read = read_files(
        *(lines, chosen, options.log_format, options.settings, options.console), starts=starts
    )
    return lines, read


def _known(file: ComparedFile, first: int, found: KnownFile) -> KnownFile | None:
    """Return all that is known of a file that was read from a date on.

    Returns None if it is not the file that was compared, or if it can't be divided any more.
    """
    if file.known is None:
        return found
    skipped = file.known.batches[: file.known.batches_before(first)]
    before, now = file.known.identity, found.identity
    if not (before and now) or (before.device, before.inode) != (now.device, now.inode):
        return None
    if skipped and found.batches[0].start == BEGIN:
        return None
    return found.after(skipped)


def known_files(read: Read, lines: LinesByDate) -> list[KnownFile]:
    """Return what is known of the files that were read, in their order."""
    return [
        KnownFile.of(path, notes, lines.counts[name_of(path)], read.problems.get(path))
        for path, notes in read.notes.items()
    ]


def _affected(before: Sequence[ComparedFile], now: Sequence[KnownFile], first: int) -> set[int]:
    """Return the dates before `first` of which a file has another number of lines than before."""
    found = set()
    for one, known in zip(before, now, strict=True):
        old, new = one.known.days if one.known else Counter[int](), known.days
        found |= {day for day in old.keys() | new.keys() if day < first and old[day] != new[day]}
    return found


def _with_old_problems(read: Read, files: Sequence[ComparedFile], found: Container[str]) -> Read:
    """Return the result with the problems of files that were not read again."""
    for one in files:
        if one.file.path in found or one.known is None or one.known.problem is None:
            continue
        name, problem = Path(one.file.path).name, one.known.problem
        (read.refused if problem else read.set_aside).append(name)
        read.complaints += filter(None, [problem])
    read.files = [one.file.path for one in files]
    return read
