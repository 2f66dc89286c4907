"""Bookmarks: how far each file of each host has been pulled.

A bookmark moves in three steps: the range about to be pulled is written to it by compare-and-swap,
the range's lines are stored, and the bookmark moves past the range. A range left behind by a crash,
or being pulled by someone else, is left to the end and then simply pulled again: same names, same
bytes. The intent holds a digest of the range, so nobody stores other bytes under these names.

Beside a host's bookmarks lies a list of the files that are pulled to their end, by identity: most
files of a directory are old ones, and need not be opened to find that their bookmarks say so. A
compressed file is also known by its trailer, so that one that was renamed is not fetched again.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from itertools import islice

from clickstream.lake import objects
from clickstream.lake.client import Lake


@dataclass(frozen=True)
class Bookmark:
    """Where one file stands. `pending_end` is set while a range is being pulled.

    The file's first line begins at `start`, behind its padding. `name` is the name that the file
    had when a range of it was intended last. `pending_digest` is the digest of
    the bytes from `offset` to `pending_end`, intended at `intended_at` in Unix seconds; `tail` is
    that of the bytes just before `offset`.
    `checkpoints` are such digests at other offsets up to there, rising; they tell a shorter copy of
    the file from another file that begins alike. Bookmarks of earlier versions lack some of these.

    `log_format` is the format at `offset`, and `header` the header in force there, escaped. The
    `leaned` lines before it were refused and have the format `leaning`, see `parse.Reading`. Where
    `offset` `is_inside_line`, the line's beginning is stored, and counted, already.
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
    etag: str | None = None

    @property
    def key(self) -> str:
        """Its key in the lake."""
        return f"bookmarks/{self.host}/{self.fingerprint}.json"

    @property
    def is_at_start(self) -> bool:
        """Whether nothing of the file is pulled yet."""
        return self.offset == self.start

    def intend(
        self, end: int, digest: str, checkpoints: Iterable[tuple[int, str]] = (), name: str = ""
    ) -> Bookmark:
        """The same, with a range up to `end` about to be pulled, and the checkpoints within it."""
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
        """The same, past the range that was pulled."""
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


def load(lake: Lake, fresh: Bookmark) -> Bookmark:
    """The stored bookmark of `fresh`'s host and fingerprint, or `fresh` itself if there is none."""
    stored = objects.get(lake, fresh.key)
    if stored is None:
        return fresh
    known = Bookmark(**json.loads(stored.body))
    pairs = tuple((int(at), str(digest)) for at, digest in known.checkpoints)
    return replace(known, checkpoints=pairs, etag=stored.etag)


def known_fingerprints(lake: Lake, host: str, limit: int) -> set[str] | None:
    """The fingerprints of all bookmarks of a host, by one listing; None if it has over `limit`."""
    keys = (key for key, _ in objects.listing(lake, f"bookmarks/{host}/"))
    found = {key.rpartition("/")[2].removesuffix(".json") for key in islice(keys, limit + 1)}
    return found if len(found) <= limit else None


@dataclass(frozen=True)
class FinishedFiles:
    """A host's files that are pulled to their end, by identity, as far as they are known.

    `trailers` has those that need not be opened again; compressed ones with their trailer
    (`collect.trailer`), others with none. `read_at` has those that may still change without a
    change of their identity, with the Unix time at which they were first read.
    """

    trailers: Mapping[str, str] = field(default_factory=dict)
    read_at: Mapping[str, int] = field(default_factory=dict)


def finished_files(lake: Lake, host: str) -> FinishedFiles:
    """Return what is known of a host's files. Earlier versions stored a list of identities."""
    stored = objects.get(lake, _finished_key(host))
    found = json.loads(stored.body) if stored else {}
    if isinstance(found, list):
        return FinishedFiles(dict.fromkeys(found, ""))
    return FinishedFiles(**found)


def save_finished_files(lake: Lake, host: str, files: FinishedFiles) -> None:
    """Store what `finished_files` finds; of two pulls at once, either's list is right."""
    body = json.dumps(asdict(files), sort_keys=True).encode()
    objects.put(lake, _finished_key(host), body)


def _finished_key(host: str) -> str:
    return f"bookmarks/{host}/finished.json"


def save(lake: Lake, bookmark: Bookmark) -> Bookmark | None:
    """Store it if nobody else has meanwhile; None when somebody has: load it again."""
    fields = asdict(bookmark)
    del fields["etag"]
    etag = objects.swap(lake, bookmark.key, json.dumps(fields).encode(), bookmark.etag)
    return replace(bookmark, etag=etag) if etag else None
