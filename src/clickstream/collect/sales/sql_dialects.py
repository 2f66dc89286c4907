"""What differs between PostgreSQL and MySQL or MariaDB: sessions, dates, digests of rows."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql

_NULL = "\\N"
"""Text of a null in a digest; without one, a null and an empty text would be equal."""

Range = tuple[datetime, datetime]
"""Local times (naive) between which all times of a query are."""


@dataclass(frozen=True)
class Dialect(ABC):
    """One kind of database.

    `session` are the statements after each connect, and `snapshot` those that begin a transaction
    that reads one state of the database and can't write.
    """

    session: tuple[str, ...]
    snapshot: tuple[str, ...]

    @abstractmethod
    def has_zone(self, column: Any) -> bool:
        """Whether the times of a column are moments, and not local times."""

    def utc_date(self, column: Any, zone: ZoneInfo | None, times: Range) -> Any:
        """Return the expression for the UTC date of a time; `zone` is that of local times."""
        if self.has_zone(column) or zone is None:
            return self.date_of(column, 0)
        *earlier, (_, last) = offsets(zone, times)
        cases = [(column < sa.literal(end), self.date_of(column, one)) for end, one in earlier]
        otherwise = self.date_of(column, last)
        return sa.case(*cases, else_=otherwise) if cases else otherwise

    @abstractmethod
    def date_of(self, column: Any, offset: int) -> Any:
        """Return the date of a time that is `offset` seconds ahead of UTC."""

    @abstractmethod
    def row_hash(self, columns: Sequence[Any]) -> Any:
        """Return a 60-bit number that differs for other values of the columns."""

    def _row_text(self, columns: Sequence[Any], text: Any) -> Any:
        parts: list[Any] = []
        for column in columns:
            shown = sa.cast(column, text)
            parts += [sa.func.coalesce(sa.func.concat(sa.func.length(shown), ":", shown), _NULL)]
        return sa.func.md5(sa.func.concat(*parts, ""))


class PostgreSql(Dialect):
    """PostgreSQL 11 and later."""

    def has_zone(self, column: Any) -> bool:
        """Whether the column is a timestamp with time zone."""
        return bool(getattr(column.type, "timezone", False))

    def date_of(self, column: Any, offset: int) -> Any:
        """Shift by an interval; sessions are in UTC."""
        return sa.cast(column - timedelta(seconds=offset), sa.Date)

    def row_hash(self, columns: Sequence[Any]) -> Any:
        """Return the first 60 bits of an MD5."""
        digits = sa.func.substr(self._row_text(columns, sa.Text), 1, 15)
        return sa.cast(sa.cast(sa.func.concat("x0", digits), postgresql.BIT(64)), sa.BigInteger)


class MySql(Dialect):
    """MySQL 5.7 and later, and MariaDB 10.5 and later."""

    def has_zone(self, column: Any) -> bool:
        """Whether the column is a TIMESTAMP: it is shown in the session's zone, which is UTC."""
        return isinstance(column.type, sa.TIMESTAMP)

    def date_of(self, column: Any, offset: int) -> Any:
        """Shift by seconds."""
        return sa.func.date(sa.func.timestampadd(sa.text("second"), -offset, column))

    def row_hash(self, columns: Sequence[Any]) -> Any:
        """Return the first 60 bits of an MD5."""
        digits = sa.func.left(self._row_text(columns, sa.CHAR), 15)
        return sa.cast(sa.func.conv(digits, 16, 10), mysql.BIGINT(unsigned=True))


POSTGRESQL = PostgreSql(
    ("SET TIME ZONE 'UTC'", "SET datestyle = 'ISO'"),
    ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
)
MYSQL = MySql(
    ("SET time_zone = '+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
)


def dialect_of(name: str) -> Dialect:
    """Return the dialect of an engine."""
    return POSTGRESQL if name == "postgresql" else MYSQL


def offsets(zone: ZoneInfo, times: Range) -> list[tuple[datetime, int]]:
    """Return the offsets from UTC in seconds, each with the local time (naive) before which it is.

    A local time that occurs twice has the offset of its first occurrence.
    """
    found: list[tuple[datetime, int]] = []
    at, end = times
    offset = _offset(at, zone)
    while at < end:
        following = at + timedelta(days=7)
        if _offset(following, zone) != offset:
            change = _change_between(at, following, zone)
            found.append((change, offset))
            at, offset = change, _offset(change, zone)
        else:
            at = following
    return [*found, (end, offset)]


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Return the first second with another offset than `before`."""
    low, high = 0, int((after - before).total_seconds())
    offset = _offset(before, zone)
    while high - low > 1:
        middle = (low + high) // 2
        if _offset(before + timedelta(seconds=middle), zone) == offset:
            low = middle
        else:
            high = middle
    return before + timedelta(seconds=high)


def _offset(at: datetime, zone: ZoneInfo) -> int:
    found = at.replace(tzinfo=zone).utcoffset()
    return int(found.total_seconds()) if found else 0


def utc_bounds(day: date) -> tuple[datetime, datetime]:
    """Return local times (naive) between which all rows of a UTC date are, in any time zone."""
    midnight = datetime(day.year, day.month, day.day)
    return midnight - timedelta(days=1), midnight + timedelta(days=2)
