"""Build hours that follow on each other, each stitched to the one before while none is published.

What an hour hands on follows from its own parts and what it took over, so only the first of them
asks the published hours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import pandas as pd

from clickstream.hours import Hour
from clickstream.lake import Lake, raw, trouble
from clickstream.lake import hour as lake_hour
from clickstream.lake.hour import LedgerRow
from clickstream.pipeline.build import (
    begin,
    check_hour,
    clean_lines,
    from_staging,
    stitch,
    waiting,
)
from clickstream.pipeline.chain import handed_on
from clickstream.pipeline.records import Built, Staged
from clickstream.pipeline.together import build_together

BYTES_AT_ONCE = 8 << 20
"""Raw bytes, compressed, of hours that are built and published as one: some 350,000 lines.

It bounds what is held in memory (about a group of `bulk`), what a run that is killed has to do
again, and how large a file an hour may lie in that is built again by itself.
"""


@trouble.told()
def build_hours(lake: Lake, hours: Sequence[Hour], afresh: bool = True) -> list[Built]:
    """Clean, stitch and check hours that follow on each other; no table is touched.

    One hour may be of any size, and goes by way of staging; several are built in memory. Unless
    `afresh`, rows that wait in staging, of today's lines and rules, are not cleaned again.
    """
    rows = lake_hour.ledger_rows(lake, hours[0], hours[-1])  # before anything is read
    raws = raw.raw_by_hour(lake, hours[0], hours[-1])
    begun = [begin(lake, h, rows.get(h, LedgerRow({})).version, raws[h]) for h in hours]
    known = [None if afresh else waiting(lake, one) for one in begun]
    carry = handed_on(lake, hours[0])
    if len(hours) > 1 and not any(known):
        return build_together(lake, begun, raws, carry)
    cleaned = (
        there or clean_lines(lake, one, raws[hour])
        for there, one, hour in zip(known, begun, hours, strict=True)
    )
    return [*_stitched(lake, cleaned, carry)]


def _stitched(lake: Lake, cleaned: Iterable[Staged], carry: pd.DataFrame) -> Iterator[Built]:
    for one in cleaned:
        staged, carry = stitch(lake, one, carry)
        yield from_staging(lake, check_hour(lake, staged))


def in_batches(lake: Lake, hours: Sequence[Hour]) -> Iterator[list[Hour]]:
    """Hours of one day, in order, in pieces that follow on each other and are not too large."""
    raws = raw.raw_by_hour(lake, hours[0], hours[-1]) if hours else {}
    sizes = [sum(item.size for item in raws.get(hour, ())) for hour in hours]
    return pieces(hours, sizes, BYTES_AT_ONCE)


def pieces(hours: Sequence[Hour], sizes: Sequence[int], most: int) -> Iterator[list[Hour]]:
    """Hours in pieces that follow on each other, as large as may be; a larger hour is alone."""
    piece: list[Hour] = []
    total = 0
    for hour, size in zip(hours, sizes, strict=True):
        if piece and (hour != piece[-1].next or total + size > most):
            yield piece
            piece, total = [], 0
        piece.append(hour)
        total += size
    if piece:
        yield piece
