"""Build hours that follow on each other, each stitched to the one before while none is published.

What an hour hands on follows from its own parts and what it took over, so only the first of them
asks the published hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from more_itertools import constrained_batches, split_when

from clickstream.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.raw import RawObject
from clickstream.lake.visitor_keys import KeyRing
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
from clickstream.pipeline.replay_window import ReplayWindow
from clickstream.pipeline.together import build_together

CLEANED_AT_ONCE = 8 << 20
"""Raw bytes, compressed, of hours that are cleaned as one: some 350,000 lines, a group of `bulk`.

It bounds what is held in memory while they are.
"""

PUBLISHED_AT_ONCE = 32 << 20
"""The same of hours that are published as one, each of some commits: more than a million lines.

It bounds the rows that wait in memory, and what a run that is killed has to do again.
"""

RawObjects = Mapping[Hour, Sequence[RawObject]]


@aws_errors.translate_errors()
def build_hours(lake: Lake, hours: Sequence[Hour], afresh: bool = True) -> list[Built]:
    """Clean, stitch and check hours that follow on each other; no table is touched.

    A large hour goes by way of staging, and one alone; others are built in memory, as many together
    as it allows. Unless `afresh`, rows that wait in staging, of today's lines and rules, are not
    cleaned again. Raises KeyDestroyed if one of them is past its replay window.
    """
    rows = hour_ledger.ledger_rows(lake, hours[0], hours[-1])  # before anything is read
    raws = raw.raw_by_hour(lake, hours[0], hours[-1])
    window = ReplayWindow(lake)
    window.check_all(rows.values())
    carry = handed_on(lake, hours[0], window.keys.of_hour(hours[0]).ids, window)
    built: list[Built] = []
    for piece in pieces(hours, _size_in(raws), CLEANED_AT_ONCE):
        begun = [begin(lake, h, rows.get(h, LedgerRow({})), raws[h], window) for h in piece]
        some, carry = _built(lake, window.keys, begun, raws, carry, afresh)
        built += some
    return built


def _built(
    lake: Lake,
    keys: KeyRing,
    begun: Sequence[Staged],
    raws: RawObjects,
    carry: pa.Table,
    afresh: bool,
) -> tuple[list[Built], pa.Table]:
    """The hours of a piece, and what the last one hands on."""
    known = [None if afresh else waiting(lake, one) for one in begun]
    if len(begun) > 1 and not any(known):
        return build_together(lake, keys, begun, raws, carry)
    built = []
    for there, one in zip(known, begun, strict=True):
        hour = Hour.parse(one.hour)
        cleaned = there or clean_lines(lake, keys.of_hour(hour), one, raws[hour])
        staged, carry = stitch(lake, cleaned, carry)
        built.append(from_staging(lake, check_hour(lake, staged)))
    return built, carry


def in_batches(lake: Lake, hours: Sequence[Hour]) -> Iterator[Sequence[Hour]]:
    """Hours of one day, in order, in pieces that follow on each other and are not too large."""
    raws = raw.raw_by_hour(lake, hours[0], hours[-1]) if hours else {}
    return pieces(hours, _size_in(raws), PUBLISHED_AT_ONCE)


def _size_in(raws: RawObjects) -> Callable[[Hour], int]:
    return lambda hour: sum(item.size for item in raws.get(hour, ()))


def pieces(
    hours: Iterable[Hour], size: Callable[[Hour], int], most: int
) -> Iterator[Sequence[Hour]]:
    """Hours in pieces that follow on each other, as large as may be; a larger hour is alone."""
    for run in split_when(hours, lambda hour, following: following != hour.next):
        yield from constrained_batches(run, most, get_len=size, strict=False)
