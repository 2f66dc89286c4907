"""Changes of stored rows behind the pipeline's back, which `clickstream verify` must find."""

from __future__ import annotations

import random
from datetime import date
from typing import Any

import pyarrow as pa

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.tables import Table


def change_row(
    lake: Lake, table: Table, what: str, day: date, chance: random.Random, source: str | None = None
) -> None:
    """Change a random row of a date, or of a source of sales on it.

    `what` is "delete", "duplicate", "replace by another", or a column: its number is
    changed by 1, or its text gets a letter.
    """
    loaded, at = iceberg_tables.load(lake, table), Hour.midnight(day)
    rows = loaded.read(at, at.plus(23)).to_pylist()
    rows = [row for row in rows if source is None or row["sales_source"] == source]
    place = chance.randrange(len(rows))
    if what == "delete":
        del rows[place]
    elif what == "duplicate":
        rows.append(rows[place])
    elif what == "replace by another":
        rows[place] = rows[place - 1]
    else:
        value = rows[place][what]
        is_number = isinstance(value, int | float)
        rows[place][what] = value + chance.choice((-1, 1)) if is_number else f"{value or ''}x"
    changed: Any = pa.Table.from_pylist(rows, table.arrow_schema())
    chosen = {"only": [{"sales_source": source}]} if source else {}
    loaded.replace(at, at.plus(23), changed, **chosen)
