"""Parsed requests to labelled ones: who (by keyed hash), what kind, from where, bot or person.

Nothing is thrown away here, rows and their order stay. Addresses and user agents go in and do not
come out.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from clickstream.clean.bots import agent_verdict
from clickstream.clean.columns import category, codes_of, texts_of, translated
from clickstream.clean.kinds import KINDS, balance, kind_of
from clickstream.clean.urls import Target, other_site, split_target
from clickstream.clean.visitors import visitor_ids

__all__ = ["KINDS", "CleanRules", "balance", "clean"]


@dataclass(frozen=True)
class CleanRules:
    """How requests are labelled: the site, its own domains, what is an asset, what is kept."""

    site: str
    domains: tuple[str, ...]
    asset_extensions: tuple[str, ...]
    query_parameters: tuple[str, ...]


def clean(parsed: pd.DataFrame, rules: CleanRules, key: bytes) -> pd.DataFrame:
    """Label the requests that `parse` found; same rows, same order.

    Columns: hit_at (naive UTC, datetime64[us]), site, visitor_id (24 hex digits under `key`, 16 to
    64 bytes), kind (one of KINDS), method, path, query, status (int16), bytes (Int64),
    referrer_domain, utm_source, utm_medium, utm_campaign, is_bot (bool), bot_reason, line_number
    (int64). Texts are categories of str, NA where there is none. A request line that is not HTTP
    has no method, path or query.
    """
    target = _targets(parsed, frozenset(rules.query_parameters))
    method, status = parsed["method"], parsed["status"].to_numpy()
    verdicts = map(agent_verdict, [*texts_of(parsed["user_agent"]), None])
    reasons = [verdict.reason if verdict else None for verdict in verdicts]
    reason = category(reasons, codes_of(parsed["user_agent"]))
    columns = {
        "hit_at": parsed["at"].array,
        "site": category([rules.site], np.zeros(len(parsed), np.int8)),
        "visitor_id": visitor_ids(parsed["client"], parsed["user_agent"], rules.site, key),
        "kind": kind_of(target["path"], method, status, frozenset(rules.asset_extensions)),
        "method": method.array,
        "path": target["path"].array,
        "query": target["query"].array,
        "status": status,
        "bytes": parsed["bytes"].array,
        "referrer_domain": translated(
            parsed["referrer"], lambda text: other_site(text, rules.domains)
        ),
        **{tag: target[tag].array for tag in ("utm_source", "utm_medium", "utm_campaign")},
        "is_bot": reason.codes >= 0,
        "bot_reason": reason,
        "line_number": parsed["line_number"].array,
    }
    return pd.DataFrame(columns, index=parsed.index)


def _targets(parsed: pd.DataFrame, query_parameters: frozenset[str]) -> pd.DataFrame:
    """The parts of each row's target, as categories; NA where the request line is not HTTP."""
    is_http = codes_of(parsed["method"]) >= 0
    codes = np.where(is_http, codes_of(parsed["target"]), -1)
    targets = [split_target(text, query_parameters) for text in texts_of(parsed["target"])]
    return pd.DataFrame(
        {
            part.name: category([*(getattr(target, part.name) for target in targets), None], codes)
            for part in fields(Target)
        }
    )
