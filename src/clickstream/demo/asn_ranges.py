"""Fetches a free ASN database, and writes it as the Arrow file that `lookups.asn` reads.

`make geoip` runs it. The npm package has a CSV file of ranges for IPv4 and one for IPv6, each with
the number of the autonomous system (AS) that operates the range.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
from pyarrow import csv

from clickstream.core.errors import ClickstreamError, InputError
from clickstream.demo.npm import fetch_files, newest_version
from clickstream.lookups import open_asn_database
from clickstream.lookups.asn import DATED, RANGES, SOURCE, packed_address

PACKAGE = "@ip-location-db/asn"
FILE, LICENCES = "asn.arrow", "ASN-LICENCES"
CSV_FILES = ("asn-ipv4.csv", "asn-ipv6.csv")
LICENCE_FILES = ("DBIP-LICENSE", "NRO_LICENSE", "ROUTEVIEWS-LICENSE")
_WELL_KNOWN = ("8.8.8.8", "2001:4860:4860::8888")
"""A public DNS resolver of Google, whose AS is in every full database."""
_GOOGLE = 15169

Range = tuple[bytes, bytes, int]
"""First and last address in 16 bytes, and the number of the AS."""


def fetch_asn(directory: Path) -> str:
    """Fetch the newest version into the directory, and return a sentence that says what was done.

    Raises InputError if npm is missing or fails, or if the package has no valid database.
    """
    version = newest_version(PACKAGE)
    source, dated = f"{PACKAGE} {version}", date_of(version)
    if _holds(directory / FILE, f"{source}, {dated}"):
        return f"{directory} already has the newest networks, version {version}."
    directory.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=directory, prefix=".fetching-") as temporary:
        fetched = Path(temporary)
        fetch_files(PACKAGE, version, (*CSV_FILES, *LICENCE_FILES), fetched)
        write_ranges(fetched / FILE, _ranges_of(fetched), source, dated)
        _check(fetched / FILE)
        licences = "\n\n".join((fetched / name).read_text() for name in LICENCE_FILES)
        (directory / LICENCES).write_text(licences, encoding="utf-8")
        (fetched / FILE).replace(directory / FILE)
    return f"Fetched the networks, version {version}, into {directory}."


def date_of(version: str) -> date:
    """Return the date in a version: 2.3.2026061719 is of 17 June 2026.

    Raises InputError for a version without a date.
    """
    match = re.search(r"\.(20\d{6})(\d\d)?$", version)
    try:
        return date.fromisoformat(match[1] if match else "")
    except ValueError:
        message = f"{PACKAGE} has changed: its version {version} has no date."
        raise InputError(message) from None


def write_ranges(path: Path, ranges: Iterable[Range], source: str, dated: date) -> None:
    """Write ranges in ascending order as an Arrow file, with their source and date."""
    first, last, asn = zip(*_cut_overlaps(ranges), strict=True)
    schema = RANGES.with_metadata({SOURCE: source, DATED: dated.isoformat()})
    table = pa.table([pa.array(first, RANGES.field("first").type), last, asn], schema=schema)
    with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, schema) as writer:
        writer.write_table(table.combine_chunks())


def _cut_overlaps(ranges: Iterable[Range]) -> Iterator[Range]:
    """Yield the ranges without overlaps, which the package has by mistake.

    Addresses in two ranges stay in the first one. Raises InputError if the ranges are not in
    ascending order.
    """
    first, last = b"", b""
    for begin, end, asn in ranges:
        if begin < first:
            raise InputError(f"{PACKAGE} is damaged: its ranges are not in ascending order.")
        first = begin
        if end > last:
            yield (max(begin, _next(last)) if last else begin), end, asn
            last = end


def _next(address: bytes) -> bytes:
    return (int.from_bytes(address, "big") + 1).to_bytes(len(address) + 1, "big")[1:]


def _ranges_of(directory: Path) -> Iterator[Range]:
    """Yield the ranges of both CSV files in ascending order: IPv4 is IPv4-mapped IPv6."""
    for name in CSV_FILES:
        first, last, asn = (column.to_pylist() for column in _read_csv(directory / name))
        yield from zip(map(packed_address, first), map(packed_address, last), asn, strict=True)


def _read_csv(file: Path) -> list[pa.ChunkedArray]:
    """Read the columns `first`, `last` and `asn`. Raises InputError if the file has no ranges."""
    types = {"first": pa.string(), "last": pa.string(), "asn": pa.uint32()}
    chosen = csv.ConvertOptions(column_types=types, include_columns=[*types])
    names = csv.ReadOptions(column_names=[*types, "name"])
    try:
        read = csv.read_csv(file, names, convert_options=chosen)
    except pa.ArrowInvalid as error:
        raise InputError(f"{PACKAGE} has changed: {file.name} has no ranges ({error}).") from None
    return [read[name] for name in types]


def _holds(file: Path, identity: str) -> bool:
    """Whether the file is a whole database with this identity."""
    try:
        _check(file)
        return open_asn_database(file).identity == identity
    except ClickstreamError:
        return False


def _check(file: Path) -> None:
    """Raise InputError or SettingsError unless the file is a readable, full database."""
    if (open_asn_database(file).numbers(_WELL_KNOWN) != _GOOGLE).any():
        raise InputError(f"{PACKAGE} is incomplete: it lacks {' or '.join(_WELL_KNOWN)}.")
