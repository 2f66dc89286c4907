"""Bookmarks: how far each file of each host has been pulled.

A bookmark moves in three steps. First, the pull writes the range that it is going to store, the
*intended range*, to the bookmark by compare-and-swap. Second, it stores the range's lines. Third,
it moves the bookmark past the range. If a file has the intended range of another pull, which
crashed or is still running, the other files are pulled first. Then the same range is pulled again:
it has the same keys and the same bytes. The bookmark has a digest of the intended range, so no
process stores other bytes under these keys.

In addition, `finished.json` lists a host's files that are pulled to their end, by identity. Most
files of a directory are old, and with this list they need not be opened again. A compressed file is
also identified by its trailer, so it is not fetched again after it was renamed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Annotated

from pydantic import Field

from clickstream.lake.client import Lake
from clickstream.lake.records import RecordStore


@dataclass(frozen=True)
class Bookmark:
    """The position in one file. `pending_end` is the end of the intended range, if there is one.

    The file's first line begins at `start`, after its padding. `name` is the name that the file had
    when a range of it was last intended. `pending_digest` is the digest of the bytes from `offset`
    to `pending_end`, intended at `intended_at` in Unix seconds; `tail` is that of the bytes just
    before `offset`. `checkpoints` are such digests at earlier offsets, ascending; they distinguish
    a shorter copy of the file from another file with the same beginning.

    `log_format` is the format at `offset`, and `header` the header that applies there, escaped. The
    last `leaned` lines before `offset` do not have this format, and the format `leaning` reads
    them; see `parse.Reading`. If `is_inside_line`, `offset` is inside a line whose beginning is
    already stored and counted.
    """

    host: str
    fingerprint: str
    log_format: str
    offset: int = 0
    pending_end: int | None = None
    tail: str = ""
    last_hour: str = ""
    header: str = ""
    leaning: str = ""
    leaned: int = 0
    start: int = 0
    name: str = ""
    pending_digest: str = ""
    intended_at: int = 0
    checkpoints: tuple[tuple[int, str], ...] = ()
    is_inside_line: bool = False
    etag: Annotated[str | None, Field(exclude=True)] = None

    @property
    def record_name(self) -> str:
        """The name of its record among the bookmarks."""
        return f"{self.host}/{self.fingerprint}"

    @property
    def is_at_start(self) -> bool:
        """Whether nothing of the file is pulled yet."""
        return self.offset == self.start

    def intend(
        self, end: int, digest: str, checkpoints: Iterable[tuple[int, str]] = (), name: str = ""
    ) -> Bookmark:
        """Return the bookmark with a range up to `end` intended, and the checkpoints within it."""
        inside = (pair for pair in checkpoints if self.offset < pair[0] <= end)
        return replace(
            self,
            pending_end=end,
            pending_digest=digest,
            intended_at=int(time.time()),
            name=name or self.name,
            checkpoints=(*self.checkpoints, *inside),
        )

    def move(self, tail: str, last_hour: str, is_inside_line: bool = False) -> Bookmark:
        """Return the bookmark moved past the range that was pulled."""
        assert self.pending_end is not None  # noqa: S101 - only an intended range is moved past
        return replace(
            self,
            offset=self.pending_end,
            pending_end=None,
            pending_digest="",
            intended_at=0,
            tail=tail,
            last_hour=last_hour,
            is_inside_line=is_inside_line,
        )


_BOOKMARKS = RecordStore("bookmarks/", Bookmark)


def load(lake: Lake, fresh: Bookmark) -> Bookmark:
    """Return the stored bookmark of `fresh`'s host and fingerprint, or `fresh` without one."""
    stored = _BOOKMARKS.read(lake, fresh.record_name)
    return replace(stored.value, etag=stored.etag) if stored else fresh


def save(lake: Lake, bookmark: Bookmark) -> Bookmark | None:
    """Store a bookmark; return None if another process changed it, so it must be loaded again."""
    etag = _BOOKMARKS.swap(lake, bookmark.record_name, bookmark, bookmark.etag)
    return replace(bookmark, etag=etag) if etag else None


def known_fingerprints(lake: Lake, host: str, limit: int) -> set[str] | None:
    """Return the fingerprints of all bookmarks of a host, by one listing; None for over `limit`."""
    names = islice(_BOOKMARKS.names(lake, f"{host}/"), limit + 1)
    fingerprints = {name.rpartition("/")[2] for name in names}
    return fingerprints if len(fingerprints) <= limit else None


@dataclass(frozen=True)
class FinishedFiles:
    """A host's files that are known to be pulled to their end, by identity.

    `trailers` has those that need not be opened again; compressed ones with their trailer
    (`collect.file_identity`), others with an empty text. `read_at` has those that may still change
    without a change of their identity, with the Unix time at which they were first read.
    """

    trailers: Mapping[str, str] = field(default_factory=dict)
    read_at: Mapping[str, int] = field(default_factory=dict)


_FINISHED_FILES = RecordStore("bookmarks/", FinishedFiles)


def finished_files(lake: Lake, host: str) -> FinishedFiles:
    """Return the finished files of a host."""
    stored = _FINISHED_FILES.read(lake, f"{host}/finished")
    return stored.value if stored else FinishedFiles()


def save_finished_files(lake: Lake, host: str, files: FinishedFiles) -> None:
    """Store the finished files; if two pulls store them at the same time, both lists are right."""
    _FINISHED_FILES.put(lake, f"{host}/finished", files)
