"""Write the facts of a copy as Parquet files, one for each fact view."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from clickstream.core.errors import InputError, is_disk_full
from clickstream.dashboard.ask.fact_copy import COPIED_DAY, IDS, Snapshot, columns_of
from clickstream.lake.fact_files import ALL_FACT_VIEWS


def export_facts(snapshot: Snapshot, directory: Path) -> list[Path]:
    """Write the rows of all fact views, with ids as 16 hexadecimal digits; return the files.

    Existing files are replaced only after all are written. Raises InputError for a directory that
    has other files, or that can't be written.
    """
    columns = {view: columns_of(snapshot.cursor, view) for view in ALL_FACT_VIEWS}
    files = {view: directory / f"{view}.parquet" for view in ALL_FACT_VIEWS if columns[view]}
    _check(directory, {path.name for path in files.values()})
    try:
        with tempfile.TemporaryDirectory(prefix=".clickstream-", dir=directory) as beside:
            for view, path in files.items():
                _write(snapshot.cursor, view, columns[view], Path(beside, path.name))
            for path in files.values():
                Path(beside, path.name).replace(path)
    except (OSError, duckdb.IOException) as error:
        raise _not_written(directory, error) from None
    return [*files.values()]


def _write(cursor: Any, view: str, columns: Iterable[str], path: Path) -> None:
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


def _check(directory: Path, names: set[str]) -> None:
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
