"""Bookmarks: how far each file of each host has been pulled.

A bookmark moves in three steps: the range about to be pulled is written to it by compare-and-swap,
the range's lines are stored, and the bookmark moves past the range. A range left behind by a crash,
or being pulled by someone else, is left to the end and then simply pulled again: same names, same
bytes.

Beside a host's bookmarks lies a list of the files that are pulled to their end, by identity: most
files of a directory are old ones, and need not be opened to find that their bookmarks say so.
"""

from __future__ import annotations

import json
from collections.abc import Set
from dataclasses import asdict, dataclass, replace

from clickstream.lake import objects
from clickstream.lake.client import Lake


@dataclass(frozen=True)
class Bookmark:
    """Where one file stands. `pending_end` is set while a range is being pulled.

    `log_format` is the format at `offset`, and `header` the header in force there, escaped. The
    `leaned` lines before it were refused and have the format `leaning`, see `parse.Reading`.
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
    etag: str | None = None

    @property
    def key(self) -> str:
        """Its key in the lake."""
        return f"bookmarks/{self.host}/{self.fingerprint}.json"

    def intend(self, end: int) -> Bookmark:
        """The same, with a range up to `end` about to be pulled."""
        return replace(self, pending_end=end)

    def move(self, tail: str, last_hour: str) -> Bookmark:
        """The same, past the range that was pulled."""
        assert self.pending_end is not None  # noqa: S101 - only an intended range is moved past
        return replace(
            self, offset=self.pending_end, pending_end=None, tail=tail, last_hour=last_hour
        )


def load(lake: Lake, fresh: Bookmark) -> Bookmark:
    """The stored bookmark of `fresh`'s host and fingerprint, or `fresh` itself if there is none."""
    stored = objects.get(lake, fresh.key)
    if stored is None:
        return fresh
    return replace(Bookmark(**json.loads(stored.body)), etag=stored.etag)


def finished_files(lake: Lake, host: str) -> set[str]:
    """The identities of a host's files that are pulled to their end, as far as they are known."""
    stored = objects.get(lake, _finished_key(host))
    return set(json.loads(stored.body)) if stored else set()


def save_finished_files(lake: Lake, host: str, identities: Set[str]) -> None:
    """Store what `finished_files` finds; of two pulls at once, either's list is right."""
    objects.put(lake, _finished_key(host), json.dumps(sorted(identities)).encode())


def _finished_key(host: str) -> str:
    return f"bookmarks/{host}/finished.json"


def save(lake: Lake, bookmark: Bookmark) -> Bookmark | None:
    """Store it if nobody else has meanwhile; None when somebody has: load it again."""
    fields = asdict(bookmark)
    del fields["etag"]
    etag = objects.swap(lake, bookmark.key, json.dumps(fields).encode(), bookmark.etag)
    return replace(bookmark, etag=etag) if etag else None
