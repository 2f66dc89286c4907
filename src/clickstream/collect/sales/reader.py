"""What every source of sales can do: digests of its dates, the rows of a date, and listings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Protocol


@dataclass(frozen=True)
class TableToRead:
    """A table of a source: its name in the lake, and where its rows are.

    `location` is a table of a database, or a pattern of names of files. `columns` are read. `time`
    is the column with the time of a row, or with its date if `is_calendar_date`; without it, rows
    have the date of the order that the column `order_id` names. The rows of a listing have no date.
    The column `unique_id` has ids that no row of another date may have. Rows whose column
    `only_with` is empty or 0 are of another table. Files may have columns that
    match the patterns `ignored`. A table of a database that `is_optional` may be missing. A file
    may have up to `title_lines` lines above its header. Rows without a date that have a value
    beginning with `sums` are sums of other rows, and are not read.
    """

    name: str
    location: str
    columns: Sequence[str]
    order_id: str
    time: str = ""
    unique_id: str = ""
    only_with: str = ""
    ignored: Sequence[str] = ()
    is_calendar_date: bool = False
    is_listing: bool = False
    is_optional: bool = False
    title_lines: int = 0
    sums: str = ""


@dataclass(frozen=True)
class DayDigest:
    """The rows of a UTC date at the source: the number in each table, and a digest of them.

    The digest is another one after any change of a row, also of one that keeps sums equal, and if
    an earlier date gets or loses the id of a row.
    """

    rows: Mapping[str, int]
    digest: str


@dataclass(frozen=True)
class ReadRow:
    """A row by column, the table or file that it was read from, and its number there, from 1.

    `earlier` is the first date that has its id, if that is not its own date.
    """

    values: Mapping[str, Any]
    source_object: str
    number: int
    earlier: date | None = None


@dataclass(frozen=True)
class Survey:
    """A source at a moment: the digest of each date that has rows, and what belongs to no date.

    `undated` counts rows by table whose date is not known: their time is missing, or their order
    is. `notes` are sentences about what is not read.
    """

    days: Mapping[date, DayDigest]
    undated: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[str] = ()


def is_between(day: date, first: date | None, last: date | None) -> bool:
    """Whether a date is in a range; None is an open end."""
    return (first is None or day >= first) and (last is None or day <= last)


class SalesReader(Protocol):
    """A source that is open; all answers are of one state of it."""

    def survey(self, first: date | None = None, last: date | None = None) -> Survey:
        """Return the digests of the dates from `first` to `last`; None is an open end."""

    def read_day(self, day: date) -> Mapping[str, Sequence[ReadRow]]:
        """Return the rows of a date, by table."""

    def read_listings(self) -> Mapping[str, Sequence[ReadRow]]:
        """Return all rows of the tables without dates that the source has, by table."""
