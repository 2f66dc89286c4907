"""Properties of the lake's tables, and the check that existing tables have the layout of a release.

Each task opens the lake, so this module imports no pyiceberg.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

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

    Opening a lake usually takes only this, and each task opens it again. So it is one request:
    pyiceberg copies a table's properties and columns to its entry in Glue. Raises OtherLayout.
    """
    entries = lake.catalog_entries(table.name for table in lake.tables)
    for entry in entries.values():
        refuse_other_layout(lake, entry.get("Parameters", {}))
    return all(t.name in entries and _is_current(t, entries[t.name]) for t in lake.tables)


def _is_current(table: Table, entry: Mapping[str, Any]) -> bool:
    """Return whether a table has our columns and properties, by its entry in Glue."""
    stored = {
        column["Name"]
        for column in entry["StorageDescriptor"]["Columns"]
        if column.get("Parameters", {}).get(FIELD_CURRENT) != "false"
    }
    has_columns = set(table.column_names) <= stored
    return has_columns and properties_of(table).items() <= entry.get("Parameters", {}).items()


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
