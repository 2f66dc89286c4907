"""Build an hour in the staging area: clean its lines, cut its sessions, check that all adds up."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pandas as pd

from clickstream import __version__, clean, parse, sessions
from clickstream.errors import UnbalancedHour
from clickstream.hours import Hour
from clickstream.lake import Lake, keys, objects, raw, staging
from clickstream.lake import hour as lake_hour
from clickstream.lake.raw import RawObject
from clickstream.pipeline.records import Staged
from clickstream.rules import clean_rules, log_format_of, look_ups, result_digest, session_rules
from clickstream.tables import HITS, REJECTS, SESSION_PARTS


def clean_hits(lake: Lake, hour: Hour) -> Staged:
    """Parse and clean an hour's raw lines, and cut them into parts; no table is touched."""
    version = lake_hour.ledger_row(lake, hour).version  # before anything is read
    raws = raw.list_raw(lake, hour)
    requests, rejects = _labelled(lake, hour, raws)
    digest = raw.raw_digest(raws)
    staged = Staged(
        hour=str(hour),
        prefix=f"staging/{hour}/{digest}-{result_digest(lake.settings)}-{__version__}/",
        version=version,
        raw_digest=digest,
        raw_objects=len(raws),
        lines=len(requests) + len(rejects),
        rejected=len(rejects),
        balance=requests.balance(),
        hits=int(requests.is_hit.sum()),
    )
    cut = sessions.cut(requests, session_rules(lake.settings))
    parts = sessions.make_parts(requests, cut)
    staging.write_rows(
        lake, staged.hits_key, HITS, hour, sessions.hits_in_order(requests, cut, parts)
    )
    staging.write_rows(lake, staged.rejects_key, REJECTS, hour, [rejects])
    staging.write_frame(lake, staged.parts_key, parts)
    objects.put(lake, staged.raw_list_key, json.dumps([item.key for item in raws]).encode())
    return staged


def _labelled(
    lake: Lake, hour: Hour, raws: Iterable[RawObject]
) -> tuple[clean.Requests, pd.DataFrame]:
    """The labelled requests of an hour, and its rejects."""
    visitor_keys = clean.VisitorKeys(*keys.visitor_keys(lake, hour))
    rejects = []
    with look_ups(lake.settings) as found:
        cleaner = clean.Cleaner(clean_rules(lake.settings), visitor_keys, found)
        for origin, parsed in _parsed(lake, raws):
            cleaner.add(parsed.requests, origin)
            rejects.append(parsed.rejects.assign(raw_object=origin))
        return cleaner.requests(), pd.concat(rejects)


def _parsed(lake: Lake, raws: Iterable[RawObject]) -> Iterator[tuple[str, parse.Parsed]]:
    """Each raw object's lines, read; an hour without any has one that is empty."""
    yield "", parse.parse(b"", "combined")
    for item in raws:
        log_format = log_format_of(lake.settings, item.log_format)
        yield item.key, parse.parse(raw.read(lake, item), log_format)


def build_sessions(lake: Lake, staged: Staged) -> Staged:
    """Stitch the staged parts to the sessions that the hour before hands on."""
    hour, rules = Hour.parse(staged.hour), session_rules(lake.settings)
    carry = handed_on(lake, hour.previous)
    parts = sessions.stitch(staging.read_frame(lake, staged.parts_key), carry, hour, rules)
    built = replace(
        staged,
        session_parts=len(parts),
        carry_in=sessions.carry_digest(carry),
        carry_out=sessions.carry_digest(sessions.carry_out(parts, hour, rules.gap_seconds)),
    )
    staging.write_rows(lake, built.session_parts_key, SESSION_PARTS, hour, [parts])
    return built


def handed_on(lake: Lake, hour: Hour) -> pd.DataFrame:
    """The sessions that a published hour hands on; none if it is not published."""
    parts = lake_hour.parts_of(lake, hour, sessions.CARRY_COLUMNS)
    return sessions.carry_out(parts, hour, lake.settings.sessions.gap_seconds)


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
