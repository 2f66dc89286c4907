"""Build an hour in the staging area: clean its lines, cut its sessions, check that all adds up."""

from __future__ import annotations

import json
from dataclasses import replace

import pandas as pd
import pyarrow as pa

from clickstream import __version__, clean, parse, sessions
from clickstream.errors import UnbalancedHour
from clickstream.hours import Hour
from clickstream.lake import Lake, keys, objects, raw, staging
from clickstream.lake import hour as lake_hour
from clickstream.pipeline.records import Staged
from clickstream.tables import HITS, REJECTS, SESSION_PARTS

TEXT = pa.dictionary(pa.int32(), pa.string())


def clean_hits(lake: Lake, hour: Hour) -> Staged:
    """Parse and clean an hour's raw lines; no table is touched."""
    version = lake_hour.ledger_row(lake, hour).version  # before anything is read
    raws = raw.list_raw(lake, hour)
    rules, key = _clean_rules(lake), keys.visitor_key(lake, hour)
    parsed = [(item.key, parse.parse(raw.read(lake, item), item.log_format)) for item in raws]
    parsed = parsed or [("", parse.parse(b"", "combined"))]
    requests = pa.concat_tables(
        with_origin(clean.clean(found.requests, rules, key), origin) for origin, found in parsed
    ).combine_chunks()
    rejects = pd.concat([found.rejects.assign(raw_object=origin) for origin, found in parsed])
    digest = raw.raw_digest(raws)
    staged = Staged(
        hour=str(hour),
        prefix=f"staging/{hour}/{digest}-{lake.settings.result_digest()}-{__version__}/",
        version=version,
        raw_digest=digest,
        raw_objects=len(raws),
        lines=sum(found.lines for _, found in parsed),
        rejected=len(rejects),
        balance=_balance(requests),
    )
    staging.write(lake, staged.key("requests"), requests)
    staging.write(lake, staged.key("rejects"), staging.shape(rejects, REJECTS, hour))
    objects.put(lake, staged.raw_list_key, json.dumps([item.key for item in raws]).encode())
    return staged


def _balance(requests: pa.Table) -> dict[str, int]:
    labels = requests.select(["kind", "is_bot"]).to_pandas()
    return clean.balance(labels["kind"], labels["is_bot"].to_numpy())


def _clean_rules(lake: Lake) -> clean.CleanRules:
    site, rules = lake.settings.site, lake.settings.clean
    return clean.CleanRules(site.name, site.domains, rules.asset_extensions, rules.query_parameters)


def with_origin(requests: pd.DataFrame, raw_object: str) -> pa.Table:
    """Cleaned requests as Arrow, with the key of the raw object they came from."""
    origin = pd.Categorical.from_codes([0] * len(requests), categories=[raw_object])
    table = pa.Table.from_pandas(requests.assign(raw_object=origin), preserve_index=False)
    fields = (f.with_type(TEXT) if pa.types.is_dictionary(f.type) else f for f in table.schema)
    return table.cast(pa.schema(list(fields)))


def build_sessions(lake: Lake, staged: Staged) -> Staged:
    """Cut the staged requests into session parts, continuing what the hour before hands on."""
    hour = Hour.parse(staged.hour)
    rules = session_rules(lake)
    carry = handed_on(lake, hour.previous)
    requests = staging.read(lake, staged.key("requests")).to_pandas()
    part_ids, parts = sessions.build_parts(requests, carry, hour, rules)
    hits = requests.assign(part_id=part_ids)[requests["kind"] != "asset"]
    handing_on = sessions.carry_out(parts, hour, rules.gap_seconds)
    built = replace(
        staged,
        hits=len(hits),
        session_parts=len(parts),
        carry_in=sessions.carry_digest(carry),
        carry_out=sessions.carry_digest(handing_on),
    )
    staging.write(lake, built.key("hits"), staging.shape(hits, HITS, hour))
    staging.write(lake, built.key("session_parts"), staging.shape(parts, SESSION_PARTS, hour))
    return built


def session_rules(lake: Lake) -> sessions.SessionRules:
    """When a session ends, by the settings."""
    chosen = lake.settings.sessions
    return sessions.SessionRules(chosen.gap_seconds, chosen.cap_hours)


def handed_on(lake: Lake, hour: Hour) -> pd.DataFrame:
    """The sessions that a published hour hands on; none if it is not published."""
    parts = lake_hour.parts_of(lake, hour, sessions.CARRY_COLUMNS)
    return sessions.carry_out(parts, hour, lake.settings.sessions.gap_seconds)


def check_hour(lake: Lake, staged: Staged) -> Staged:
    """Refuse an hour whose staged rows do not add up to its lines. Raises UnbalancedHour."""
    rows = {
        name: staging.read(lake, key).num_rows
        for name, key in (
            ("hits", staged.key("hits")),
            ("session_parts", staged.key("session_parts")),
            ("rejects", rejects_key(staged)),
        )
    }
    kinds = sum(staged.balance.values())
    checks = {
        "lines = kinds + rejected": (staged.lines, kinds + staged.rejected),
        "hits = kinds - assets": (rows["hits"], kinds - staged.balance["assets"]),
        "rejects = rejected": (rows["rejects"], staged.rejected),
        "session parts as counted": (rows["session_parts"], staged.session_parts),
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


def rejects_key(staged: Staged) -> str:
    """The key of the staged rejects, which do not depend on the carry."""
    return replace(staged, carry_in="").key("rejects")
