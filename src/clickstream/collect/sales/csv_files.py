"""Sales in CSV files. For each date, the latest file with rows of it counts.

Of a table without dates, the latest file counts. An order that several files have can have several
dates; the date of its lines is that of their own file, else that of the latest one.
"""

from __future__ import annotations

import csv
import hashlib
import io
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fnmatch import fnmatch

from clickstream.collect.sales.file_places import SalesFile
from clickstream.collect.sales.reader import (
    EXAMPLES,
    WITHOUT_ORDER,
    DayDigest,
    LeftOut,
    ReadRow,
    Survey,
    TableToRead,
    fault_of,
    is_between,
)
from clickstream.core.errors import UnusableSales
from clickstream.core.wording import quantity, shorten

DateOf = Callable[[str, bool], date | str]
"""Returns the UTC date of a time in a file, or a calendar date; or why it can't be read."""

_DELIMITERS = ",;\t"


@dataclass(frozen=True)
class _Row:
    values: tuple[str, ...]
    number: int


@dataclass(frozen=True)
class _File:
    """A file with its rows; rows are numbered from 1, without the header."""

    name: str
    header: tuple[str, ...]
    rows: Sequence[_Row]

    def column(self, name: str) -> int:
        return self.header.index(name)


class CsvReader:
    """Files in one state.

    Raises UnusableSales if a file can't be read, lacks a column of the map, or has another one.
    """

    def __init__(
        self,
        files: Sequence[SalesFile],
        tables: Sequence[TableToRead],
        date_of: DateOf,
        source: str,
    ) -> None:
        """Read the files, which are in the order of their ages."""
        self._date_of = date_of
        self._to_read = {table.name: table for table in tables}
        self._contents = {
            file.name: _read(file, tables_of_file, source)
            for file in files
            if (tables_of_file := [t for t in tables if fnmatch(file.name, t.location)])
        }
        self._dates_of_orders: dict[str, tuple[date, str]] = {}
        self._other_dates: dict[tuple[str, str], date] = {}
        self._rows = {
            name: self._by_date(table)
            for name, table in self._to_read.items()
            if not table.is_listing
        }
        self._repeated = {name: self._repeated_ids(name) for name in self._rows}

    def _by_date(self, table: TableToRead) -> dict[date | str, dict[str, list[_Row]]]:
        """Return the rows of a table by date and file, the latest file last.

        Rows without a date have the reason.
        """
        rows_by_date: defaultdict[date | str, dict[str, list[_Row]]] = defaultdict(dict)
        for file in self._files_of(table):
            for row in _rows_of(table, file):
                day = self._date(table, file, row)
                if isinstance(day, str) and table.sums and _is_sum(table, row):
                    continue
                rows_by_date[day].setdefault(file.name, []).append(row)
        return dict(rows_by_date)

    def _files_of(self, table: TableToRead) -> list[_File]:
        """Return the files with rows of a table, the latest last."""
        return [file for file in self._contents.values() if fnmatch(file.name, table.location)]

    def _date(self, table: TableToRead, file: _File, row: _Row) -> date | str:
        order = row.values[file.column(table.order_id)].strip() if table.order_id else ""
        day_of_order, _ = self._dates_of_orders.get(order, (WITHOUT_ORDER, ""))
        if not table.time:
            return self._other_dates.get((file.name, order), day_of_order)
        day = self._date_of(row.values[file.column(table.time)], table.is_calendar_date)
        if table.name == "orders" and isinstance(day, date) and order:
            self._keep_date(order, day, file.name)
        return day

    def _keep_date(self, order: str, day: date, file: str) -> None:
        """Keep the date of an order for its lines: the first of a file, and that of other files."""
        earlier, earlier_file = self._dates_of_orders.get(order, (day, file))
        if earlier_file == file:
            day = min(earlier, day)
        elif earlier != day:
            self._other_dates[earlier_file, order] = earlier
        self._dates_of_orders[order] = (day, file)

    def _repeated_ids(self, name: str) -> dict[date, dict[str, tuple[date, str]]]:
        """Return the ids of each date that an earlier one has, with the first date and its file.

        Only rows of the files that count are compared.
        """
        repeated: defaultdict[date, dict[str, tuple[date, str]]] = defaultdict(dict)
        first: dict[str, tuple[date, str]] = {}
        by_date, column = self._rows[name], self._to_read[name].unique_id
        for day in sorted(day for day in by_date if isinstance(day, date)) if column else ():
            file, rows = [*by_date[day].items()][-1]
            position = self._contents[file].column(column)
            for row in rows:
                row_id = row.values[position].strip()
                if row_id and first.setdefault(row_id, (day, file))[0] < day:
                    repeated[day][row_id] = first[row_id]
        return repeated

    def survey(
        self,
        first: date | None = None,
        last: date | None = None,
        latest: date | None = None,
        examples: int = EXAMPLES,
    ) -> Survey:
        """Return the digests of a range of dates, what is left out, and which files don't count."""
        dates = {day for by_date in self._rows.values() for day in by_date if isinstance(day, date)}
        chosen = sorted(
            day for day in dates if is_between(day, first, last) and not fault_of(day, latest)
        )
        left_out = [left for name in self._rows for left in self._left_out(name, latest, examples)]
        return Survey(
            {day: self._digest(day) for day in chosen}, left_out, [*self._replaced_files(chosen)]
        )

    def _left_out(self, name: str, latest: date | None, examples: int) -> Iterator[LeftOut]:
        """Yield the rows of a table without a date that can be used, by the reason."""
        table, by_reason = self._to_read[name], defaultdict[str, list[tuple[str, _Row]]](list)
        for day, by_file in self._rows[name].items():
            if reason := day if isinstance(day, str) else fault_of(day, latest):
                by_reason[reason] += [(file, row) for file, rows in by_file.items() for row in rows]
        for reason, rows in by_reason.items():
            named = []
            for file, row in rows[:examples]:
                values = dict(zip(self._contents[file].header, row.values, strict=True))
                row_id = values.get(table.unique_id or table.order_id, "").strip()
                row_id = row_id or f"row {row.number} of {file}"
                at = values[table.time].strip() or "no value" if table.time else ""
                named.append(f"{row_id}: {at}" if at else row_id)
            yield LeftOut(name, table.time, reason, len(rows), named)

    def _digest(self, day: date) -> DayDigest:
        numbers, digest = {}, hashlib.blake2b(digest_size=16)
        for name, by_date in self._rows.items():
            for file, rows in by_date.get(day, {}).items():
                texts = sorted(repr(row.values) for row in rows)
                digest.update(
                    "\n".join([name, file, *self._contents[file].header, *texts]).encode()
                )
                numbers[name] = len(rows)
            for row_id, (first, file) in sorted(self._repeated[name].get(day, {}).items()):
                digest.update(f"\n{name} {row_id} {first} {file}".encode())
        return DayDigest(numbers, digest.hexdigest())

    def _replaced_files(self, days: Sequence[date]) -> Iterator[str]:
        """Yield a sentence for each file that a later one replaces, with the loss of rows."""
        for name, by_date in self._rows.items():
            lost: defaultdict[tuple[str, str], list[tuple[date, int]]] = defaultdict(list)
            for day in days:
                *earlier, last = [*by_date.get(day, {}).items()] or [("", [])]
                for file, rows in earlier:
                    lost[file, last[0]].append((day, len(rows) - len(last[1])))
            for (file, winner), of_days in lost.items():
                fewer = [f"{day} ({more} fewer)" for day, more in of_days if more > 0]
                warning = f" It has fewer rows on {shorten(fewer)}." if fewer else ""
                yield (
                    f"For {quantity(len(of_days), 'date')}, the {name} of {winner} count, and not "
                    f"those of the earlier file {file}.{warning}"
                )

    def read_day(self, day: date) -> Mapping[str, Sequence[ReadRow]]:
        """Return the rows of a date, by table."""
        return {
            name: [*self._read_rows(name, by_date.get(day, {}), self._repeated[name].get(day, {}))]
            for name, by_date in self._rows.items()
        }

    def find(self, table: str, ids: Collection[str], *, by_id: bool = False) -> Sequence[ReadRow]:
        """Return the rows of the latest file of each date."""
        wanted, by_date = self._to_read[table], self._rows[table]
        column = wanted.unique_id if by_id else wanted.order_id
        rows = [
            row
            for day, by_file in by_date.items()
            if isinstance(day, date)
            for row in self._read_rows(table, by_file, self._repeated[table].get(day, {}))
        ]
        return [row for row in rows if row.values[column].strip() in ids]

    def read_listings(self) -> Mapping[str, Sequence[ReadRow]]:
        """Return all rows of the latest file of each table without dates."""
        listings = [table for table in self._to_read.values() if table.is_listing]
        return {
            table.name: [
                *self._read_rows(table.name, {files[-1].name: [*_rows_of(table, files[-1])]}, {})
            ]
            for table in listings
            if (files := self._files_of(table))
        }

    def _read_rows(
        self,
        name: str,
        by_file: Mapping[str, Sequence[_Row]],
        earlier: Mapping[str, tuple[date, str]],
    ) -> Iterator[ReadRow]:
        """Yield the rows of the latest file; `earlier` has the ids that an earlier date has."""
        for file in [*by_file][-1:]:
            header = self._contents[file].header
            for row in by_file[file]:
                values = dict(zip(header, row.values, strict=True))
                row_id = values[self._to_read[name].unique_id].strip() if earlier else ""
                yield ReadRow(values, file, row.number, earlier.get(row_id))


def _rows_of(table: TableToRead, file: _File) -> Iterator[_Row]:
    """Yield the rows of a file that belong to a table; see `only_with`."""
    for row in file.rows:
        # A value of zeros and separators only is 0.
        if not table.only_with or row.values[file.column(table.only_with)].strip().strip("0.,"):
            yield row


def _is_sum(table: TableToRead, row: _Row) -> bool:
    """Whether a row without a date is a sum of other rows."""
    return any(value.strip().startswith(table.sums) for value in row.values)


def _read(file: SalesFile, tables: Sequence[TableToRead], source: str) -> _File:
    try:
        text = file.read().decode("utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not UTF-8"
        raise UnusableSales(f"{file.location} of {source} can't be read: {reason}.") from None
    text = text[_start_of_header(text, tables) :]
    delimiter = _delimiter(text.partition("\n")[0])
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    header = tuple(name.strip() for name in next(lines, ()))
    _check_header(file.location, header, tables, source)
    rows = [_Row(tuple(row), number) for number, row in enumerate(filter(None, lines), 1)]
    for row in rows:
        if len(row.values) != len(header):
            raise UnusableSales(
                f"Row {row.number} of {file.location} has {quantity(len(row.values), 'value')}, "
                f"and the header has {len(header)}: export the file again."
            )
    return _File(file.name, header, rows)


def _start_of_header(text: str, tables: Sequence[TableToRead]) -> int:
    """Return where the header starts: at the first line with the largest number of columns."""
    starts = [0]
    for _ in range(max(table.title_lines for table in tables)):
        starts.append(text.find("\n", starts[-1]) + 1 or starts[-1])
    wanted = {column for table in tables for column in table.columns}
    return max(starts, key=lambda start: len(wanted & _names(text[start:].partition("\n")[0])))


def _names(line: str) -> set[str]:
    return {name.strip() for row in csv.reader([line], delimiter=_delimiter(line)) for name in row}


def _delimiter(line: str) -> str:
    return max(_DELIMITERS, key=line.count)


def _check_header(
    path: str, header: Sequence[str], tables: Sequence[TableToRead], source: str
) -> None:
    wanted = {column: table.name for table in tables for column in table.columns}
    if missing := [column for column in wanted if column not in header]:
        raise UnusableSales(
            f"{path} of {source} has no column {shorten(missing)}, which the column map names for "
            f"{wanted[missing[0]]}. Its columns are {shorten(header, 40)}."
        )
    ignored = [pattern for table in tables for pattern in table.ignored if pattern != "*"]
    unknown = [
        column
        for column in header
        if column not in wanted and not any(fnmatch(column, pattern) for pattern in ignored)
    ]
    if unknown:
        raise UnusableSales(
            f"{path} of {source} has the column {shorten(unknown)}, which the column map does not "
            "know: name it there, in columns or in ignored."
        )
    if doubled := [name for name, number in Counter(header).items() if number > 1]:
        raise UnusableSales(f"{path} of {source} has the column {doubled[0]} twice.")
