"""Build consecutive hours in memory, before any of them is published.

Cleaning, cutting and writing have a high cost per call and a low one per row. So they run once for
all hours of a batch, and only sessions are stitched hour after hour. The rows of an hour equal
those of an hour that is built alone. The carry-out of an hour depends only on its own parts and its
carry-in, so only the first hour of a range reads the published hours before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pyarrow as pa
from more_itertools import constrained_batches, split_when
from numpy.typing import NDArray

from clickstream import clean, sessions
from clickstream.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.raw import RawObject
from clickstream.lake.visitor_keys import KeyRing
from clickstream.parquet import shape
from clickstream.pipeline.hour.build import (
    HourReading,
    begin_build,
    check_hour,
    clean_build,
    find_staged,
    read_from_staging,
    stitch,
)
from clickstream.pipeline.hour.chain import carry_into, stitch_to_carry
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.pipeline.hour.states import BuiltHour, CleanedHour, HourBuild, StitchedHour
from clickstream.sessions import SessionRules
from clickstream.step_config import session_rules
from clickstream.tables import HITS, REJECTS, SESSION_PARTS, Table

HourNumbers = NDArray[np.int32]
"""For each row the number of its hour, in ascending order."""


def build_in_memory(
    lake: Lake,
    keys: KeyRing,
    begun: Sequence[HourBuild],
    raws: Mapping[Hour, Sequence[RawObject]],
    carry: pa.Table,
) -> tuple[list[BuiltHour], pa.Table]:
    """Clean, stitch and check hours of one day; `carry` is the carry-in of the first.

    No table is touched. Also returns the carry-out of the last one. Raises UnbalancedHour for an
    hour whose line balance does not close.
    """
    hours = [Hour.parse(one.hour) for one in begun]
    reading = HourReading(lake, {hour: raws[hour] for hour in hours}, keys.of_hour(hours[0]))
    [requests] = reading.requests()
    rows, digests, carry = _build_rows(requests, hours, carry, session_rules(lake.settings))
    rejects = reading.rejects
    rows[REJECTS] = _split_by_hour(rejects, REJECTS, rejects["hour"].to_numpy(), hours)
    balances = [requests.balance(some) for some in _hour_slices(requests.columns["hour"], hours)]
    built = []
    for number, one in enumerate(begun):
        carry_in, carry_out = digests[number : number + 2]
        of_hour = {table: pieces[number] for table, pieces in rows.items()}
        lines = reading.lines[hours[number]]
        cleaned = CleanedHour(
            **vars(one),
            lines=sum(lines.values()),
            rejected=len(of_hour[REJECTS]),
            balance=balances[number],
            hits=len(of_hour[HITS]),
            other_hosts=reading.other_hosts[hours[number]],
        )
        stitched = cleaned.stitched(len(of_hour[SESSION_PARTS]), carry_in, carry_out)
        built.append(_check_balance(stitched, lines, of_hour))
    return built, carry


def _build_rows(
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
    by_hour = [parts[some] for some in _hour_slices(of_parts, hours)]
    stitched, digests, carry_out = _stitch_all(by_hour, hours, carry, rules)
    rows = {
        HITS: _split_by_hour(hits, HITS, of_requests[requests.is_hit], hours),
        SESSION_PARTS: _split_by_hour(stitched, SESSION_PARTS, of_parts, hours),
    }
    return rows, digests, carry_out


def _check_balance(
    hour: StitchedHour, lines: Mapping[str, int], rows: Mapping[Table, pa.Table]
) -> BuiltHour:
    """Return an hour with its rows if its line balance closes."""
    sums = hour.hits, hour.session_parts, hour.rejected
    hour.check(*sums, f"`clickstream build {hour.hour} {hour.hour}` leaves its rows in staging")
    return BuiltHour(hour, lines, rows.__getitem__)


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


def _split_by_hour(
    rows: pa.Table, table: Table, of_rows: HourNumbers, hours: Sequence[Hour]
) -> list[pa.Table]:
    """Convert rows to the columns of the table, and split them into one piece for each hour."""
    shaped = shape(rows, table, pa.array(of_rows.astype("M8[h]").astype("M8[us]")))
    return [shaped[some] for some in _hour_slices(of_rows, hours)]


def _hour_slices(of_rows: HourNumbers, hours: Sequence[Hour]) -> list[slice]:
    """Return the slice of the rows of each hour."""
    edges = [hours[0].number, *(hour.next.number for hour in hours)]
    return [slice(*ends) for ends in pairwise(np.searchsorted(of_rows, edges).tolist())]


CLEANED_AT_ONCE = 8 << 20
"""Compressed bytes of raw lines of hours that are cleaned together: about 350,000 lines.

That is one group of `spill`. It limits the memory of cleaning.
"""

PUBLISHED_AT_ONCE = 32 << 20
"""Compressed bytes of raw lines of hours that are published as one: over a million lines.

Each publication takes several commits. The limit bounds the rows that wait in memory, and what a
run that is killed has to do again.
"""

RawObjects = Mapping[Hour, Sequence[RawObject]]


@aws_errors.translate_errors()
def build_hours(lake: Lake, hours: Sequence[Hour], afresh: bool = True) -> list[BuiltHour]:
    """Clean, stitch and check consecutive hours; no table is touched.

    A large hour, or a single one, is built through staging; others are built in memory, as many
    together as CLEANED_AT_ONCE allows. Unless `afresh`, hours are not cleaned
    again if staging has rows from the current lines and rules. Raises PastWindow if one of the
    hours is past its replay window.
    """
    # Read before raw is listed, to detect a later publication.
    rows = hour_ledger.ledger_rows(lake, hours[0], hours[-1])
    raws = raw.raw_by_hour(lake, hours[0], hours[-1])
    window = ReplayWindow(lake)
    window.check_all({hour: rows.get(hour, LedgerRow({})) for hour in hours})
    carry = carry_into(lake, hours[0], window.keys.of_hour(hours[0]).ids, window)
    built: list[BuiltHour] = []
    for piece in split_by_size(hours, _sizes(raws), CLEANED_AT_ONCE):
        begun = [begin_build(lake, h, rows.get(h, LedgerRow({})), raws[h], window) for h in piece]
        some, carry = _build_piece(lake, window.keys, begun, raws, carry, afresh)
        built += some
    return built


def _build_piece(
    lake: Lake,
    keys: KeyRing,
    begun: Sequence[HourBuild],
    raws: RawObjects,
    carry: pa.Table,
    afresh: bool,
) -> tuple[list[BuiltHour], pa.Table]:
    """Build the hours of a batch; also return the carry-out of the last one."""
    known = [None if afresh else find_staged(lake, one) for one in begun]
    if len(begun) > 1 and not any(known):
        return build_in_memory(lake, keys, begun, raws, carry)
    built = []
    for there, one in zip(known, begun, strict=True):
        hour = Hour.parse(one.hour)
        cleaned = there or clean_build(lake, keys.of_hour(hour), one, raws[hour])
        staged, carry = stitch(lake, cleaned, carry)
        built.append(read_from_staging(lake, check_hour(lake, staged)))
    return built, carry


def split_into_batches(lake: Lake, hours: Sequence[Hour]) -> Iterator[Sequence[Hour]]:
    """Split hours of one day, in order, into batches of consecutive hours of PUBLISHED_AT_ONCE."""
    raws = raw.raw_by_hour(lake, hours[0], hours[-1]) if hours else {}
    return split_by_size(hours, _sizes(raws), PUBLISHED_AT_ONCE)


def _sizes(raws: RawObjects) -> Callable[[Hour], int]:
    return lambda hour: sum(item.size for item in raws.get(hour, ()))


def split_by_size(
    hours: Iterable[Hour], size: Callable[[Hour], int], most: int
) -> Iterator[Sequence[Hour]]:
    """Split hours into batches of consecutive hours; a larger hour is a batch of its own."""
    for run in split_when(hours, lambda hour, following: following != hour.next):
        yield from constrained_batches(run, most, get_len=size, strict=False)
