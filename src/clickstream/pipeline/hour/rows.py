"""The rows of consecutive hours from their labelled requests, without a lake.

`batch` calls this to build hours in memory, and `logs` for log files.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import clean, sessions
from clickstream.core.hours import Hour
from clickstream.parquet import shape
from clickstream.sessions import SessionRules
from clickstream.tables import HITS, SESSION_PARTS, Table


def build_rows(
    requests: clean.RequestTable, carry: pa.Table, rules: SessionRules
) -> dict[Table, pa.Table]:
    """Return the hits and session parts of consecutive hours, in the order of the hours.

    `requests` are in the order of the hours, and `carry` is the carry-in of the first one.
    """
    hour = requests.columns["hour"]
    cut = sessions.cut(requests, rules, hour)
    parts = sessions.make_parts(requests, cut, rules)
    hits = pa.concat_tables(sessions.hits_in_order(requests, cut, parts))
    stitched = sessions.stitch(parts, carry, rules)
    return {
        HITS: shape_hours(hits, HITS, hour[requests.is_hit]),
        SESSION_PARTS: shape_hours(stitched, SESSION_PARTS, hour[cut.order[cut.first]]),
    }


def shape_hours(rows: pa.Table, table: Table, hour: NDArray[np.int32]) -> pa.Table:
    """Convert rows to the columns of the table; `hour` has the number of each row's hour."""
    return shape(rows, table, pa.array(hour.astype("M8[h]").astype("M8[us]")))


def split_by_hour(rows: pa.Table, hours: Sequence[Hour]) -> list[pa.Table]:
    """Split the rows of a table, in the order of the hours, into one piece for each hour."""
    edges = np.array([hours[0].naive, *(hour.next.naive for hour in hours)], "M8[us]")
    ends = np.searchsorted(rows["hour_at"].to_numpy(), edges).tolist()
    return [rows[begin:end] for begin, end in pairwise(ends)]
