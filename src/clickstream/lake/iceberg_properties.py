"""Properties of the lake's tables, and the check that existing tables have our columns.

Each task opens the lake, so this module imports no pyiceberg.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from clickstream import __version__
from clickstream.core.errors import NewerLake, OtherBucket
from clickstream.lake.client import Lake
from clickstream.tables import Table

PROPERTIES = {
    "write.parquet.compression-codec": "zstd",
    # A commit must not get slower with every hour in the table. So few versions are kept, and
    # manifests have bounds only of the columns in a table's `filtered_by` and `rarely_set`.
    "write.metadata.delete-after-commit.enabled": "true",
    "write.metadata.previous-versions-max": "10",
    "write.metadata.metrics.default": "none",
    # A backfill has concurrent builders; a writer that loses a conflict retries quickly.
    "commit.retry.num-retries": "20",
    "commit.retry.min-wait-ms": "20",
    "commit.retry.max-wait-ms": "1000",
}

FIELD_CURRENT = "iceberg.field.current"
"""pyiceberg's mark of a column in Glue: `false` for one that the table had earlier."""


def properties_of(table: Table) -> dict[str, str]:
    """Return a table's properties: those of every table, and its columns with statistics."""
    counted = (*table.filtered_by, *table.rarely_set)
    metrics = {f"write.metadata.metrics.column.{name}": "full" for name in counted}
    return PROPERTIES | metrics


def check_tables(lake: Lake) -> bool:
    """Return whether all tables exist with our columns and properties; refuse a newer lake.

    Opening a lake usually takes only this, and each task opens it again. So it is one request:
    pyiceberg copies a table's properties and columns to its entry in Glue. Raises NewerLake, and
    OtherBucket if the tables are in another bucket than that of the settings.
    """
    entries = lake.catalog_entries(table.name for table in lake.tables)
    for name, entry in entries.items():
        address = entry.get("Parameters", {}).get("metadata_location", "")
        bucket = address.removeprefix("s3://").partition("/")[0]
        if bucket and bucket != lake.bucket:
            raise OtherBucket(
                f"The table {name} of database {lake.database} is in the bucket {bucket}, and the "
                f"settings name the bucket {lake.bucket}. Nothing was changed. Set [lake] bucket = "
                f'"{bucket}", or [lake] database to another name for a new lake.'
            )
    are_current = [_is_current(lake, t, entries[t.name]) for t in lake.tables if t.name in entries]
    return len(entries) == len(lake.tables) and all(are_current)


def _is_current(lake: Lake, table: Table, entry: Mapping[str, Any]) -> bool:
    """Return whether a table has our columns and properties, by its entry in Glue."""
    stored = {
        column["Name"]
        for column in entry["StorageDescriptor"]["Columns"]
        if column.get("Parameters", {}).get(FIELD_CURRENT) != "false"
    }
    refuse_unknown(lake, table, stored)
    has_columns = stored == {*table.column_names}
    return has_columns and properties_of(table).items() <= entry.get("Parameters", {}).items()


def refuse_unknown(lake: Lake, table: Table, columns: Collection[str]) -> None:
    """Raise NewerLake if a stored table has columns that this release does not know.

    This release would replace rows by rows without these values.
    """
    if unknown := sorted({*columns} - {*table.column_names}):
        raise NewerLake(
            f"The table {table.name} of database {lake.database} has columns that this release of "
            f"clickstream, {__version__}, does not know: {', '.join(unknown)}. Another release "
            "made it; nothing was changed. Install that release, or a newer one; of the demo, "
            "delete the lake by `make clean-demo`."
        )
