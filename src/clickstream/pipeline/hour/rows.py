"""The rows of consecutive hours from their labelled requests, without a lake.

`batch` calls this to build hours in memory, and `log_facts` for log files.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from clickstream import clean, sessions
from clickstream.hours import Hour
from clickstream.parquet import shape
from clickstream.sessions import SessionRules
from clickstream.tables import HITS, SESSION_PARTS, Table

HourNumbers = NDArray[np.int32]
"""For each row the number of its hour, in ascending order."""


def build_rows(
    requests: clean.RequestTable, hours: Sequence[Hour], carry: pa.Table, rules: SessionRules
) -> tuple[dict[Table, list[pa.Table]], list[str], pa.Table]:
    """Return hits and session parts by hour, digests, and the carry-out of the last hour.

    The digests are those of the carry-in of the first hour, and of the carry-out of each hour.
    """
    of_requests = requests.columns["hour"]
    cut = sessions.cut(requests, rules, of_requests)
    of_parts = of_requests[cut.order[cut.first]]
    parts = sessions.make_parts(requests, cut, rules)
    hits = pa.concat_tables(sessions.hits_in_order(requests, cut, parts))
    by_hour = [parts[some] for some in hour_slices(of_parts, hours)]
    stitched, digests, carry_out = _stitch_all(by_hour, hours, carry, rules)
    rows = {
        HITS: split_by_hour(hits, HITS, of_requests[requests.is_hit], hours),
        SESSION_PARTS: split_by_hour(stitched, SESSION_PARTS, of_parts, hours),
    }
    return rows, digests, carry_out


def _stitch_all(
    parts: Sequence[pa.Table], hours: Sequence[Hour], carry: pa.Table, rules: SessionRules
) -> tuple[pa.Table, list[str], pa.Table]:
    """Return all parts with their sessions, and digests and carry-out as `_build_rows`."""
    found: list[pa.Table] = []
    digests = [sessions.carry_digest(carry)]
    for some, hour in zip(parts, hours, strict=True):
        stitched, carry = stitch_to_carry(carry, [some], hour, rules)
        found += stitched
        digests.append(sessions.carry_digest(carry))
    return pa.concat_tables(found), digests, carry


def split_by_hour(
    rows: pa.Table, table: Table, of_rows: HourNumbers, hours: Sequence[Hour]
) -> list[pa.Table]:
    """Convert rows to the columns of the table, and split them into one piece for each hour."""
    shaped = shape(rows, table, pa.array(of_rows.astype("M8[h]").astype("M8[us]")))
    return [shaped[some] for some in hour_slices(of_rows, hours)]


def hour_slices(of_rows: HourNumbers, hours: Sequence[Hour]) -> list[slice]:
    """Return the slice of the rows of each hour."""
    edges = [hours[0].number, *(hour.next.number for hour in hours)]
    return [slice(*ends) for ends in pairwise(np.searchsorted(of_rows, edges).tolist())]


def stitch_to_carry(
    carry: pa.Table, tables: Iterable[pa.Table], hour: Hour, rules: SessionRules
) -> tuple[list[pa.Table], pa.Table]:
    """Stitch an hour's parts, given in any number of tables; also return the hour's carry-out."""
    stitched = [sessions.stitch(parts, carry, rules) for parts in tables]
    rows = pa.concat_tables([carry, *map(sessions.carry_rows, stitched)])
    return stitched, sessions.carry_out(rows, hour, rules)
