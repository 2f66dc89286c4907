"""What every source of sales can do: digests of its dates, the rows of a date, and listings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
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

    `earlier` is the first date that has its id, if that is not its own date, and where the row of
    that date is.
    """

    values: Mapping[str, Any]
    source_object: str
    number: int
    earlier: tuple[date, str] | None = None


EARLIEST = date(2000, 1, 1)
"""The first date of sales; an earlier one is that of an empty or wrong field."""

EXAMPLES = 1000
"""Maximum number of rows with one fault that are named."""


@dataclass(frozen=True)
class LeftOut:
    """Rows of a table without a date that can be used.

    `column` has the time, and `examples` are the ids and times of the first rows.
    """

    table: str
    column: str
    reason: str
    rows: int
    examples: Sequence[str]


@dataclass(frozen=True)
class Survey:
    """A source at a moment: the digest of each date that has rows, and what belongs to no date.

    `notes` are sentences about what is not read.
    """

    days: Mapping[date, DayDigest]
    left_out: Sequence[LeftOut] = ()
    notes: Sequence[str] = ()


WITHOUT_ORDER = "their order is missing, or has no date"
TOO_EARLY, IN_FUTURE = f"time before {EARLIEST.year}", "time in the future"
"""Why rows are left out, unless their time can't be read."""


def fault_of(day: date, latest: date | None) -> str:
    """Return why a date can't be that of a sale; empty if it can. `latest` is the last one."""
    if day < EARLIEST:
        return TOO_EARLY
    return IN_FUTURE if latest and day > latest else ""


def is_between(day: date, first: date | None, last: date | None) -> bool:
    """Whether a date is in a range; None is an open end."""
    return (first is None or day >= first) and (last is None or day <= last)


class SalesReader(Protocol):
    """A source that is open; all answers are of one state of it."""

    def survey(
        self,
        first: date | None = None,
        last: date | None = None,
        latest: date | None = None,
        examples: int = EXAMPLES,
    ) -> Survey:
        """Return the digests of the dates from `first` to `last`; None is an open end.

        Rows of dates before EARLIEST and after `latest` are left out. To name `examples` of the
        rows with each fault, all dates are read; 0 names none.
        """

    def read_day(self, day: date) -> Mapping[str, Sequence[ReadRow]]:
        """Return the rows of a date, by table."""

    def find(self, table: str, ids: Collection[str], *, by_id: bool = False) -> Sequence[ReadRow]:
        """Return the rows of a table, of any date, whose column `order_id` has one of some ids.

        With `by_id`, that is the column `unique_id`.
        """

    def read_listings(self) -> Mapping[str, Sequence[ReadRow]]:
        """Return all rows of the tables without dates that the source has, by table."""
