"""Stage hours that follow on each other, each stitched to the one before while none is published.

What an hour hands on follows from its own parts and what it took over, so only the first of them
asks the published hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from clickstream import __version__
from clickstream.hours import Hour
from clickstream.lake import Lake, objects, raw, trouble
from clickstream.lake import hour as lake_hour
from clickstream.lake.hour import LedgerRow
from clickstream.pipeline.build import check_hour, clean_lines, staging_prefix, stitch
from clickstream.pipeline.chain import handed_on
from clickstream.pipeline.records import Staged
from clickstream.rules import result_digest
from clickstream.tables import BALANCE

BYTES_AT_ONCE = 10 << 20
"""Raw bytes, compressed, of hours that are staged and published as one: some 400,000 lines.

It bounds what is held in memory, what a run that is killed has to do again, and how large a file an
hour may lie in that is built again by itself (250,000 hits, as in upkeep).
"""


@trouble.told()
def stage_hours(lake: Lake, hours: Sequence[Hour], known: Sequence[Staged] = ()) -> list[Staged]:
    """Clean, stitch and check hours that follow on each other; no table is touched.

    Those of `known` that are of today's lines and rules are not cleaned again.
    """
    rows = lake_hour.ledger_rows(lake, hours[0], hours[-1])  # before anything is read
    raws = raw.raw_by_hour(lake, hours[0], hours[-1])
    carry = handed_on(lake, hours[0])
    cleaned = {one.prefix: one for one in known}
    staged = []
    for hour in hours:
        version = rows.get(hour, LedgerRow({})).version
        there = cleaned.get(staging_prefix(lake, hour, raw.raw_digest(raws[hour])))
        if there:
            one = replace(there, version=version)
        else:
            one = clean_lines(lake, hour, version, raws[hour])
        built, carry = stitch(lake, one, carry)
        staged.append(check_hour(lake, built))
    return staged


@trouble.told()
def cleaned_before(lake: Lake, hours: Sequence[Hour]) -> list[Staged]:
    """Those of some published hours whose rows still lie in staging, by today's rules."""
    rules = (result_digest(lake.settings), __version__)
    rows = lake_hour.ledger_rows(lake, hours[0], hours[-1])
    by_rules = [
        _as_cleaned(lake, hour, row)
        for hour, row in rows.items()
        if (row.values["settings_digest"], row.values["library_version"]) == rules
    ]
    return [one for one in by_rules if _is_there(lake, one)]


def _as_cleaned(lake: Lake, hour: Hour, row: LedgerRow) -> Staged:
    """A published hour as `clean_hits` left it."""
    counts = ("lines", "rejected", "hits", "raw_digest", "raw_objects")
    return Staged(
        hour=str(hour),
        prefix=staging_prefix(lake, hour, row.values["raw_digest"]),
        version=row.version,
        balance={kind: row.values[kind] for kind in BALANCE},
        **{name: row.values[name] for name in counts},
    )


def _is_there(lake: Lake, staged: Staged) -> bool:
    needed = {staged.hits_key, staged.rejects_key, staged.parts_key, staged.raw_list_key}
    return needed <= {key for key, _ in objects.listing(lake, staged.prefix)}


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
