"""Raw lines by event hour, and the pending markers of hours that have unpublished lines.

`raw/HOUR/HOST-FINGERPRINT-START-END.FORMAT.gz` holds the lines of one pulled range that belong to
one hour, in file order, and before them the header that a format such as W3C needs; so each object
can be parsed alone. If a range begins inside a line, the rest of that line is an object of the
format `parse.CONTINUATION`, which counts as no line. The same range always gives the same keys and
bytes.

`pending/HOUR/…` has a marker of the same name until an hour that includes the object is published.
A marker is written after its object and before the bookmark moves, so no crash can lose an hour.
"""

from __future__ import annotations

import gzip
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from io import SEEK_END, BytesIO
from shutil import copyfileobj
from tempfile import SpooledTemporaryFile
from typing import IO

from isal import igzip
from isal.igzip_lib import IsalError
from more_itertools import longest_common_prefix

from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import objects
from clickstream.lake.client import Lake
from clickstream.lake.objects import Listed

RAW = "raw/"
PENDING = "pending/"
_MAX_RATIO = 1032
"""The highest compression ratio of DEFLATE: 258 bytes in 2 bits.

It limits the memory for a file whose stored length is damaged.
"""
_SALVAGED_AT_ONCE = 256
_IN_MEMORY = 4 << 20
"""Compressed bytes of an object that are held in memory; more go to a temporary file."""
_COPIED_AT_ONCE = 1 << 20


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
        """The last part of the keys of its objects."""
        span = f"{self.start:014d}-{self.end:014d}"
        return f"{self.host}-{self.fingerprint}-{span}.{self.log_format}.gz"


@dataclass(frozen=True)
class RawObject:
    """One raw object of an hour."""

    key: str
    size: int

    @property
    def host(self) -> str:
        """The host that it was pulled from, from its key."""
        return self.key.rpartition("/")[2].rsplit("-", 3)[0]

    @property
    def log_format(self) -> str:
        """The format of its lines, from its key."""
        return self.key.rsplit(".", 2)[1]


def store(lake: Lake, hour: Hour, span: RawRange, lines: bytes) -> None:
    """Store a range's lines of one hour, and a pending marker for them."""
    with SpooledTemporaryFile(_IN_MEMORY) as body:
        with gzip.GzipFile(fileobj=body, mode="wb", compresslevel=6, filename="", mtime=0) as file:
            copyfileobj(BytesIO(lines), file, _COPIED_AT_ONCE)
        body.seek(0)
        objects.put(lake, f"{RAW}{hour}/{span.name}", body)
    objects.put(lake, f"{PENDING}{hour}/{span.name}", b"")


def list_raw(lake: Lake, hour: Hour) -> list[RawObject]:
    """Return the raw objects of an hour, in key order."""
    return [RawObject(key, size) for key, size in objects.listing(lake, f"{RAW}{hour}/")]


def all_raw(lake: Lake) -> Iterator[RawObject]:
    """Yield every raw object in key order, which is the order of hours, page by page."""
    return (RawObject(key, size) for key, size in objects.listing(lake, RAW))


def arrivals(lake: Lake, first: Hour, last: Hour) -> dict[str, datetime]:
    """Return when each raw object of a range of hours was stored, by key; UTC without a zone."""
    listed = _list_hours(lake, RAW, first, last)
    return {item.key: item.modified_at.replace(tzinfo=None) for _, item in listed}


def raw_by_hour(
    lake: Lake, first: Hour | None = None, last: Hour | None = None
) -> dict[Hour, list[RawObject]]:
    """Return the raw objects of a range of hours, both ends included; None is an open end."""
    raws: dict[Hour, list[RawObject]] = defaultdict(list)
    for hour, item in _list_hours(lake, RAW, first, last):
        raws[hour].append(RawObject(item.key, item.size))
    return raws


def pending_by_hour(
    lake: Lake, first: Hour | None = None, last: Hour | None = None
) -> dict[Hour, list[str]]:
    """Return the keys of the raw objects with a pending marker, of a range of hours."""
    pending: dict[Hour, list[str]] = defaultdict(list)
    for hour, item in _list_hours(lake, PENDING, first, last):
        pending[hour].append(RAW + item.key.removeprefix(PENDING))
    return pending


def listed_by_hour(
    lake: Lake, first: Hour | None, last: Hour | None
) -> Iterator[tuple[Hour, Listed]]:
    """Yield the raw objects of a range of hours as S3 lists them, each with its hour, in order."""
    return _list_hours(lake, RAW, first, last)


def _list_hours(
    lake: Lake, prefix: str, first: Hour | None, last: Hour | None
) -> Iterator[tuple[Hour, Listed]]:
    """Yield the objects of a range of hours in order, each with its hour.

    The request has the common prefix of the hours, because S3 lists 1,000 keys per request.
    """
    after = f"{prefix}{first}" if first else ""
    begin = "".join(longest_common_prefix([str(first), str(last)])) if first and last else ""
    for item in objects.listed(lake, prefix + begin, after):
        hour = Hour.parse(item.key.split("/")[1])
        if last and hour > last:
            return
        yield hour, item


def read(lake: Lake, raw: RawObject) -> bytes:
    """Return the lines of a raw object. Raises DamagedObject if they can't all be read."""
    with SpooledTemporaryFile(_IN_MEMORY) as body:
        if not objects.fetch(lake, raw.key, body):
            raise FileNotFoundError(f"{lake.uri(raw.key)} was listed and is gone; was it deleted?")
        try:
            return _unpack(body)
        except (EOFError, OSError, IsalError):  # type: ignore[misc]  # its stub has an instance
            raise damaged(lake, raw.key, body) from None


def _unpack(body: IO[bytes]) -> bytes:
    """Return the bytes of a gzip file, read at once by the length at its end (RFC 1952, 2.3.1).

    The checksum is verified. Raises EOFError, OSError or IsalError for a damaged file.
    """
    size = body.seek(0, SEEK_END)
    body.seek(max(size - 4, 0))
    length = min(int.from_bytes(body.read(), "little"), _MAX_RATIO * size)
    body.seek(0)
    with igzip.open(body) as file:
        lines: bytes = file.read(length)
        more: bytes = file.read()  # the length is of the last member of concatenated files
    return lines + more


def damaged(lake: Lake, key: str, body: IO[bytes]) -> DamagedObject:
    """Return the error for a raw object whose bytes can't be read."""
    hour = key.split("/")[1]
    return DamagedObject(
        f"The stored bytes of {lake.uri(key)} are damaged; they hold raw lines of hour {hour}, "
        f"which can't be built. {_readable_lines(body):,} lines can still be unpacked; those after "
        "the damage may be wrong. Nothing is published from them. Restore the object under its "
        "key, from an earlier S3 version or a backup: its name has the host and the byte range of "
        "the log that its lines come from. "
        f"Then run: clickstream build {hour} {hour}"
    )


def _readable_lines(body: IO[bytes]) -> int:
    """Count the lines that a damaged gzip file unpacks to before its code becomes invalid.

    DEFLATE has no checksum, so lines after the damage may be among them.
    """
    reader, lines = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16), 0
    body.seek(0)
    with suppress(zlib.error):
        while piece := body.read(_SALVAGED_AT_ONCE):
            lines += reader.decompress(piece).count(b"\n")
    return lines


def raw_digest(raws: Iterable[RawObject]) -> str:
    """Return the digest of a set of raw objects, by their keys and sizes."""
    text = "".join(f"{raw.key} {raw.size}\n" for raw in raws)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def pending_hours(lake: Lake) -> list[Hour]:
    """Return the hours with raw objects that no published hour includes yet, in order."""
    return sorted(pending_by_hour(lake))


def pending_since(lake: Lake) -> dict[Hour, datetime]:
    """Return when the oldest raw object with a pending marker was stored, by hour (aware)."""
    oldest: dict[Hour, datetime] = {}
    for hour, item in _list_hours(lake, PENDING, None, None):
        oldest[hour] = min(item.modified_at, oldest.get(hour, item.modified_at))
    return oldest


def clear_pending(lake: Lake, raws: Iterable[str]) -> None:
    """Delete the pending markers of raw objects, given by key, that a published hour includes."""
    objects.delete(lake, [PENDING + key.removeprefix(RAW) for key in raws])
