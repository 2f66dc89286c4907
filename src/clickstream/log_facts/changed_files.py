"""Compare log files with those that were read, and find the first date whose facts may differ."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from clickstream.log_facts.known_files import KnownFile
from clickstream.log_facts.lines_by_date import log_name
from clickstream.log_files.file_notes import FileIdentity, digests_of_ends
from clickstream.log_files.reading import TrialFile

DAY_SECONDS = 86_400


@dataclass(frozen=True)
class ComparedFile:
    """A file, and what is known of it: None if it is new, or has other content than before."""

    file: TrialFile
    known: KnownFile | None
    has_grown: bool = False

    def has_lines_from(self, day: int) -> bool:
        """Return whether the file may have lines of a date or of later ones."""
        return self.known is None or self.has_grown or max(self.known.days, default=-1) >= day


@dataclass(frozen=True)
class FileComparison:
    """The files in their order, and the dates that are affected by other files than new ones.

    Of a file that has grown, the date of its last line is affected, or all of a last batch without
    a newline: its last line may become another one.
    """

    files: Sequence[ComparedFile]
    affected: frozenset[int]


def compare_files(
    files: Sequence[TrialFile], known: Sequence[KnownFile], cut_date: int | None
) -> FileComparison | None:
    """Compare files with known ones; None if these can't be recognized, or have undated lines.

    A rotated file is recognized by its inode, a copy by its size and time, and both by the digests
    of their ends. `cut_date` is the date of which the first lines in the order of the files matter.
    """
    if any(one.lines and (one.identity is None or not one.is_dated) for one in known):
        return None
    candidates = _Candidates(known)
    compared = [candidates.compare(file) for file in files]
    places = {id(one): place for place, one in enumerate(known)}
    order = [
        (places[id(candidates.used[one.file.path])], one.known)
        for one in compared
        if one.known is not None
    ]
    affected = {
        *(min(one.days) for one in candidates.left() if one.days),
        *(day for one in compared if one.known and one.has_grown for day in _last(one.known)),
        *_reordered(order, cut_date),
    }
    return FileComparison(compared, frozenset(affected))


def _last(grown: KnownFile) -> Iterator[int]:
    if grown.days:
        yield max(grown.days)
        if not grown.ends_line:
            yield min(grown.batches[-1].count.days)


class _Candidates:
    """The known files that no file has been recognized as so far."""

    def __init__(self, known: Sequence[KnownFile]) -> None:
        self._known = known
        self.used: dict[str, KnownFile] = {}
        self._is_used: set[int] = set()
        self._by_inode: defaultdict[tuple[int, int], list[KnownFile]] = defaultdict(list)
        self._by_time: defaultdict[tuple[int, int], list[KnownFile]] = defaultdict(list)
        for one in known:
            if found := one.identity:
                self._by_inode[found.device, found.inode].append(one)
                self._by_time[found.size, found.modified_ns].append(one)

    def left(self) -> Iterator[KnownFile]:
        """Yield the known files that have vanished."""
        return (one for one in self._known if id(one) not in self._is_used)

    def compare(self, file: TrialFile) -> ComparedFile:
        """Recognize a file."""
        try:
            stat = Path(file.path).stat()
        except OSError:
            return ComparedFile(file, None)
        same = self._by_inode[stat.st_dev, stat.st_ino]
        copied = self._by_time[stat.st_size, stat.st_mtime_ns]
        for one in [*same, *copied]:
            if id(one) not in self._is_used and (found := _identity(file.path, stat, one)):
                self._is_used.add(id(one))
                self.used[file.path] = one
                has_grown = stat.st_size > found.size
                return ComparedFile(file, replace(one, path=file.path, identity=found), has_grown)
        return ComparedFile(file, None)


def _identity(path: str, stat: os.stat_result, known: KnownFile) -> FileIdentity | None:
    """Return the present identity of a known file at a path; None if this is another file.

    `size` remains that of what was read.
    """
    found = known.identity
    is_named = log_name(path) == log_name(known.path)
    if found is None or not is_named or (known.problem is not None and path != known.path):
        return None
    is_same_time = stat.st_mtime_ns == found.modified_ns
    if stat.st_size < found.size or (stat.st_size == found.size and not is_same_time):
        return None
    present = replace(
        found, device=stat.st_dev, inode=stat.st_ino, modified_ns=stat.st_mtime_ns
    )  # fmt: skip
    if path == known.path and present == found and stat.st_size == found.size:
        return found
    return present if _has_ends(path, found) else None


def _has_ends(path: str, known: FileIdentity) -> bool:
    try:
        with Path(path).open("rb") as file:
            return digests_of_ends(file.fileno(), known.size) == (known.head, known.tail)
    except OSError:
        return False


def _reordered(files: Sequence[tuple[int, KnownFile]], cut_date: int | None) -> Iterator[int]:
    """Yield the dates for which the order of files matters and has changed.

    `files` are in their present order, with their places in the former one. The order decides about
    requests of the same second, and which requests of the cut date are in a sample.
    """
    places = [place for place, _ in files]
    if places == sorted(places):
        return
    of_cut = [place for place, file in files if cut_date in file.days]
    if cut_date is not None and of_cut != sorted(of_cut):
        yield cut_date
    spans = [(*file.span, now, place) for now, (place, file) in enumerate(files) if file.span]
    open_spans: list[tuple[int, int, int, int]] = []
    for span in sorted(spans):
        open_spans = [one for one in open_spans if one[1] >= span[0]]
        if any((one[2] < span[2]) != (one[3] < span[3]) for one in open_spans):
            yield span[0] // DAY_SECONDS
        open_spans.append(span)
