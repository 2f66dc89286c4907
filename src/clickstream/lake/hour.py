"""What the lake holds of one hour: its version, its open sessions, and how it is replaced."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC
from typing import Any

import pandas as pd
import pyarrow as pa

from clickstream.errors import StaleHour
from clickstream.hours import Hour
from clickstream.lake import iceberg
from clickstream.lake.client import Lake
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS

UNPUBLISHED = ""


@dataclass(frozen=True)
class LedgerRow:
    """An hour's row in the ledger; `values` is empty while the hour is unpublished."""

    values: Mapping[str, Any]

    @property
    def version(self) -> str:
        """What tells this publication of the hour from any other."""
        if not self.values:
            return UNPUBLISHED
        return f"{self.values['published_at'].isoformat()} {self.values['published_by']}"


def ledger_row(lake: Lake, hour: Hour) -> LedgerRow:
    """An hour's row in the ledger as it stands now."""
    return _row(iceberg.load(lake, HOUR_LEDGER), hour)


def _row(ledger: iceberg.LoadedTable, hour: Hour) -> LedgerRow:
    rows = ledger.read(hour).to_pylist()
    return LedgerRow(rows[0] if rows else {})


def ledger_rows(lake: Lake, first: Hour, last: Hour) -> dict[Hour, LedgerRow]:
    """The rows of the hours from `first` to `last` that are published, all read at once."""
    scan = iceberg.load(lake, HOUR_LEDGER).iceberg.scan(row_filter=iceberg.between(first, last))
    rows = scan.to_arrow().to_pylist()
    return {Hour(row["hour_at"].replace(tzinfo=UTC)): LedgerRow(row) for row in rows}


def published_hours(lake: Lake, first: Hour, last: Hour) -> set[Hour]:
    """Which of the hours from `first` to `last` are in the ledger."""
    scan = iceberg.load(lake, HOUR_LEDGER).iceberg.scan(
        row_filter=iceberg.between(first, last), selected_fields=("hour_at",)
    )
    found = scan.to_arrow().column("hour_at").to_pylist()
    return {Hour(hour_at.replace(tzinfo=UTC)) for hour_at in found}


def ledger(lake: Lake) -> pd.DataFrame:
    """The whole ledger, by hour."""
    table = iceberg.load(lake, HOUR_LEDGER).iceberg.scan().to_arrow()
    return table.sort_by("hour_at").to_pandas()


def parts_of(lake: Lake, hour: Hour, columns: list[str]) -> pd.DataFrame:
    """Some columns of an hour's published session parts."""
    return iceberg.load(lake, SESSION_PARTS).read(hour, columns).to_pandas()


def replace(
    lake: Lake,
    hour: Hour,
    version: str,
    rows: Mapping[str, pa.Table],
    make_ledger_row: Callable[[LedgerRow], pa.Table],
) -> LedgerRow:
    """Replace an hour in every table, the ledger last.

    All tables are loaded first, then the hour's version is compared with the one that the build
    stood on: a publication before the loads shows in the version, one after them makes Iceberg
    refuse the overwrite. Either way StaleHour is raised, and the build starts afresh.
    `make_ledger_row` gets the row that is replaced and returns the new one, as an Arrow table.
    """
    loaded = {
        table.name: iceberg.load(lake, table)
        for table in (HOUR_LEDGER, HITS, SESSION_PARTS, REJECTS)
    }
    before = _row(loaded[HOUR_LEDGER.name], hour)
    if before.version != version:
        raise StaleHour(f"Hour {hour} was published by someone else meanwhile; build it again.")
    for table in (HITS, SESSION_PARTS, REJECTS):
        loaded[table.name].replace_hour(hour, rows[table.name])
    row = make_ledger_row(before)
    loaded[HOUR_LEDGER.name].replace_hour(hour, row)
    return LedgerRow(row.to_pylist()[0])
