"""Raw lines by event hour, and the marks that say which hours wait to be built.

`raw/HOUR/HOST-FINGERPRINT-START-END.FORMAT.gz` holds the lines of one pulled range that belong to
one hour, in file order, and before them the header that a format such as W3C needs to read them;
so each object can be parsed by itself. The same range gives the same keys and the same bytes.
`pending/HOUR/…` has a mark of the same name until an hour that includes the object is published.
A mark is written after its object and before the bookmark moves, so no crash can lose an hour.
"""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

from isal import igzip

from clickstream.hours import Hour, by_day, hour_range
from clickstream.lake import objects
from clickstream.lake.client import Lake

RAW = "raw/"
PENDING = "pending/"


@dataclass(frozen=True)
class RawRange:
    """A range of one file's bytes, pulled from one host."""

    host: str
    fingerprint: str
    start: int
    end: int
    log_format: str

    @property
    def name(self) -> str:
        """The last part of its objects' keys."""
        span = f"{self.start:014d}-{self.end:014d}"
        return f"{self.host}-{self.fingerprint}-{span}.{self.log_format}.gz"


@dataclass(frozen=True)
class RawObject:
    """One raw object of an hour."""

    key: str
    size: int

    @property
    def log_format(self) -> str:
        """The format of its lines, which its key tells."""
        return self.key.rsplit(".", 2)[1]


def store(lake: Lake, hour: Hour, span: RawRange, lines: bytes) -> None:
    """Keep a range's lines of one hour, and mark the hour as waiting."""
    body = gzip.compress(lines, compresslevel=6, mtime=0)
    objects.put(lake, f"{RAW}{hour}/{span.name}", body)
    objects.put(lake, f"{PENDING}{hour}/{span.name}", b"")


def list_raw(lake: Lake, hour: Hour) -> list[RawObject]:
    """The raw objects of an hour, in key order."""
    return [RawObject(key, size) for key, size in objects.listing(lake, f"{RAW}{hour}/")]


def list_range(lake: Lake, first: Hour, last: Hour) -> dict[Hour, list[RawObject]]:
    """The raw objects of every hour from `first` to `last`, a day's with one request."""
    found: dict[Hour, list[RawObject]] = {hour: [] for hour in hour_range(first, last)}
    for day, _ in by_day(first, last):
        for key, size in objects.listing(lake, f"{RAW}{day.event_date}T"):
            hour = Hour.parse(key.split("/")[1])
            if hour in found:
                found[hour].append(RawObject(key, size))
    return found


def read(lake: Lake, raw: RawObject) -> bytes:
    """The lines of a raw object."""
    stored = objects.get(lake, raw.key)
    if stored is None:
        raise FileNotFoundError(f"{lake.uri(raw.key)} was listed and is gone; was it deleted?")
    lines: bytes = igzip.decompress(stored.body)
    return lines


def raw_digest(raws: Iterable[RawObject]) -> str:
    """Digest of a set of raw objects, by their keys and sizes."""
    text = "".join(f"{raw.key} {raw.size}\n" for raw in raws)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def pending_hours(lake: Lake) -> list[Hour]:
    """The hours with raw objects that no published hour includes yet, in order."""
    keys = (key for key, _ in objects.listing(lake, PENDING))
    return [Hour.parse(hour) for hour in sorted({key.split("/")[1] for key in keys})]


def clear_pending(lake: Lake, raws: Iterable[str]) -> None:
    """Take away the marks of raw objects (by key) that a published hour includes."""
    objects.delete(lake, [PENDING + key.removeprefix(RAW) for key in raws])
