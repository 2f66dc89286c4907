"""Cut an hour's requests into session parts and stitch them to the sessions still open."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from clickstream.hours import Hour
from clickstream.sessions.runs import run_starts

SECOND = 1_000_000
SOURCE = ["referrer_domain", "utm_source", "utm_medium", "utm_campaign"]


@dataclass(frozen=True)
class SessionRules:
    """When a session ends: after a silence of more than `gap_seconds`, or at `cap_hours`."""

    gap_seconds: int = 1800
    cap_hours: int = 24


def build_parts(
    requests: pd.DataFrame, carry: pd.DataFrame, hour: Hour, rules: SessionRules
) -> tuple[pd.Series, pd.DataFrame]:
    """Build the session parts of one hour.

    `requests`: the hour's cleaned requests, of every kind, in any order, with `raw_object` and
    `line_number` to settle ties within a second. `carry`: what the hour before hands on.
    Returns each request's `part_id`, aligned to `requests`, and the frame of parts, sorted by
    visitor and first hit.
    """
    order, first = _cut(requests, rules)
    rows = requests.iloc[order].reset_index(drop=True)
    parts = _summarize(rows, first)
    parts["session_started_at"] = _session_starts(parts, carry, hour, rules)
    parts["session_id"] = _hashes("session", parts["visitor_id"], parts["session_started_at"])
    parts["part_id"] = _hashes("part", parts["visitor_id"], parts["first_hit_at"])
    lengths = np.diff(first, append=len(rows))
    part_of_row = np.empty(len(rows), dtype=np.int64)
    part_of_row[order] = np.repeat(np.arange(len(first)), lengths)
    part_ids = pd.Categorical.from_codes(part_of_row, categories=parts["part_id"].to_numpy())
    return pd.Series(part_ids, index=requests.index, name="part_id"), parts


def _cut(
    requests: pd.DataFrame, rules: SessionRules
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The order of visitor, time, place in the log; and where in that order each part begins."""
    visitor = _rank(requests["visitor_id"])
    at = requests["hit_at"].to_numpy().astype("datetime64[us]").astype(np.int64)
    place = (requests["line_number"].to_numpy(), _rank(requests["raw_object"]))
    order = np.lexsort((*place, at, visitor))
    starts = run_starts(visitor[order], at[order], rules.gap_seconds * SECOND)
    return order, np.flatnonzero(starts)


def _rank(texts: pd.Series) -> NDArray[np.int64]:
    """Codes that sort as the texts do, whatever order they were first seen in."""
    if not len(texts):
        return np.empty(0, dtype=np.int64)
    column = texts.astype("category")
    rank = np.empty(len(column.cat.categories), dtype=np.int64)
    rank[np.argsort(column.cat.categories.to_numpy().astype(str))] = np.arange(len(rank))
    codes: NDArray[np.int64] = rank[column.cat.codes.to_numpy()]
    return codes


def _summarize(rows: pd.DataFrame, first: NDArray[np.int64]) -> pd.DataFrame:
    """One row per part, from requests in order; `first` holds each part's first position."""
    last = np.append(first[1:], len(rows)) - 1 if len(first) else first
    kind = rows["kind"].astype(str).to_numpy()
    is_page = kind == "page"
    is_error = (kind == "client_error") | (kind == "server_error")
    is_bot = rows["is_bot"].to_numpy(dtype=bool)
    has_source = (rows["utm_source"].notna() | rows["referrer_domain"].notna()).to_numpy()
    entry, exit_ = _first_where(is_page, first), _last_where(is_page, first)
    columns: dict[str, Any] = {
        "visitor_id": _texts(rows["visitor_id"], first),
        "site": _texts(rows["site"], first),
        "first_hit_at": _values(rows["hit_at"], first),
        "last_hit_at": _values(rows["hit_at"], last),
        "requests": last - first + 1,
        "page_views": _count(is_page, first),
        "assets": _count(kind == "asset", first),
        "errors": _count(is_error, first),
        "first_page_at": _values(rows["hit_at"], entry),
        "last_page_at": _values(rows["hit_at"], exit_),
        "entry_page": _texts(rows["path"], entry),
        "exit_page": _texts(rows["path"], exit_),
        "is_bot": _count(is_bot, first) > 0,
        "bot_reason": _texts(rows["bot_reason"], _first_where(is_bot, first)),
    }
    source = _first_where(has_source, first)
    columns |= {name: _texts(rows[name], source) for name in SOURCE}
    return pd.DataFrame(columns)


def _count(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.add.reduceat(flags.astype(np.int64), first) if len(first) else first


def _first_where(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """The first flagged position of each part, -1 where there is none."""
    positions = np.where(flags, np.arange(len(flags)), len(flags))
    found = np.minimum.reduceat(positions, first) if len(first) else first
    return np.where(found == len(flags), -1, found)


def _last_where(flags: NDArray[np.bool_], first: NDArray[np.int64]) -> NDArray[np.int64]:
    """The last flagged position of each part, -1 where there is none."""
    positions = np.where(flags, np.arange(len(flags)), -1)
    return np.maximum.reduceat(positions, first) if len(first) else first


def _values(column: pd.Series, positions: NDArray[np.int64]) -> pd.Series:
    return column.reindex(positions).reset_index(drop=True)


def _texts(column: pd.Series, positions: NDArray[np.int64]) -> pd.Series:
    return _values(column, positions).astype("str")


def _session_starts(
    parts: pd.DataFrame, carry: pd.DataFrame, hour: Hour, rules: SessionRules
) -> pd.Series:
    """When each part's session began: with the part, or earlier if it continues an open one."""
    known = carry.set_index("visitor_id").reindex(parts["visitor_id"]).reset_index(drop=True)
    carried_start = known["session_started_at"]
    silence = parts["first_hit_at"] - known["last_hit_at"]
    age = pd.Timestamp(hour.naive) - carried_start
    continues = (
        ~parts["visitor_id"].duplicated()
        & (silence <= pd.Timedelta(seconds=rules.gap_seconds))
        & (age < pd.Timedelta(hours=rules.cap_hours))
    )
    return parts["first_hit_at"].mask(continues, carried_start).astype("datetime64[us]")


def _hashes(what: str, visitors: pd.Series, moments: pd.Series) -> list[str]:
    """Ids from a visitor id (keyed already) and a moment: 24 hex digits of BLAKE2b."""
    seconds = moments.astype("datetime64[us]").astype(np.int64)
    return [
        hashlib.blake2b(f"{what} {visitor} {at}".encode(), digest_size=12).hexdigest()
        for visitor, at in zip(visitors, seconds, strict=True)
    ]
