"""Parsed lines of any number of files by UTC date, in memory or, if there are many, on disk.

Files may overlap in time, so all lines of a date are known only when all files are read.
"""

from __future__ import annotations

import re
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream.clean.hosts import requests_of_site
from clickstream.core import dictionary_encoding
from clickstream.core.dictionary_encoding import TEXT
from clickstream.logs.log_file import SmallFile
from clickstream.logs.read_logs import Source, source_of
from clickstream.parse.frames import Parsed

VISITOR_KEY = b"clickstream trial"
"""The secret of visitor keys. It is fixed: the ids only distinguish visitors and are not stored."""

MOST_BYTES = 32 << 20
"""Bytes of parsed lines in memory, at most; then those of all dates are written to disk."""

_HOUR, HOURS_OF_A_DAY = 3_600, 24
_COMPRESSED = re.compile(r"\.(gz|bz2|xz|zst)$")
_NUMBERS = re.compile(r"[-._]?\d+(?:[-._]\d+)*")

Numbers = NDArray[np.int64]
HourOfLog = tuple[str, int]
"""The name of a log, and the number of an hour."""


@dataclass(frozen=True)
class Piece:
    """Lines of one source and one date, in the order of the source.

    `source` is its number. `requests` are the parsed requests to the site, and `rejects` the
    refused lines with their `hour`, a number. `lines` counts all lines, and `other_hosts` the
    requests to hosts of other sites.
    """

    source: int
    requests: pa.Table
    rejects: pa.Table
    lines: Counter[HourOfLog]
    other_hosts: Counter[int]


def date_of(day: int) -> date:
    """Return the date of a number of days since 1970-01-01."""
    return date(1970, 1, 1) + timedelta(days=day)


def log_name(path: str) -> str:
    """Return the name that rotated files share: `access.log` of `access.log.2.gz`."""
    name = _COMPRESSED.sub("", Path(path).name)
    without = _NUMBERS.sub("", name)
    return name if without.startswith(".") or not without else without


SOURCES_OF_A_FILE = 1 << 20
"""Limit of the sources of a file; the number of a source begins with the place of its file."""


class LinesByDate:
    """Takes the parsed lines of files, and returns the pieces of each date.

    Files are in the order in which they are first added, and so are their lines, also of a file
    that has grown. Requests to other hosts than `hosts` are counted and left out. `sources` has the
    files of each source, by its number.
    """

    def __init__(self, hosts: Sequence[str] = (), most_bytes: int = MOST_BYTES) -> None:
        self.lines = self.parsed = 0
        self.sources: dict[int, Source] = {}
        self._hosts, self._most_bytes = hosts, most_bytes
        self._places: dict[str, int] = {}
        self._pieces: defaultdict[int, list[Piece | _OnDisk]] = defaultdict(list)
        self._in_memory = 0
        self._last_hours: dict[str, int] = {}
        self._directory: TemporaryDirectory[str] | None = None

    def add(self, parsed: Parsed, *files: str | SmallFile) -> list[int]:
        """Add parsed lines of one file, given by its path, or of small files parsed together.

        Returns the dates of the lines, as days since 1970-01-01.
        """
        self.lines += parsed.lines
        self.parsed += len(parsed.table)
        source = source_of(files)
        for path, _ in source:
            self._places.setdefault(path, len(self._places))
        if not parsed.lines:
            return []
        number = self._places[source[0][0]] * SOURCES_OF_A_FILE + len(self.sources)
        last_hour = self._last_hours.get(source[0][0])
        pieces, end_hour = _pieces_by_day(parsed, number, source, self._hosts, last_hour)
        self.sources[number] = source
        for day, piece in pieces.items():
            self._pieces[day].append(piece)
            self._in_memory += piece.requests.nbytes
        if end_hour is not None:
            self._last_hours[source[-1][0]] = end_hour
        if self._in_memory > self._most_bytes:
            self._write()
        return [*pieces]

    @property
    def days(self) -> list[int]:
        """The dates that have lines, as days since 1970-01-01, in order."""
        return sorted(self._pieces)

    @property
    def first_and_last_hour(self) -> tuple[int, int]:
        """The numbers of the first and the last hour that have lines."""
        first, last = (
            [hour for piece in self._pieces[day] for _, hour in _counts_of(piece)]
            for day in (min(self._pieces), max(self._pieces))
        )
        return min(first), max(last)

    def lines_of(self, day: int) -> int:
        """Return the number of lines of a date."""
        return sum(sum(_counts_of(piece).values()) for piece in self._pieces.get(day, ()))

    def of_day(self, day: int) -> Iterator[Piece]:
        """Yield the lines of a date in the order of the sources."""
        for piece in sorted(self._pieces.get(day, ()), key=lambda piece: piece.source):
            yield piece if isinstance(piece, Piece) else piece.read()

    def close(self) -> None:
        """Remove what is on disk."""
        if self._directory:
            self._directory.cleanup()

    def _write(self) -> None:
        """Write all requests in memory to disk."""
        self._directory = self._directory or TemporaryDirectory(prefix="clickstream-")
        directory = Path(self._directory.name)
        for day, pieces in self._pieces.items():
            for position, piece in enumerate(pieces):
                if isinstance(piece, Piece):
                    pieces[position] = _OnDisk.write(piece, directory / f"{day}-{position}")
        self._in_memory = 0


@dataclass(frozen=True)
class _OnDisk:
    """A piece whose requests are in a file."""

    path: Path
    piece: Piece

    @property
    def source(self) -> int:
        """The number of the source."""
        return self.piece.source

    @classmethod
    def write(cls, piece: Piece, path: Path) -> _OnDisk:
        options = pa.ipc.IpcWriteOptions(compression="lz4", unify_dictionaries=True)
        schema = piece.requests.schema
        with (
            pa.OSFile(str(path), "wb") as sink,
            pa.ipc.new_file(sink, schema, options=options) as file,
        ):
            file.write_table(piece.requests)
        return cls(path, replace(piece, requests=schema.empty_table()))  # a slice keeps all rows

    def read(self) -> Piece:
        with pa.OSFile(str(self.path)) as file:
            return replace(self.piece, requests=pa.ipc.open_file(file).read_all())


def _counts_of(piece: Piece | _OnDisk) -> Counter[HourOfLog]:
    return piece.lines if isinstance(piece, Piece) else piece.piece.lines


def _pieces_by_day(
    parsed: Parsed, number: int, source: Source, hosts: Sequence[str], last_hour: int | None
) -> tuple[dict[int, Piece], int | None]:
    """Return the piece of each date (days since 1970-01-01), and the hour of the last request.

    `number` is that of the source, and `last_hour` the hour of the line before, of the same file. A
    rejected line has the hour of the line before it; at the start of a file, that of the first line
    with a time.
    """
    parsed_numbers, refused_numbers = (
        table["line_number"].to_numpy() for table in (parsed.table, parsed.refused)
    )
    hours = parsed.table["at"].to_numpy().astype("M8[s]").astype(np.int64) // _HOUR
    of_refused: list[Numbers] = []
    counts: Counter[HourOfLog] = Counter()
    for (path, _), parsed_lines, refused_lines in zip(
        source, _by_file(parsed_numbers, source), _by_file(refused_numbers, source), strict=True
    ):
        of_file = hours[parsed_lines]
        if last_hour is None:
            last_hour = int(of_file[0]) if len(of_file) else int(time.time()) // _HOUR
        preceding = np.concatenate([[last_hour], of_file]).astype(np.int64)
        positions = np.searchsorted(parsed_numbers[parsed_lines], refused_numbers[refused_lines])
        of_refused.append(preceding[positions])
        last_hour = None
        for hour, lines in _count_hours(np.concatenate([of_file, of_refused[-1]])).items():
            counts[log_name(path), hour] += lines
    requests = requests_of_site(parsed.table, hosts)
    is_of_site = np.isin(parsed_numbers, requests["line_number"].to_numpy(), assume_unique=True)
    request_hours, other_hours = hours[is_of_site], hours[~is_of_site]
    reject_hours = np.concatenate(of_refused)
    rejects = parsed.refused.append_column("hour", pa.array(reject_hours.astype(np.int32)))
    request_days, reject_days, other_days = (
        of_lines // HOURS_OF_A_DAY for of_lines in (request_hours, reject_hours, other_hours)
    )
    pieces = {
        day: Piece(
            number,
            _filter_rows(requests, request_days == day),
            rejects.filter(pa.array(reject_days == day)),
            Counter({log: n for log, n in counts.items() if log[1] // HOURS_OF_A_DAY == day}),
            _count_hours(other_hours[other_days == day]),
        )
        for day in np.unique(np.concatenate([request_days, reject_days, other_days])).tolist()
    }
    return pieces, int(request_hours[-1]) if len(request_hours) else None


def _by_file(number: Numbers, source: Source) -> list[slice]:
    """Return the slice of each file's lines, from the numbers of all lines of the source."""
    ends = np.cumsum([lines or 0 for _, lines in source])
    edges = [0, *np.searchsorted(number, ends[:-1], side="right").tolist(), len(number)]
    return [slice(*edge) for edge in pairwise(edges)]


def _count_hours(hours: Numbers) -> Counter[int]:
    distinct, counts = np.unique(hours, return_counts=True)
    return Counter(dict(zip(distinct.tolist(), counts.tolist(), strict=True)))


def _filter_rows(table: pa.Table, chosen: NDArray[np.bool_]) -> pa.Table:
    """Return chosen rows; columns of texts keep only the texts of these rows."""
    if chosen.all():
        return table
    rows = table.filter(pa.array(chosen)).combine_chunks()
    return pa.table({name: _compact(rows[name]) for name in rows.column_names})


def _compact(column: pa.ChunkedArray) -> pa.Array:
    coded = dictionary_encoding.combine_chunks(column)
    if coded.type != TEXT or len(coded.dictionary) <= len(coded):
        return coded
    return coded.dictionary_decode().dictionary_encode()
