"""Local copy of the facts in a DuckDB file, which answers the dashboard's questions.

Each update is one transaction: readers see the files of one manifest, the old one or the new one. A
copy that can't be read is built again. Only one process at a time can open a copy. `export_facts`
writes a copy as Parquet files.
"""

from __future__ import annotations

import contextlib
import logging
import re
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from itertools import groupby
from operator import attrgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
from more_itertools import constrained_batches

from clickstream.core.errors import InputError, is_disk_full
from clickstream.dashboard.ask.fact_views import GOALS, SESSIONS
from clickstream.dashboard.ask.question import FactId, Question
from clickstream.dashboard.ask.visit_days import VISIT_DAYS, dates_by_hour, renew_days
from clickstream.lake.fact_files import ALL_FACT_VIEWS, COMPUTED_VIEWS, FactFile, Manifest

log = logging.getLogger("clickstream")

FILE_NAME = "facts.duckdb"
FORMAT = 3
"""Format of the copy's own tables; a copy of another format is built again."""

CONFIG: dict[str, str | bool | int | float | list[str]] = {
    "threads": 2,
    "memory_limit": "256MB",
    # Chosen visits are hashed, not all: a question with a filter by page takes a third of the time.
    "disabled_optimizers": "build_side_probe_side",
}
ROWS_OF_A_BATCH = 30_000
"""Limit of the rows in one batch; a file with more rows is read as one batch."""

COPIED_DAY = "copied_day"
"""The column with the date of the file that a row came from."""

IDS = {"session_id", "visitor_id"}
"""Columns of 16 hexadecimal digits, stored as 64-bit numbers for faster counts and joins."""

_VIEW = re.compile(rf"\b(?:\w+_facts|{'|'.join(COMPUTED_VIEWS)})\b")

ReadFile = Callable[[FactFile], pa.Table | None]


@dataclass(frozen=True)
class CopyState:
    """The manifest that the copy matches; version 0 before the first update.

    `changed_at` is the time at which that manifest was written.
    """

    version: int
    changed_at: datetime | None
    time_zone: str


class CopyInUse(InputError):
    """Another process has the copy open."""

    code = "CS-603"


EMPTY = CopyState(0, None, "")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def state_of(manifest: Manifest) -> CopyState:
    """Return the state of a copy that matches a manifest."""
    return CopyState(manifest.version, manifest.changed_at, manifest.time_zone)


class FactCopy:
    """The copy in a directory; `read_file` fetches the rows of a fact file.

    `views` are the SELECTs of the views without files. Raises CopyInUse if another process has the
    copy open.
    """

    def __init__(
        self,
        directory: Path,
        read_file: ReadFile = lambda _file: None,
        views: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self._read_file = read_file
        self._views = views
        self._updating = threading.Lock()
        self._opening = threading.Lock()
        self._cursors: set[Any] = set()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._connection = _open(directory / FILE_NAME)

    def close(self) -> None:
        """Close the file. Interrupts running questions; a running update is rolled back."""
        while True:
            with self._opening:
                if not self._cursors:
                    self._connection.close()
                    return
                for cursor in self._cursors:
                    cursor.interrupt()
            time.sleep(0.01)

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[Any]:
        """Open a transaction that is rolled back unless the block commits it."""
        with self._opening:
            cursor = self._connection.cursor()
            self._cursors.add(cursor)
        try:
            cursor.execute("begin")
            yield cursor
        finally:
            with self._opening:
                self._cursors.remove(cursor)
                cursor.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """Open a consistent view of the copy that later updates do not change."""
        with self._transaction() as cursor:
            yield Snapshot(_state(cursor), cursor)

    def update(self, manifest: Manifest) -> bool:
        """Update the copy to match a manifest; return whether it changed.

        The copy stays unchanged if a file no longer exists, because a newer manifest has replaced
        it.
        """
        try:
            with self._updating, self._transaction() as cursor:
                if _state(cursor) == state_of(manifest):
                    return False
                self._replace_files(cursor, manifest)
                self._define_views(cursor)
                _commit(cursor, state_of(manifest))
        except _FileGone:
            return False
        return True

    def replace(
        self,
        parts: Iterable[Mapping[str, pa.Table]],
        first: date,
        time_zone: str,
        *,
        has_sums: bool = True,
    ) -> int:
        """Replace the rows of all dates from `first` on, and return the new version.

        Each part has the rows of each view for some dates, with their COPIED_DAY. Without sums,
        those of `visit_days` are removed, and rows answer all questions until `add_sums`.
        """
        with self._updating, self._transaction() as cursor:
            days: set[date] = set()
            for view in _tables(cursor).intersection(ALL_FACT_VIEWS):
                deleted = f"delete from {view} where copied_day >= ? returning copied_day"  # noqa: S608
                old = cursor.execute(deleted, [first]).fetchall()
                days |= {day for (day,) in old} if view == SESSIONS.name else set()
            for part in parts:
                for view, rows in part.items():
                    insert_rows(cursor, view, rows)
                days |= {*pc.unique(part[SESSIONS.name][COPIED_DAY]).to_pylist()}
            if has_sums:
                _renew_days(cursor, days)
            else:
                cursor.execute(f"drop table if exists {VISIT_DAYS}")
            state = CopyState(_state(cursor).version + 1, datetime.now(UTC), time_zone)
            _commit(cursor, state)
            return state.version

    def add_sums(self) -> None:
        """Compute the sums of visits that `replace` has left out; none if the copy has them."""
        with self._updating, self._transaction() as cursor:
            tables = _tables(cursor)
            if VISIT_DAYS not in tables and {SESSIONS.name, GOALS.name} <= tables:
                renew_days(cursor, (), {*columns_of(cursor, SESSIONS.name)}, exists=False)
                cursor.execute("commit")

    def _replace_files(self, cursor: Any, manifest: Manifest) -> None:
        """Replace the rows of all files that differ."""
        stored = _stored_files(cursor)
        new: list[tuple[str, date, str]] = []
        days: set[date] = set()
        for view in ALL_FACT_VIEWS:
            before, wanted = stored.get(view, {}), manifest.files.get(view, {})
            changed = {day: file for day, file in wanted.items() if before.get(day) != file.key}
            old = [day for day in before if day in changed or day not in wanted]
            if not old and not changed:
                continue
            if old:
                cursor.execute("delete from copied_files where view = ? and day in ?", [view, old])
                cursor.execute(f"delete from {view} where copied_day in ?", [old])  # noqa: S608
            for rows in self._batches(changed):
                insert_rows(cursor, view, rows)
            new += [(view, day, file.key) for day, file in changed.items()]
            days |= {*old, *changed} if view in (SESSIONS.name, GOALS.name) else set()
        _note_files(cursor, new)
        _renew_days(cursor, days)

    def _define_views(self, cursor: Any) -> None:
        """Create the views without files whose tables are copied."""
        tables = _tables(cursor) if self._views else set()
        for name, sql in self._views.items():
            if {*_VIEW.findall(sql)} - {name} <= tables:
                cursor.execute(f"create or replace view {name} as {sql}")
                tables.add(name)

    def _batches(self, files: Mapping[date, FactFile]) -> Iterator[pa.Table]:
        """Read files, and join the rows of neighbours that have the same columns.

        DuckDB takes several milliseconds for a statement, whatever its rows.
        """
        rows = (self._rows_of(day, file) for day, file in files.items())
        for _, alike in groupby(rows, key=attrgetter("schema")):
            batches = constrained_batches(alike, ROWS_OF_A_BATCH, strict=False)
            yield from map(pa.concat_tables, batches)

    def _rows_of(self, day: date, file: FactFile) -> pa.Table:
        rows = self._read_file(file)
        if rows is None:
            raise _FileGone
        return rows.append_column(COPIED_DAY, pa.repeat(pa.scalar(day), len(rows)))


class _FileGone(Exception):
    """A fact file of the manifest no longer exists."""


class Snapshot:
    """The copy at one manifest, for one reader at a time."""

    def __init__(self, state: CopyState, cursor: Any) -> None:
        self.state = state
        self.cursor = cursor

    @cached_property
    def _tables(self) -> set[str]:
        return _tables(self.cursor)

    @cached_property
    def _dates_by_hour(self) -> frozenset[date]:
        return dates_by_hour(self.cursor)

    def rows(self, question: Question) -> list[tuple[Any, ...]]:
        """Answer a question; return no rows for a fact view that was never copied."""
        if not {*_VIEW.findall(question.sql)} <= self._tables:
            return []
        sql, values = question.sql, question.values
        days = question.on_days if VISIT_DAYS in self._tables else None
        if days and days.by_hour <= self._dates_by_hour:
            sql, values = days.sql, days.values
        # The copy stores ids as numbers.
        stored = [int(value, 16) if isinstance(value, FactId) else value for value in values]
        rows: list[tuple[Any, ...]] = self.cursor.execute(sql, stored).fetchall()
        return rows


def _tables(cursor: Any) -> set[str]:
    """Return the names of the tables and views."""
    rows = cursor.execute(
        "select table_name from duckdb_tables() union all select view_name from duckdb_views()"
    ).fetchall()
    return {name for (name,) in rows}


def _open(path: Path) -> duckdb.DuckDBPyConnection:
    try:
        return _open_with_tables(path)
    except (duckdb.Error, ValueError) as error:
        if is_disk_full(error):
            raise
        if isinstance(error, duckdb.IOException) and "lock" in str(error).lower():
            raise CopyInUse(
                f"Another process has the dashboard's copy {path} open; stop it, or set "
                "[dashboard] directory to another one."
            ) from None
        reason = str(error)
    log.warning(f"The dashboard's copy {path} can't be read and is built again: {reason}")
    for leftover in (path, path.with_name(f"{path.name}.wal")):
        leftover.unlink(missing_ok=True)
    return _open_with_tables(path)


def _open_with_tables(path: Path) -> duckdb.DuckDBPyConnection:
    """Open the file, readable by its owner only, with the tables that describe the copy."""
    connection = duckdb.connect(path, config=CONFIG)
    path.chmod(0o600)
    tables = {row[0] for row in connection.execute("show tables").fetchall()}
    if not tables:
        connection.execute("create table copy_format as select ? as format", [FORMAT])
        connection.execute("create table copied_files (view varchar, day date, key varchar)")
        connection.execute(
            "create table copy_state (version bigint, changed_at timestamptz, time_zone varchar)"
        )
    elif connection.execute("from copy_format").fetchone() != (FORMAT,):
        connection.close()
        raise ValueError(f"it has another format than {FORMAT}")
    return connection


def _renew_days(cursor: Any, days: set[date]) -> None:
    """Compute the sums of visits of dates again, if the copy has visits and goals."""
    tables = _tables(cursor)
    if days and {SESSIONS.name, GOALS.name} <= tables:
        renew_days(cursor, days, {*columns_of(cursor, SESSIONS.name)}, VISIT_DAYS in tables)


def _commit(cursor: Any, state: CopyState) -> None:
    cursor.execute("delete from copy_state")
    values = [state.version, state.changed_at, state.time_zone]
    cursor.execute("insert into copy_state values (?, ?, ?)", values)
    cursor.execute("commit")


def _state(cursor: Any) -> CopyState:
    cursor.execute("select version, epoch_us(changed_at), time_zone from copy_state")
    row = cursor.fetchone()
    if row is None:
        return EMPTY
    return CopyState(row[0], _EPOCH + timedelta(microseconds=row[1]), row[2])


def _stored_files(cursor: Any) -> dict[str, dict[date, str]]:
    """Return the keys of the copied files by fact view and date."""
    files: dict[str, dict[date, str]] = {}
    for view, day, key in cursor.execute("select view, day, key from copied_files").fetchall():
        files.setdefault(view, {})[day] = key
    return files


def _note_files(cursor: Any, files: Sequence[tuple[str, date, str]]) -> None:
    """Note the view, the date and the key of each file, in one statement.

    One statement for each file takes a quarter of the CPU time of a copy of a few visits.
    """
    if files:
        columns = [[*column] for column in zip(*files, strict=True)]
        selected = "unnest(?::varchar[]), unnest(?::date[]), unnest(?::varchar[])"
        cursor.execute(f"insert into copied_files select {selected}", columns)


def insert_rows(cursor: Any, view: str, rows: pa.Table) -> None:
    """Insert rows by the names of their columns.

    All files of a view in a manifest are of one SQL. So a table with other columns is replaced.
    """
    columns = ", ".join(
        f"('0x' || {name})::ubigint as {name}" if name in IDS else name
        for name in rows.column_names
    )
    # DuckDB finds the variable `rows`. A registered table would stay in memory until the
    # transaction ends: a year of 20,000 page views a day took 4 GB instead of 0.5 GB.
    select = f"select {columns} from rows"  # noqa: S608
    stored = {*columns_of(cursor, view)}
    if stored == {*rows.column_names}:
        cursor.execute(f"insert into {view} by name {select}")
    else:
        cursor.execute(f"create or replace table {view} as {select}")


def columns_of(cursor: Any, view: str) -> list[str]:
    """Return the columns of a fact view in their order; none if it was never copied."""
    rows = cursor.execute(
        "select column_name from duckdb_columns() where table_name = ? order by column_index",
        [view],
    )
    return [name for (name,) in rows.fetchall()]


def export_facts(snapshot: Snapshot, directory: Path) -> list[Path]:
    """Write the rows of all fact views, with ids as 16 hexadecimal digits; return the files.

    Existing files are replaced only after all are written. Raises InputError for a directory that
    has other files, or that can't be written.
    """
    columns = {view: columns_of(snapshot.cursor, view) for view in ALL_FACT_VIEWS}
    files = {view: directory / f"{view}.parquet" for view in ALL_FACT_VIEWS if columns[view]}
    _check_directory(directory, {path.name for path in files.values()})
    try:
        with tempfile.TemporaryDirectory(prefix=".clickstream-", dir=directory) as beside:
            for view, path in files.items():
                _write_view(snapshot.cursor, view, columns[view], Path(beside, path.name))
            for path in files.values():
                Path(beside, path.name).replace(path)
    except (OSError, duckdb.IOException) as error:
        raise _not_written(directory, error) from None
    return [*files.values()]


def _write_view(cursor: Any, view: str, columns: Iterable[str], path: Path) -> None:
    chosen = ", ".join(
        f"format('{{:016x}}', {name}) as {name}" if name in IDS else f'"{name}"'
        for name in columns
        if name != COPIED_DAY
    )
    quoted = str(path).replace("'", "''")
    sql = f"copy (select {chosen} from {view} order by all) to '{quoted}' (format parquet)"  # noqa: S608
    cursor.execute(sql)


def _not_written(directory: Path, error: Exception) -> InputError:
    reason = "the disk is full" if is_disk_full(error) else getattr(error, "strerror", error)
    return InputError(
        f"Can't write to {directory}: {reason}. Free space there, or name another directory."
    )


def _check_directory(directory: Path, names: set[str]) -> None:
    """Create the directory, and refuse one that has other files than those of an export."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        other_files = sorted({path.name for path in directory.iterdir()} - names)
    except OSError as error:
        raise _not_written(directory, error) from None
    if other_files:
        raise InputError(
            f"{directory} has other files, such as {other_files[0]}; name an empty or new "
            "directory."
        )
