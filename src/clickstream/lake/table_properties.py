"""Properties of the lake's tables, and the check that existing tables have the layout of a release.

Each task opens the lake, so this module imports no pyiceberg.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from clickstream import __version__
from clickstream.errors import OtherLayout
from clickstream.lake.client import Lake
from clickstream.tables import LAYOUT_VERSION, Table

LAYOUT_PROPERTY = "clickstream.layout-version"
UNMARKED_VERSION = 1
"""The version of tables without the property."""

PROPERTIES = {
    LAYOUT_PROPERTY: str(LAYOUT_VERSION),
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
    """Return whether all tables exist with our columns and properties; refuse another layout.

    Tables with further columns were made by a newer release. This one would replace their rows by
    rows without these values, so it is refused before it writes.

    Opening a lake usually takes only this, and each task opens it again. So it is one request:
    pyiceberg copies a table's properties and columns to its entry in Glue. Raises OtherLayout.
    """
    entries = lake.catalog_entries(table.name for table in lake.tables)
    is_current = True
    for table in lake.tables:
        if table.name not in entries:
            is_current = False
            continue
        parameters = entries[table.name].get("Parameters", {})
        refuse_other_layout(lake, parameters)
        columns, ours = _columns(entries[table.name]), {*table.column_names}
        if unknown := sorted(columns - ours):
            raise OtherLayout(
                f"The table {table.name} of database {lake.database} has columns that this release "
                f"of clickstream, {__version__}, does not know: {', '.join(unknown)}. A newer "
                "release added them; nothing was changed. Install that release, or a newer one."
            )
        is_current &= ours <= columns and properties_of(table).items() <= parameters.items()
    return is_current


def _columns(entry: Mapping[str, Any]) -> set[str]:
    """Return the columns that a table has now, by its entry in Glue."""
    return {
        column["Name"]
        for column in entry["StorageDescriptor"]["Columns"]
        if column.get("Parameters", {}).get(FIELD_CURRENT) != "false"
    }


def refuse_other_layout(lake: Lake, parameters: Mapping[str, str]) -> None:
    """Raise OtherLayout if a table's properties have another version than ours."""
    version = int(parameters.get(LAYOUT_PROPERTY, UNMARKED_VERSION))
    if version == LAYOUT_VERSION:
        return
    remedy = (
        f'Run `make clean-demo` if it is the demo. Otherwise set [lake] database = "{lake.database}'
        f'_{LAYOUT_VERSION}" and run `clickstream verify`: it prints the command `clickstream '
        "build FROM TO` that builds all hours with raw lines in that database. See "
        "docs/runbook.md, An older lake."
        if version < LAYOUT_VERSION
        else "Install the release that made the tables, or a newer one."
    )
    raise OtherLayout(
        f"The tables of database {lake.database} are of layout version {version}, and this release "
        f"of clickstream needs version {LAYOUT_VERSION}. {remedy}"
    )
