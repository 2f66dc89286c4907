"""Build consecutive hours in memory, before any of them is published.

Cleaning, cutting, stitching and writing have a high cost per call and a low one per row. So they
run once for all hours of a batch. The rows of an hour equal those of an hour that is built alone.
The carry-out of an hour depends only on its own parts and its carry-in, so only the first hour of a
range reads the published hours before it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa
from more_itertools import constrained_batches, split_when

from clickstream import sessions
from clickstream.core.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.raw import RawObject
from clickstream.lake.visitor_keys import KeyRing
from clickstream.pipeline.hour.build import (
    HourReading,
    begin_build,
    check_hour,
    clean_build,
    find_staged,
    read_from_staging,
    stitch,
)
from clickstream.pipeline.hour.chain import carry_into
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.pipeline.hour.rows import build_rows, shape_hours, split_by_hour
from clickstream.pipeline.hour.step_results import BuiltHour, CleanedHour, HourBuild
from clickstream.step_config import session_rules
from clickstream.tables import HITS, REJECTS, SESSION_PARTS


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
    hours = [Hour.parse(build.hour) for build in begun]
    reading = HourReading(lake, {hour: raws[hour] for hour in hours}, keys.of_hour(hours[0]))
    [requests] = reading.requests()
    rules, rejects = session_rules(lake.settings), reading.rejects
    rows = build_rows(requests, carry, rules)
    rows[REJECTS] = shape_hours(rejects, REJECTS, rejects["hour"].to_numpy())
    of_sessions = pa.concat_tables([carry, sessions.carry_rows(rows[SESSION_PARTS])])
    carries = [carry, *(sessions.carry_out(of_sessions, hour, rules) for hour in hours)]
    digests = [*map(sessions.carry_digest, carries)]
    pieces = {table: split_by_hour(of_table, hours) for table, of_table in rows.items()}
    balances = requests.balance_by_hour(hours)
    built = []
    for number, build in enumerate(begun):
        carry_in, carry_out = digests[number : number + 2]
        of_hour = {table: of_table[number] for table, of_table in pieces.items()}
        lines = reading.lines[hours[number]]
        cleaned = CleanedHour(
            **vars(build),
            lines=sum(lines.values()),
            rejected=len(of_hour[REJECTS]),
            balance={name: int(counts[number]) for name, counts in balances.items()},
            hits=len(of_hour[HITS]),
            other_hosts=reading.other_hosts[hours[number]],
        )
        stitched = cleaned.stitched(len(of_hour[SESSION_PARTS]), carry_in, carry_out)
        stitched.check(
            stitched.hits,
            stitched.session_parts,
            stitched.rejected,
            f"`clickstream build {stitched.hour} {stitched.hour}` leaves its rows in staging",
        )
        built.append(BuiltHour(stitched, lines, of_hour.__getitem__))
    return built, carries[-1]


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
        staged_before = [None if afresh else find_staged(lake, build) for build in begun]
        if len(begun) > 1 and not any(staged_before):
            of_piece, carry = build_in_memory(lake, window.keys, begun, raws, carry)
            built += of_piece
            continue
        for reused, hour, build in zip(staged_before, piece, begun, strict=True):
            cleaned = reused or clean_build(lake, window.keys.of_hour(hour), build, raws[hour])
            staged, carry = stitch(lake, cleaned, carry)
            built.append(read_from_staging(lake, check_hour(lake, staged)))
    return built


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
