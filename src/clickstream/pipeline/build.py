"""Build an hour in the staging area: clean its lines, cut its sessions, check that all adds up."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pandas as pd

from clickstream import __version__, bulk, clean, parse, sessions
from clickstream.errors import UnbalancedHour
from clickstream.hours import Hour
from clickstream.lake import Lake, keys, raw, staging, trouble
from clickstream.lake import hour as lake_hour
from clickstream.lake.raw import RawObject
from clickstream.pipeline.chain import handed_on
from clickstream.pipeline.records import Staged
from clickstream.rules import clean_rules, log_format_of, look_ups, result_digest, session_rules
from clickstream.tables import BALANCE, HITS, REJECTS, SESSION_PARTS, UNSTITCHED_PARTS


@trouble.told()
def clean_hits(lake: Lake, hour: Hour) -> Staged:
    """Parse and clean an hour's raw lines, and cut them into parts; no table is touched."""
    version = lake_hour.ledger_row(lake, hour).version  # before anything is read
    return clean_lines(lake, hour, version, raw.list_raw(lake, hour))


def clean_lines(lake: Lake, hour: Hour, version: str, raws: Sequence[RawObject]) -> Staged:
    """The same of these raw objects, which were listed after the hour's version was noted."""
    digest = raw.raw_digest(raws)
    staged = Staged(
        hour=str(hour),
        prefix=staging_prefix(lake, hour, digest),
        version=version,
        raw_digest=digest,
        raw_objects=len(raws),
    )
    aside = _Aside([], {})
    balance: Counter[str] = Counter(dict.fromkeys(BALANCE, 0))
    with (
        staging.writing(lake, staged.hits_key, HITS, hour) as hits,
        staging.writing(lake, staged.parts_key, UNSTITCHED_PARTS, hour) as parts,
    ):
        rules = session_rules(lake.settings)
        for requests in _labelled(lake, hour, raws, aside):
            cut = sessions.cut(requests, rules)
            made = sessions.make_parts(requests, cut, rules)
            parts.write(made)
            for frame in sessions.hits_in_order(requests, cut, made):
                hits.write(frame)
            balance.update(requests.balance())
    with staging.writing(lake, staged.rejects_key, REJECTS, hour) as refused:
        refused.write(pd.concat(aside.rejects))
    staging.put(lake, staged.raw_list_key, json.dumps(aside.lines).encode())
    return replace(
        staged,
        lines=balance.total() + refused.rows,
        rejected=refused.rows,
        balance=dict(balance),
        hits=hits.rows,
    )


def staging_prefix(lake: Lake, hour: Hour, raw_digest: str) -> str:
    """Where an hour's rows wait: named by all that they are made of, lines, rules and library."""
    return f"staging/{hour}/{raw_digest}-{result_digest(lake.settings)}-{__version__}/"


@dataclass(frozen=True)
class _Aside:
    """What reading an hour leaves beside its requests: rejects, and the lines of raw objects."""

    rejects: list[pd.DataFrame]
    lines: dict[str, int]


def _labelled(
    lake: Lake, hour: Hour, raws: Sequence[RawObject], aside: _Aside
) -> Iterator[clean.Requests]:
    """The labelled requests of an hour, group after group."""
    visitor_keys = clean.VisitorKeys(*keys.visitor_keys(lake, hour))
    groups = bulk.groups_for(sum(item.size for item in raws))
    with look_ups(lake.settings) as found:
        cleaner = clean.Cleaner(clean_rules(lake.settings), visitor_keys, found)
        yield from bulk.grouped(_parsed(lake, raws, aside), cleaner, groups)


def _parsed(lake: Lake, raws: Sequence[RawObject], aside: _Aside) -> Iterator[bulk.Batch]:
    """The requests of each raw object; an hour without any has one that is empty."""
    if not raws:
        nothing = parse.parse(b"", "combined")
        aside.rejects.append(nothing.rejects.assign(raw_object=""))
        yield nothing.table, ""
    for item in raws:
        log_format = log_format_of(lake.settings, item.log_format)
        found = parse.parse(raw.read(lake, item), log_format)
        aside.rejects.append(found.rejects.assign(raw_object=item.key))
        aside.lines[item.key] = len(found.table) + len(found.rejects)
        yield found.table, item.key


@trouble.told()
def build_sessions(lake: Lake, staged: Staged) -> Staged:
    """Stitch the staged parts to the sessions that the hours before hand on."""
    return stitch(lake, staged, handed_on(lake, Hour.parse(staged.hour)))[0]


def stitch(lake: Lake, staged: Staged, carry: pd.DataFrame) -> tuple[Staged, pd.DataFrame]:
    """Stitch the staged parts to the sessions of `carry`; also what the hour itself hands on."""
    hour, rules = Hour.parse(staged.hour), session_rules(lake.settings)
    frames = staging.read_frames(lake, staged.parts_key, UNSTITCHED_PARTS)
    stitched = [sessions.stitch(parts, carry, hour, rules) for parts in frames]
    of_carry = [parts[sessions.CARRY_COLUMNS] for parts in (carry, *stitched)]
    carry_out = sessions.carry_out(pd.concat(of_carry), hour, rules.gap_seconds)
    built = replace(
        staged,
        session_parts=sum(map(len, stitched)),
        carry_in=sessions.carry_digest(carry),
        carry_out=sessions.carry_digest(carry_out),
    )
    with staging.writing(lake, built.session_parts_key, SESSION_PARTS, hour) as written:
        for parts in stitched:
            written.write(parts)
    return built, carry_out


@trouble.told()
def check_hour(lake: Lake, staged: Staged) -> Staged:
    """Refuse an hour whose staged rows do not add up to its lines. Raises UnbalancedHour."""
    kinds = sum(staged.balance.values())
    hits, parts, rejects = (
        staging.count(lake, key)
        for key in (staged.hits_key, staged.session_parts_key, staged.rejects_key)
    )
    checks = {
        "lines = kinds + rejected": (staged.lines, kinds + staged.rejected),
        "hits = kinds - assets": (hits, kinds - staged.balance["assets"]),
        "rejects = rejected": (rejects, staged.rejected),
        "session parts as counted": (parts, staged.session_parts),
    }
    wrong = [
        f"{name}: {left:,} ≠ {right:,}" for name, (left, right) in checks.items() if left != right
    ]
    if wrong:
        raise UnbalancedHour(
            f"Hour {staged.hour} does not add up and stays unpublished: {'; '.join(wrong)}. "
            f"Its rows wait in {lake.uri(staged.prefix)}; report this, it is a fault of ours."
        )
    return staged
