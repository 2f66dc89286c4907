"""Rows of the lake's tables and whole publications, built from the few values that matter."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.hour_ledger import UNPUBLISHED, LedgerRow
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import Publication, Replaced, publish_hours
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    REJECTS,
    SESSION_CHANGES,
    SESSION_PARTS,
    Table,
)


def build_rows(table: Table, hour: Hour, *rows: Mapping[str, object]) -> pa.Table:
    """Rows of an hour with the given values; other required columns hold a placeholder."""
    placeholders: dict[str, object] = {
        **{"string": "text", "int": 1, "long": 1, "double": 1.0, "boolean": False},
        **{"timestamp": hour.naive, "date": hour.event_date},
    }
    defaults = {c.name: placeholders[c.type] for c in table.columns if c.required}
    return pa.Table.from_pylist([{**defaults, **row} for row in rows], schema=table.arrow_schema())


def store_rows(lake: Lake, table: Table, hour: Hour, *rows: Mapping[str, object]) -> None:
    """Replace an hour's rows of one table in one commit."""
    iceberg_tables.load(lake, table).replace(hour, hour, build_rows(table, hour, *rows))


def build_publication(
    hour: Hour, *visitors: str, version: str = UNPUBLISHED, hits: int = 1
) -> Publication:
    """An hour with a session part for each visitor, some hits and one reject."""
    rows = {
        HITS.name: build_rows(HITS, hour, *[{}] * hits),
        SESSION_PARTS.name: build_rows(SESSION_PARTS, hour, *({"visitor_id": v} for v in visitors)),
        REJECTS.name: build_rows(REJECTS, hour, {"reason": "test"}),
    }
    return Publication(hour, version, lambda table: rows[table.name])


def build_audit(run_id: str, hours: Sequence[Hour]) -> Mapping[str, pa.Table]:
    """An audit with one raw object and one ledger row for each hour, and no session changes."""

    def for_each_hour(table: Table, **values: object) -> pa.Table:
        return pa.concat_tables(build_rows(table, hour, values) for hour in hours)

    return {
        RAW_OBJECTS.name: for_each_hour(RAW_OBJECTS, raw_object=f"raw/{run_id}.gz"),
        SESSION_CHANGES.name: SESSION_CHANGES.arrow_schema().empty_table(),
        HOUR_LEDGER.name: for_each_hour(HOUR_LEDGER, published_by=run_id),
    }


def publish_as(
    lake: Lake, run_id: str, *hours: Publication
) -> tuple[Sequence[Replaced], list[LedgerRow]]:
    """Publish hours with the audit of `build_audit`; return what they replace."""

    def audit(_replaced: Sequence[Replaced]) -> Mapping[str, pa.Table]:
        return build_audit(run_id, [one.hour for one in hours])

    return publish_hours(lake, hours, run_id, audit)


def stored_values(lake: Lake, table: Table, hour: Hour, column: str) -> list[Any]:
    """The values that a column of the table has in an hour, sorted."""
    found = iceberg_tables.load(lake, table).read(hour, hour, [column])
    return sorted(found[column].to_pylist())
