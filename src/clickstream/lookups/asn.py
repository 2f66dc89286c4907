"""Read the ASN database: the number of the autonomous system (AS) that operates a network.

There are two formats: the Arrow file that `make geoip` writes, whose ranges are searched in place,
and MaxMind's (`.mmdb`), as GeoLite2 ASN and DB-IP's IP to ASN Lite have it.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Protocol

import maxminddb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from clickstream.core.errors import UnusableAsnDatabase

Numbers = npt.NDArray[np.int64]

UNKNOWN = 0
"""The number for an address without a known system; RFC 7607 reserves it."""

ADDRESS_BYTES = 16
RANGES = pa.schema(
    [
        pa.field("first", pa.binary(ADDRESS_BYTES), nullable=False),
        pa.field("last", pa.binary(ADDRESS_BYTES), nullable=False),
        pa.field("asn", pa.uint32(), nullable=False),
    ]
)
"""Ranges of addresses in ascending order, without overlaps. IPv4 is IPv4-mapped IPv6."""

SOURCE, DATED = b"source", b"dated"
"""Metadata of the Arrow file: its source with version, and the date of the data (ISO 8601)."""

_IPV4_MAPPED = bytes(10) + b"\xff\xff"
_ADVICE = "`make geoip` downloads the free one, or set the path of another one."


class AsnDatabase(Protocol):
    """Numbers of autonomous systems by address.

    `dated` is the date of the data. `identity` names the database and its version: lookups in equal
    databases have equal results.
    """

    dated: date | None
    identity: str

    def numbers(self, addresses: Sequence[str | None]) -> Numbers:
        """Return the number of each address; UNKNOWN for an unknown one, a host name and None."""


class NoAsnDatabase:
    """The database if none is set: it knows no address."""

    dated: date | None = None
    identity = ""

    def numbers(self, addresses: Sequence[str | None]) -> Numbers:
        """Return UNKNOWN for each address."""
        return np.full(len(addresses), UNKNOWN, np.int64)


class AsnRanges:
    """A database of ranges, mapped into memory: processes share it, and read only what they use."""

    def __init__(self, ranges: pa.Table, source: str, dated: date) -> None:
        """Take the ranges, a table with the columns of RANGES."""
        first, last, asn = (ranges[name].combine_chunks() for name in RANGES.names)
        self._first, self._last = _as_bytes(first), _as_bytes(last)
        self._asn = asn.to_numpy()
        self.dated: date | None = dated
        self.identity = f"{source}, {dated}"

    @classmethod
    def open(cls, path: Path) -> AsnRanges:
        """Open the file. Raises UnusableAsnDatabase if it is damaged or another kind of file."""
        try:
            ranges = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            if not ranges.schema.equals(RANGES):
                raise pa.ArrowInvalid(f"its columns are {', '.join(ranges.schema.names)}")
            about = ranges.schema.metadata or {}
            return cls(ranges, about[SOURCE].decode(), date.fromisoformat(about[DATED].decode()))
        except (OSError, KeyError, ValueError) as error:
            raise UnusableAsnDatabase(
                f"{path} can't be read as an ASN database: {error}. {_ADVICE}"
            ) from None

    def numbers(self, addresses: Sequence[str | None]) -> Numbers:
        """Return the number of each address; UNKNOWN for an unknown one, a host name and None."""
        if not len(self._first):
            return np.full(len(addresses), UNKNOWN, np.int64)
        packed = np.frombuffer(b"".join(map(packed_address, addresses)), f"S{ADDRESS_BYTES}")
        network = np.searchsorted(self._first, packed, side="right") - 1
        is_within = (network >= 0) & (packed <= self._last[network])
        return np.where(is_within, self._asn[network], UNKNOWN).astype(np.int64)


class AsnRecords:
    """A database in MaxMind's format, which is read on demand."""

    def __init__(self, reader: maxminddb.Reader) -> None:
        self._reader = reader
        about = reader.metadata()
        self._has_ipv6 = about.ip_version == 6
        self.dated: date | None = datetime.fromtimestamp(about.build_epoch, UTC).date()
        self.identity = f"{about.database_type} {about.build_epoch}"

    @classmethod
    def open(cls, path: Path) -> AsnRecords:
        """Open the file. Raises UnusableAsnDatabase if it is damaged or has no numbers of AS."""
        try:
            reader = maxminddb.open_database(path)
        except (OSError, ValueError, maxminddb.InvalidDatabaseError) as error:
            raise UnusableAsnDatabase(
                f"{path} can't be read as an ASN database: {error}. {_ADVICE}"
            ) from None
        kind = reader.metadata().database_type
        if "asn" not in kind.lower():
            raise UnusableAsnDatabase(
                f"{path} is a {kind!r} database, which has no autonomous systems: set an ASN "
                "database."
            )
        return cls(reader)

    def numbers(self, addresses: Sequence[str | None]) -> Numbers:
        """Return the number of each address; UNKNOWN for an unknown one, a host name and None."""
        return np.fromiter(map(self._number, addresses), np.int64, len(addresses))

    def _number(self, address: str | None) -> int:
        if not address or (":" in address and not self._has_ipv6):
            return UNKNOWN
        try:
            record = self._reader.get(address)
        except ValueError:
            return UNKNOWN
        except maxminddb.InvalidDatabaseError as error:
            raise UnusableAsnDatabase(f"The ASN database is damaged: {error}. {_ADVICE}") from None
        number = record.get("autonomous_system_number") if isinstance(record, dict) else None
        return number if isinstance(number, int) else UNKNOWN


def open_asn_database(path: Path | None) -> AsnDatabase:
    """Open the database of a path; without a path, it knows no address.

    Raises UnusableAsnDatabase if the file is missing, damaged or not an ASN database.
    """
    if path is None:
        return NoAsnDatabase()
    if not path.is_file():
        raise UnusableAsnDatabase(f"There is no ASN database at {path}: {_ADVICE}")
    return AsnRecords.open(path) if path.suffix == ".mmdb" else AsnRanges.open(path)


def packed_address(address: str | None) -> bytes:
    """Return an address as the 16 bytes of an IPv6 address; zeros for any other text."""
    try:
        if address and ":" in address:
            return socket.inet_pton(socket.AF_INET6, address)
        return _IPV4_MAPPED + socket.inet_pton(socket.AF_INET, address or "")
    except (OSError, ValueError):
        return bytes(ADDRESS_BYTES)


def _as_bytes(values: pa.FixedSizeBinaryArray) -> npt.NDArray[np.bytes_]:
    """Return a view of the values; numpy compares them byte by byte."""
    content, start = values.buffers()[1], values.offset * ADDRESS_BYTES
    return np.frombuffer(content or b"", f"S{ADDRESS_BYTES}", len(values), start)
