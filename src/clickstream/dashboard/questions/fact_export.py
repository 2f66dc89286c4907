"""Write the facts of a copy as Parquet files, one for each fact view."""

from __future__ import annotations

from pathlib import Path

from clickstream.dashboard.questions.fact_copy import COPIED_DAY, IDS, Snapshot, columns_of
from clickstream.errors import InputError
from clickstream.lake.fact_files import FACT_VIEWS


def export_facts(snapshot: Snapshot, directory: Path) -> list[Path]:
    """Write the rows of all fact views, with ids as 16 hexadecimal digits; return the files.

    Raises InputError for a directory that has other files, or that can't be written.
    """
    columns = {view: columns_of(snapshot.cursor, view) for view in FACT_VIEWS}
    files = {view: directory / f"{view}.parquet" for view in FACT_VIEWS if columns[view]}
    _check(directory, {path.name for path in files.values()})
    for view, path in files.items():
        chosen = ", ".join(
            f"format('{{:016x}}', {name}) as {name}" if name in IDS else f'"{name}"'
            for name in columns[view]
            if name != COPIED_DAY
        )
        quoted = str(path).replace("'", "''")
        sql = f"copy (select {chosen} from {view} order by all) to '{quoted}' (format parquet)"  # noqa: S608
        snapshot.cursor.execute(sql)
    return [*files.values()]


def _check(directory: Path, names: set[str]) -> None:
    """Create the directory, and refuse one that has other files than those of an export."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        others = sorted({path.name for path in directory.iterdir()} - names)
    except OSError as error:
        raise InputError(f"Can't write to {directory}: {error.strerror}.") from None
    if others:
        raise InputError(
            f"{directory} has other files, such as {others[0]}; name an empty or new directory."
        )
