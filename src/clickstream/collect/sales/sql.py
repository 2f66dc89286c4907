"""Sales in a shop's database: PostgreSQL, MySQL or MariaDB, read by SQLAlchemy.

Everything is read in one transaction that can't write, from one consistent snapshot. The time zone
of the session is UTC. It is set on each connect, because a database shows some times in it.
"""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from sqlalchemy.dialects import mysql, postgresql
from sqlalchemy.engine import URL, Connection

from clickstream.collect.sales.reader import (
    EARLIEST,
    EXAMPLES,
    IN_FUTURE,
    TOO_EARLY,
    WITHOUT_ORDER,
    DayDigest,
    LeftOut,
    ReadRow,
    Survey,
    TableToRead,
    fault_of,
    is_between,
)
from clickstream.core.errors import ClickstreamError, ShopRefused, ShopUnreachable, UnusableSales
from clickstream.core.wording import shorten

# What differs between PostgreSQL and MySQL or MariaDB: sessions, dates, digests of rows.

_NULL = "\\N"
"""Text of a null in a digest; without one, a null and an empty text would be equal."""

Range = tuple[datetime, datetime]
"""Local times (naive) between which all times of a query are."""


@dataclass(frozen=True)
class Dialect(ABC):
    """One kind of database.

    `session` are the statements after each connect, and `snapshot` those that begin a transaction
    that reads one state of the database and can't write. `text` is the type to cast values to.
    """

    session: tuple[str, ...]
    snapshot: tuple[str, ...]
    text: Any

    @abstractmethod
    def has_zone(self, column: Any) -> bool:
        """Whether the times of a column are moments, and not local times."""

    def utc_date(self, column: Any, zone: ZoneInfo | None, times: Range) -> Any:
        """Return the expression for the UTC date of a time; `zone` is that of local times."""
        if self.has_zone(column) or zone is None:
            return self.date_of(column, 0)
        *earlier, (_, last) = offsets(zone, times)
        cases = [
            (column < sa.literal(end), self.date_of(column, offset)) for end, offset in earlier
        ]
        otherwise = self.date_of(column, last)
        return sa.case(*cases, else_=otherwise) if cases else otherwise

    @abstractmethod
    def date_of(self, column: Any, offset: int) -> Any:
        """Return the date of a time that is `offset` seconds ahead of UTC."""

    @abstractmethod
    def row_hash(self, columns: Sequence[Any]) -> Any:
        """Return a 60-bit number that differs for other values of the columns."""

    def _row_text(self, columns: Sequence[Any]) -> Any:
        parts: list[Any] = []
        for column in columns:
            shown = sa.cast(column, self.text)
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
        digits = sa.func.substr(self._row_text(columns), 1, 15)
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
        digits = sa.func.left(self._row_text(columns), 15)
        return sa.cast(sa.func.conv(digits, 16, 10), mysql.BIGINT(unsigned=True))


POSTGRESQL = PostgreSql(
    ("SET TIME ZONE 'UTC'", "SET datestyle = 'ISO'"),
    ("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",),
    sa.Text,
)
MYSQL = MySql(
    ("SET time_zone = '+00:00'", "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
    ("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY",),
    sa.CHAR,
)


def dialect_of(name: str) -> Dialect:
    """Return the dialect of an engine."""
    return POSTGRESQL if name == "postgresql" else MYSQL


def offsets(zone: ZoneInfo, times: Range) -> list[tuple[datetime, int]]:
    """Return the offsets from UTC in seconds, each with the local time (naive) before which it is.

    A local time that occurs twice has the offset of its first occurrence.
    """
    changes: list[tuple[datetime, int]] = []
    at, end = times
    offset = _offset(at, zone)
    while at < end:
        following = at + timedelta(days=7)
        if _offset(following, zone) != offset:
            change = _change_between(at, following, zone)
            changes.append((change, offset))
            at, offset = change, _offset(change, zone)
        else:
            at = following
    return [*changes, (end, offset)]


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
    difference = at.replace(tzinfo=zone).utcoffset()
    return int(difference.total_seconds()) if difference else 0


def utc_bounds(day: date) -> tuple[datetime, datetime]:
    """Return local times (naive) between which all rows of a UTC date are, in any time zone."""
    midnight = datetime(day.year, day.month, day.day)
    return midnight - timedelta(days=1), midnight + timedelta(days=2)


_DRIVERS = {
    "postgresql": "postgresql+psycopg2",
    "postgres": "postgresql+psycopg2",
    "mysql": "mysql+pymysql",
    "mariadb": "mysql+pymysql",
}
_EARLIEST, _LATEST = datetime(1970, 1, 1), datetime(2100, 1, 1)
"""Times between which changes of clocks are known to a query; MySQL may have a date of zeros."""

_REFUSED = (
    "28",
    "42501",
    "1044",
    "1045",
    "1142",
    "1143",
    "1227",
    "1698",
    "1820",
    "1862",
    "3118",
    "4151",
)
"""SQLSTATE classes of PostgreSQL, and error numbers of MySQL, for a login or a right."""

_REFUSED_PHRASES = (
    "authentication failed",
    "does not exist",
    "not permitted to log in",
    "pg_hba.conf",
    "no password supplied",
    "permission denied",
)
"""PostgreSQL's driver has no SQLSTATE for a failed connection."""


@contextmanager
def open_database(
    address: str,
    password: str,
    tables: Sequence[TableToRead],
    zone: ZoneInfo | None,
    wait_seconds: int,
    source: str,
) -> Iterator[SqlReader]:
    """Connect, and begin the transaction; it ends with the block.

    `source` is the name of the source for messages. Raises ShopUnreachable, ShopRefused, and
    UnusableSales if a table or column is missing, or if times have no zone.
    """
    url = _url(address, password, source)
    dialect = dialect_of(url.get_backend_name())
    engine = sa.create_engine(
        url,
        poolclass=sa.NullPool,
        isolation_level="AUTOCOMMIT",
        connect_args={"connect_timeout": wait_seconds},
    )
    try:
        with engine.connect() as connection:
            for statement in (*dialect.session, *dialect.snapshot):
                connection.exec_driver_sql(statement)
            yield SqlReader(connection, dialect, tables, zone, source)
            connection.exec_driver_sql("ROLLBACK")
    except sa.exc.DBAPIError as error:
        raise _translated(error, source, url) from None


def _url(address: str, password: str, source: str) -> URL:
    """Return the address with our driver. Raises UnusableSales; no message has the address."""
    try:
        url = sa.make_url(address)
        driver = _DRIVERS[url.drivername.partition("+")[0]]
    except (sa.exc.ArgumentError, ValueError, KeyError):
        raise UnusableSales(
            f"The address of the database of {source} can't be used: it must begin with one of "
            f"{', '.join(f'{kind}://' for kind in _DRIVERS)}."
        ) from None
    return url.set(drivername=driver, password=password or url.password)


def _translated(error: sa.exc.DBAPIError, source: str, url: URL) -> ClickstreamError:
    """Return the error for a failure of the driver, without statement, values or password."""
    cause = error.orig
    numbers = [getattr(cause, "pgcode", None), *(getattr(cause, "args", None) or ())[:1]]
    text = " ".join(str(cause).split())[:300]
    if url.password:
        text = text.replace(str(url.password), "…")
    user = f"{url.username}@" if url.username else ""
    address = f"{url.get_backend_name()}://{user}{url.host or ''}/{url.database or ''}"
    where = f"The database of {source} ({address})"
    is_refused = any(str(number or "").startswith(_REFUSED) for number in numbers)
    if is_refused or any(phrase in text for phrase in _REFUSED_PHRASES):
        return ShopRefused(
            f"{where} refuses the login or a read: {text}. Check the user, the password, and "
            "that it may read the tables of the column map."
        )
    return ShopUnreachable(
        f"{where} can't be read: {text}. Check that it runs and accepts connections from here; "
        "nothing is lost, the next run reads it."
    )


class SqlReader:
    """A database in one state."""

    def __init__(
        self,
        connection: Connection,
        dialect: Dialect,
        tables: Sequence[TableToRead],
        zone: ZoneInfo | None,
        source: str,
    ) -> None:
        """Look up the columns of the tables."""
        self._connection, self._dialect, self._zone = connection, dialect, zone
        self._source = source
        inspector = sa.inspect(connection)
        reflected = {table.name: self._reflected(inspector, table) for table in tables}
        self._tables = {name: table for name, table in reflected.items() if table is not None}
        self._to_read = {table.name: table for table in tables if table.name in self._tables}
        self._repeatable = [
            table.name for table in self._to_read.values() if _may_repeat(inspector, table)
        ]
        self._check_times()

    def _reflected(self, inspector: Any, wanted: TableToRead) -> Any:
        """Return a table with the columns of the map; None if it is optional and missing.

        Raises UnusableSales if a column is missing, or a table that is not optional.
        """
        schema, _, name = wanted.location.rpartition(".")
        try:
            by_name = {c["name"]: c for c in inspector.get_columns(name, schema=schema or None)}
        except sa.exc.NoSuchTableError:
            if wanted.is_optional:
                return None
            raise UnusableSales(
                f"The database of {self._source} has no table {wanted.location}, which the column "
                f"map names for {wanted.name}."
            ) from None
        if missing := [column for column in wanted.columns if column not in by_name]:
            raise UnusableSales(
                f"The table {wanted.location} of {self._source} has no column {shorten(missing)}, "
                f"which the column map names for {wanted.name}. "
                f"Its columns are {shorten(by_name, 40)}."
            )
        columns = [sa.column(column, by_name[column]["type"]) for column in wanted.columns]
        return sa.table(name, *columns, schema=schema or None)

    def _check_times(self) -> None:
        """Refuse times without a zone, and dates in a column of texts, by their column."""
        for table in self._to_read.values():
            if not table.time:
                continue
            column = self._tables[table.name].c[table.time]
            where = f"{table.location}.{table.time} of {self._source}"
            if table.is_calendar_date:
                if not isinstance(column.type, sa.Date | sa.DateTime):
                    raise UnusableSales(
                        f"The dates in {where} are {column.type}: read them by a view in which the "
                        "column is a date."
                    )
            elif self._zone is None and not self._dialect.has_zone(column):
                raise UnusableSales(
                    f"The times in {where} have no time zone: "
                    "set time_zone in [[sales]] to the one that the shop stores them in."
                )

    def survey(
        self,
        first: date | None = None,
        last: date | None = None,
        latest: date | None = None,
        examples: int = EXAMPLES,
    ) -> Survey:
        """Return the digests of a range of dates, by one GROUP BY for each table."""
        numbers: defaultdict[date, Counter[str]] = defaultdict(Counter)
        sums: defaultdict[date, list[str]] = defaultdict(list)
        left_out: Counter[tuple[str, str]] = Counter()
        for name in self._dated_tables:
            without = "value that is no time" if self._to_read[name].time else WITHOUT_ORDER
            for day, number, total in self._digest_rows(name, first, last):
                if fault := without if day is None else fault_of(day, latest):
                    left_out[name, fault] += number
                    continue
                numbers[day][name] += number
                sums[day].append(f"{name} {number} {int(total)}")
            for day, earlier in self._repeated_ids(name, first, last).items():
                if day in numbers:
                    sums[day] += [
                        f"{name} {row_id} {first_day}" for row_id, first_day in earlier.items()
                    ]
        return Survey(
            {day: DayDigest(dict(numbers[day]), _digest(sums[day])) for day in sorted(numbers)},
            [
                LeftOut(
                    name,
                    self._to_read[name].time,
                    fault,
                    number,
                    self._examples(name, fault, latest, examples) if examples else (),
                )
                for (name, fault), number in left_out.items()
            ],
        )

    def _examples(self, name: str, fault: str, latest: date | None, examples: int) -> Sequence[str]:
        """Return the ids and times of the first rows of a table with a fault, of any date."""
        table, dated, day = self._dated(name, self._range_of(name, None, None))
        wanted, time = self._to_read[name], self._time_of(name)
        is_faulty = {TOO_EARLY: day < sa.literal(EARLIEST), IN_FUTURE: day > sa.literal(latest)}
        row_id = table.c[wanted.unique_id or wanted.order_id or wanted.time]
        query = sa.select(row_id, time).select_from(dated).where(self._is_of(name))
        query = query.where(is_faulty.get(fault, day.is_(None))).order_by(row_id).limit(examples)
        rows = self._connection.execute(query)
        return [f"{row_id}: {at or 'no value'}" for row_id, at in rows]

    @property
    def _dated_tables(self) -> list[str]:
        return [table.name for table in self._to_read.values() if not table.is_listing]

    def _digest_rows(
        self, name: str, first: date | None, last: date | None
    ) -> Iterator[tuple[Any, int, Any]]:
        table, dated, day = self._dated(name, self._range_of(name, first, last))
        hashed = self._dialect.row_hash([*table.c])
        query = sa.select(day, sa.func.count(), sa.func.sum(hashed)).select_from(dated)
        query = query.where(self._is_of(name))
        time = self._time_of(name)
        if first:
            query = query.where(sa.or_(time.is_(None), time >= utc_bounds(first)[0]))
        if last:
            query = query.where(sa.or_(time.is_(None), time < utc_bounds(last)[1]))
        for day_of_rows, number, total in self._connection.execute(query.group_by(day)):
            if day_of_rows is None or is_between(day_of_rows, first, last):
                yield day_of_rows, number, total

    def _repeated_ids(
        self, name: str, first: date | None, last: date | None
    ) -> dict[date, dict[str, date]]:
        """Return the ids of each date of a range that an earlier date has, with the first one.

        The earlier date can be before the range. The database looks up each id of the range, for
        which an index is enough. There is no query if it has a constraint that ids are unique.
        """
        repeated: defaultdict[date, dict[str, date]] = defaultdict(dict)
        if name not in self._repeatable:
            return repeated
        table, inner = self._tables[name], self._tables[name].alias()
        column, time = self._to_read[name].unique_id, self._to_read[name].time
        day = self._dialect.utc_date(table.c[time], self._zone, self._range_of(name, None, None))
        of_range = sa.select(inner.c[column]).where(self._is_of(name, inner))
        if first:
            of_range = of_range.where(inner.c[time] >= utc_bounds(first)[0])
        if last:
            of_range = of_range.where(inner.c[time] < utc_bounds(last)[1])
        several = sa.select(table.c[column]).where(table.c[column].in_(of_range), self._is_of(name))
        several = several.group_by(table.c[column]).having(sa.func.min(day) != sa.func.max(day))
        ids = self._connection.execute(several).scalars().all()
        rows = sa.select(table.c[column], day).where(table.c[column].in_(ids), self._is_of(name))
        dates: defaultdict[str, set[date]] = defaultdict(set)
        for row_id, of_row in self._connection.execute(rows) if ids else ():
            dates[str(row_id).strip()] |= {of_row} if of_row else set()
        for text, days in dates.items():
            for of_row in days - {min(days, default=None)}:
                repeated[of_row][text] = min(days)
        return repeated

    def _dated(self, name: str, times: Range) -> tuple[Any, Any, Any]:
        """Return a table, the table joined with what has its date, and the date's expression."""
        table, time = self._tables[name], self._time_of(name)
        if self._to_read[name].is_calendar_date:
            return table, table, self._dialect.date_of(time, 0)
        day = self._dialect.utc_date(time, self._zone, times)
        if self._to_read[name].time:
            return table, table, day
        orders = self._tables["orders"]
        own, theirs = self._to_read[name].order_id, self._to_read["orders"].order_id
        return table, table.outerjoin(orders, table.c[own] == orders.c[theirs]), day

    def _range_of(self, name: str, first: date | None, last: date | None) -> Range:
        """Return times between which all times of the rows of a range of dates are."""
        if first and last:
            return utc_bounds(first)[0], utc_bounds(last)[1]
        time = self._time_of(name)
        bounds = self._connection.execute(sa.select(sa.func.min(time), sa.func.max(time))).one()
        times = [bound.replace(tzinfo=None) for bound in bounds if isinstance(bound, datetime)]
        first, last = min(times, default=_EARLIEST), max(times, default=_EARLIEST)
        day = timedelta(days=1)
        return max(first, _EARLIEST) - day, min(last, _LATEST) + day

    def _is_of(self, name: str, alias: Any = None) -> Any:
        """Return the condition for the rows of a table, or its alias; see `only_with`."""
        if not (column := self._to_read[name].only_with):
            return sa.true()
        value = (self._tables[name] if alias is None else alias).c[column]
        nothing = 0 if isinstance(value.type, sa.types.Numeric | sa.types.Integer) else ""
        return sa.and_(value.is_not(None), value != nothing)

    def _time_of(self, name: str) -> Any:
        of_table = name if self._to_read[name].time else "orders"
        return self._tables[of_table].c[self._to_read[of_table].time]

    def read_day(self, day: date) -> Mapping[str, Sequence[ReadRow]]:
        """Return the rows of a date, by table."""
        return {name: [*self._rows_of(name, day)] for name in self._dated_tables}

    def read_listings(self) -> Mapping[str, Sequence[ReadRow]]:
        """Return all rows of the tables without dates that the database has."""
        listings: dict[str, list[ReadRow]] = {}
        for wanted in self._to_read.values():
            if wanted.is_listing:
                columns = self._tables[wanted.name].c
                query = sa.select(*columns).where(self._is_of(wanted.name)).order_by(*columns)
                rows = self._connection.execute(query).mappings()
                listings[wanted.name] = [
                    ReadRow(dict(row), wanted.location, number)
                    for number, row in enumerate(rows, 1)
                ]
        return listings

    def _rows_of(self, name: str, day: date) -> Iterator[ReadRow]:
        first, end = utc_bounds(day)
        table, dated, date_of_row = self._dated(name, (first, end))
        time = self._time_of(name)
        query = (
            sa.select(*table.c)
            .select_from(dated)
            .where(time >= first, time < end, date_of_row == day, self._is_of(name))
            .order_by(*table.c)
        )
        yield from self._read_rows(name, query, self._repeated_ids(name, day, day)[day])

    def find(self, table: str, ids: Collection[str], *, by_id: bool = False) -> Sequence[ReadRow]:
        """Return the rows from the earliest on; ids of any type are compared as texts."""
        columns, wanted = self._tables[table].c, self._to_read[table]
        column = columns[wanted.unique_id if by_id else wanted.order_id]
        text = sa.func.trim(sa.cast(column, self._dialect.text))
        query = sa.select(*columns).where(text.in_(sorted(ids)), self._is_of(table))
        query = query.order_by(columns[wanted.time], *columns)
        return [*self._read_rows(table, query, {})] if ids else []

    def _read_rows(self, name: str, query: Any, earlier: Mapping[str, date]) -> Iterator[ReadRow]:
        zoned = self._dialect.has_zone(self._time_of(name))
        column, unique_id = self._to_read[name].time, self._to_read[name].unique_id
        for number, row in enumerate(self._connection.execute(query).mappings(), 1):
            values = dict(row)
            row_id = str(values.get(unique_id)).strip()
            if zoned and column and values[column] is not None and values[column].tzinfo is None:
                values[column] = values[column].replace(tzinfo=UTC)  # the zone of the session
            first, location = earlier.get(row_id), self._to_read[name].location
            yield ReadRow(values, location, number, (first, location) if first else None)


def _may_repeat(inspector: Any, table: TableToRead) -> bool:
    """Whether a table has ids that must be unique, and no constraint says that they are."""
    if not table.unique_id:
        return False
    schema, _, name = table.location.rpartition(".")
    keys = [inspector.get_pk_constraint(name, schema or None)["constrained_columns"]]
    keys += [u["column_names"] for u in inspector.get_unique_constraints(name, schema or None)]
    return [table.unique_id] not in keys


def _digest(parts: Sequence[str]) -> str:
    return hashlib.blake2b("\n".join(sorted(parts)).encode(), digest_size=16).hexdigest()
