"""Expiry: snapshots that nobody can want to travel back to are forgotten."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pyiceberg.exceptions import CommitFailedException
from pyiceberg.table import Table as IcebergTable

from clickstream.lake import iceberg_tables
from clickstream.lake.client import Lake
from clickstream.tables import Table

MOST_ATTEMPTS = 10


def past(table: IcebergTable, horizon: datetime) -> list[int]:
    """Ids of the snapshots that were replaced by others before the horizon.

    What counts is when a snapshot was replaced, not when it was made: the one that was the
    table's state at the horizon stays, however old it is, and so do all that came after it.
    """
    at_horizon = table.snapshot_as_of_timestamp(int(horizon.timestamp() * 1000))
    if at_horizon is None:
        return []
    order = [entry.snapshot_id for entry in table.history()]
    last_one = len(order) - 1 - order[::-1].index(at_horizon.snapshot_id)
    kept = {*order[last_one:], *(ref.snapshot_id for ref in table.refs().values())}
    return [snapshot_id for snapshot_id in order if snapshot_id not in kept]


def expire(lake: Lake, table: Table, horizon: datetime) -> int:
    """Forget a table's past snapshots; returns how many. Their files stay until they are swept.

    A commit or an expiry by someone else meanwhile is no harm: it is tried again.
    """
    for _ in range(MOST_ATTEMPTS - 1):
        with suppress(CommitFailedException, ValueError):  # ValueError: one is gone already
            return _expire(lake, table, horizon)
    return _expire(lake, table, horizon)


def _expire(lake: Lake, table: Table, horizon: datetime) -> int:
    loaded = iceberg_tables.load(lake, table).iceberg
    ids = past(loaded, horizon)
    if ids:
        iceberg_tables.forget(loaded, ids)
    return len(ids)
