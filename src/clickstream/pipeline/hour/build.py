"""Build one hour through the staging area: clean its lines, stitch its sessions, check it.

The tasks of an hour call these functions. `HourReading` parses and labels raw lines; `batch` uses
it, too.
"""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pyarrow as pa

from clickstream import __version__, clean, parse, sessions
from clickstream.clean.hosts import requests_of_site
from clickstream.core import dictionary_encoding
from clickstream.core.errors import DamagedObject
from clickstream.core.hours import Hour
from clickstream.lake import Lake, aws_errors, hour_ledger, objects, raw, staging
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.lake.raw import RawObject
from clickstream.lake.visitor_keys import HourKeys
from clickstream.parquet import RowsWriter
from clickstream.pipeline.build_settings import settings_digest, settings_of
from clickstream.pipeline.hour import spill
from clickstream.pipeline.hour.chain import carry_into
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.pipeline.hour.step_results import BuiltHour, CleanedHour, HourBuild, StitchedHour
from clickstream.step_config import (
    clean_rules,
    log_format_of,
    look_ups,
    networks_dated,
    session_rules,
)
from clickstream.tables import (
    BALANCE,
    HITS,
    REJECTS,
    SCHEMA,
    SESSION_PARTS,
)
from clickstream.tables.sessions import UNSTITCHED_PARTS

_log = logging.getLogger(__name__)


@dataclass
class HourReading:
    """The raw objects of consecutive hours of one day, parsed and cleaned in one pass.

    `keys` are the visitor keys of the first hour. A key is valid for whole days, so all hours have
    the same key. Only the first hours of a day need the previous key. It has no effect on the other
    hours, because no session with an id of that key is open there.
    """

    lake: Lake
    raws: Mapping[Hour, Sequence[RawObject]]
    keys: HourKeys
    lines: dict[Hour, dict[str, int]] = field(init=False)
    """For each hour, the number of lines of each raw object, by the object's key in S3."""
    other_hosts: Counter[Hour] = field(init=False, default_factory=Counter)
    """For each hour, the number of requests to hosts of other sites."""
    _rejects: list[pa.Table] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        """Start with no lines read."""
        self.lines = {hour: {} for hour in self.raws}

    @property
    def groups(self) -> int:
        """The number of groups of visitors to split the requests into."""
        return spill.groups_for(sum(item.size for items in self.raws.values() for item in items))

    def requests(self, groups: int = 1) -> Iterator[clean.RequestTable]:
        """Yield the labelled requests, group after group, each in the order of the raw objects."""
        settings = settings_of(self.lake)
        visitor_keys = clean.VisitorKeys(
            self.keys.now.secret, self.keys.before.secret if self.keys.before else None
        )
        cleaner = clean.Cleaner(clean_rules(settings), visitor_keys, look_ups(settings))
        batches = (
            batch for hour, items in self.raws.items() for batch in self._parse_hour(hour, items)
        )
        yield from spill.grouped(batches, cleaner, groups)

    @property
    def rejects(self) -> pa.Table:
        """The rejected lines, with the number of the hour of each, once all requests are read."""
        return pa.concat_tables(self._rejects)

    def _parse_hour(self, hour: Hour, items: Sequence[RawObject]) -> Iterator[spill.Batch]:
        """Yield the requests of each raw object; one empty table if the hour has no raw objects."""
        settings = self.lake.settings
        if not items:
            nothing = parse.parse(b"", "combined")
            self._refuse(nothing.refused, hour, "")
            yield nothing.table, "", hour
        for item in items:
            log_format = log_format_of(settings, item.log_format)
            longest = settings.clean.longest_line_bytes
            parsed = parse.parse(raw.read(self.lake, item), log_format, longest=longest)
            self._refuse(parsed.refused, hour, item.key)
            self.lines[hour][item.key] = parsed.lines
            of_site = requests_of_site(parsed.table, settings.site.hosts)
            self.other_hosts[hour] += len(parsed.table) - len(of_site)
            yield of_site, item.key, hour

    def _refuse(self, refused: pa.Table, hour: Hour, raw_object: str) -> None:
        own = {
            "raw_object": dictionary_encoding.encode_constant(raw_object, len(refused)),
            "hour": pa.array(np.full(len(refused), hour.number, np.int32)),
        }
        self._rejects.append(dictionary_encoding.append_columns(refused, own))


@aws_errors.translate_errors()
def clean_hits(lake: Lake, hour: Hour, *, keep_staged: bool = False) -> CleanedHour:
    """Parse and clean an hour's raw lines, and cut them into session parts; no table is touched.

    With `keep_staged`, rows that are staged already are used, if they were built from these raw
    lines by the current rules.
    """
    window = ReplayWindow(lake)
    begun, raws = _begin(lake, hour, window)
    staged = find_staged(lake, begun) if keep_staged else None
    return staged or clean_build(lake, window.keys.of_hour(hour), begun, raws)


@aws_errors.translate_errors()
def is_staged(lake: Lake, hour: Hour) -> bool:
    """Whether staging has the hour's rows, from its current raw lines and by the current rules."""
    return _read_counts(lake, _begin(lake, hour, ReplayWindow(lake))[0]) is not None


def _begin(lake: Lake, hour: Hour, window: ReplayWindow) -> tuple[HourBuild, list[RawObject]]:
    row = hour_ledger.ledger_row(lake, hour)  # before raw is listed, to detect a later publication
    raws = raw.list_raw(lake, hour)
    return begin_build(lake, hour, row, raws, window), raws


def begin_build(
    lake: Lake, hour: Hour, row: LedgerRow, raws: Sequence[RawObject], window: ReplayWindow
) -> HourBuild:
    """Describe the build of an hour; its raw objects must be listed after its row was read.

    The prefix of its staged rows names everything that they depend on: raw lines, settings, library
    version, columns of the tables, and visitor keys. So a build never uses rows of another release.
    Raises PastWindow for an hour past its replay window.
    """
    window.check(hour, row)
    digest = raw.raw_digest(raws)
    settings = settings_digest(lake)
    keys = window.keys.of_hour(hour).ids
    key_digest = hashlib.blake2b(f"{keys.own} {keys.earlier}".encode(), digest_size=4).hexdigest()
    dated = networks_dated(lake.settings)
    return HourBuild(
        hour=str(hour),
        prefix=f"staging/{hour}/{digest}-{settings}-{__version__}-{SCHEMA}-{key_digest}/",
        version=row.version,
        raw_digest=digest,
        raw_objects=len(raws),
        settings_digest=settings,
        visitor_key=keys.own,
        earlier_visitor_key=keys.earlier,
        networks_dated=dated.isoformat() if dated else None,
        has_order_numbers=bool(lake.settings.orders.number),
    )


def find_staged(lake: Lake, begun: HourBuild) -> CleanedHour | None:
    """Return the cleaned hour if all its rows are staged under its prefix, undamaged; else None."""
    cleaned = _read_counts(lake, begun)
    if cleaned is None:
        return None
    try:
        for key in cleaned.row_keys:
            staging.check(lake, cleaned.staged(key))
    except DamagedObject as error:
        _log.warning("%s The hour is cleaned again now.", error)
        return None
    return cleaned


def _read_counts(lake: Lake, begun: HourBuild) -> CleanedHour | None:
    """Return the staged hour by its counts alone, without reading its rows; else None."""
    staged_keys = {key for key, _ in objects.listing(lake, begun.prefix)}
    if not begun.cleaned_keys <= staged_keys:
        return None
    try:
        counted = staging.read_json(lake, begun.counts_key)["hour"]
    except DamagedObject:
        return None
    return CleanedHour(**vars(begun), **counted)


def clean_build(
    lake: Lake, keys: HourKeys, begun: HourBuild, raws: Sequence[RawObject]
) -> CleanedHour:
    """Parse and clean the raw lines of an hour, and cut them into session parts."""
    hour, rules = Hour.parse(begun.hour), session_rules(lake.settings)
    reading = HourReading(lake, {hour: raws}, keys)
    balance: Counter[str] = Counter(dict.fromkeys(BALANCE, 0))
    digests = staging.Digests()
    with (
        staging.writing(lake, begun.hits_key, HITS, hour, digests) as hits,
        staging.writing(lake, begun.parts_key, UNSTITCHED_PARTS, hour, digests) as parts,
    ):
        for requests in reading.requests(reading.groups):
            _write_group(requests, rules, hits, parts)
            balance.update(requests.balance())
    with staging.writing(lake, begun.rejects_key, REJECTS, hour, digests) as refused:
        refused.write(reading.rejects)
    counted: dict[str, Any] = {
        "lines": sum(reading.lines[hour].values()),
        "rejected": refused.rows,
        "other_hosts": reading.other_hosts[hour],
        "balance": dict(balance),
        "hits": hits.rows,
        "digests": digests.by_name,
    }
    counts = {"hour": counted, "raw_objects": reading.lines[hour]}
    staging.put_json(lake, begun.counts_key, counts)
    return CleanedHour(**vars(begun), **counted)


def _write_group(
    requests: clean.RequestTable, rules: sessions.SessionRules, hits: RowsWriter, parts: RowsWriter
) -> None:
    """Write hits and parts of one group of visitors; their memory is free before the next group."""
    cut = sessions.cut(requests, rules)
    made = sessions.make_parts(requests, cut, rules)
    parts.write(made)
    for rows in sessions.hits_in_order(requests, cut, made):
        hits.write(rows)


@aws_errors.translate_errors()
def build_sessions(lake: Lake, cleaned: CleanedHour) -> StitchedHour:
    """Stitch the staged parts to the sessions of the hour's carry-in."""
    window = ReplayWindow(lake)
    hour = Hour.parse(cleaned.hour)
    window.check(hour, hour_ledger.ledger_row(lake, hour))
    return stitch(lake, cleaned, carry_into(lake, hour, cleaned.keys, window))[0]


def stitch(lake: Lake, cleaned: CleanedHour, carry: pa.Table) -> tuple[StitchedHour, pa.Table]:
    """Stitch the staged parts to the sessions of `carry`; also return the hour's own carry-out."""
    hour, rules = Hour.parse(cleaned.hour), session_rules(lake.settings)
    pieces = staging.read_pieces(lake, cleaned.staged(cleaned.parts_key), UNSTITCHED_PARTS)
    stitched = [sessions.stitch(parts, carry, rules) for parts in pieces]
    rows = pa.concat_tables([carry, *map(sessions.carry_rows, stitched)])
    carry_out = sessions.carry_out(rows, hour, rules)
    built = cleaned.stitched(
        sum(map(len, stitched)), sessions.carry_digest(carry), sessions.carry_digest(carry_out)
    )
    digests = staging.Digests({**cleaned.digests})
    with staging.writing(lake, built.session_parts_key, SESSION_PARTS, hour, digests) as written:
        for parts in stitched:
            written.write(parts)
    return replace(built, digests=digests.by_name), carry_out


@aws_errors.translate_errors()
def check_hour(lake: Lake, hour: StitchedHour) -> StitchedHour:
    """Refuse an hour whose staged rows are damaged or whose line balance does not close.

    Raises DamagedObject or UnbalancedHour.
    """
    hits, parts, rejects = (
        staging.count(lake, hour.staged(key))
        for key in (hour.hits_key, hour.session_parts_key, hour.rejects_key)
    )
    hour.check(hits, parts, rejects, f"Its rows are in {lake.uri(hour.prefix)}")
    return hour


def read_from_staging(lake: Lake, hour: StitchedHour) -> BuiltHour:
    """Return a checked hour whose rows are read from the staging area.

    Damaged rows raise DamagedObject here, before the publication begins.
    """
    staged = {
        HITS: hour.staged(hour.hits_key),
        SESSION_PARTS: hour.staged(hour.session_parts_key),
        REJECTS: hour.staged(hour.rejects_key),
    }
    for stored in staged.values():
        staging.check(lake, stored)
    raw_lines = staging.read_json(lake, hour.counts_key)["raw_objects"]
    return BuiltHour(hour, raw_lines, lambda table: staging.read_coded(lake, staged[table], table))
