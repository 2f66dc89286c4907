"""The carry: the sessions still open at the end of an hour, and a digest that proves them.

A session is open as long as its silence is no longer than the gap, so an hour takes over from as
many hours before it as the gap is long. The ledger says of each hour what it took over and what
it handed on; published hours form a chain when their parts say the same.

Columns: visitor_id, session_id, session_started_at, last_hit_at; one row per visitor, sorted by
visitor.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from clickstream.hours import Hour

CARRY_COLUMNS = ["visitor_id", "session_id", "session_started_at", "last_hit_at"]


def no_carry() -> pd.DataFrame:
    """The carry of an hour that hands on nothing."""
    return pd.DataFrame(
        {
            "visitor_id": pd.Series(dtype="str"),
            "session_id": pd.Series(dtype="str"),
            "session_started_at": pd.Series(dtype="datetime64[us]"),
            "last_hit_at": pd.Series(dtype="datetime64[us]"),
        }
    )


def carry_out(parts: pd.DataFrame, hour: Hour, gap_seconds: int) -> pd.DataFrame:
    """What is handed on at the end of an hour: each visitor's last part, if it may still go on.

    `parts` needs the carry's columns, and is of the hour and of those before it that the gap
    reaches back to, at least; any other part makes no difference. An hour's parts and the carry
    that it took over do as well.
    """
    silence = np.datetime64(hour.next.naive) - parts["last_hit_at"].to_numpy()
    is_open = (silence > np.timedelta64(0)) & (silence <= np.timedelta64(gap_seconds, "s"))
    still_open = parts[CARRY_COLUMNS][is_open].astype({"visitor_id": "str", "session_id": "str"})
    in_order = still_open.iloc[_order(still_open)]
    return in_order.drop_duplicates("visitor_id", keep="last", ignore_index=True)


def _order(carry: pd.DataFrame) -> NDArray[np.uint64]:
    """The positions by visitor, as texts sort, then by time."""
    keys = {name: pa.array(carry[name]) for name in ("visitor_id", "last_hit_at")}
    ascending = [(name, "ascending") for name in keys]
    order: NDArray[np.uint64] = pc.sort_indices(pa.table(keys), sort_keys=ascending).to_numpy()
    return order


def carry_digest(carry: pd.DataFrame) -> str:
    """Digest of a carry: equal exactly when the open sessions are the same."""
    rows = carry[CARRY_COLUMNS].sort_values("visitor_id")
    ids = [pa.array(rows[name], pa.string()) for name in ("visitor_id", "session_id")]
    moments = [_isoformat(rows[name]) for name in ("session_started_at", "last_hit_at")]
    lines = pc.binary_join_element_wise(*ids, *moments, " ")
    text = "".join(f"{line}\n" for line in lines.to_pylist())
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()


def _isoformat(moments: pd.Series) -> pa.Array:
    """Moments as `datetime.isoformat` writes them: microseconds where there are some."""
    whole = pc.strftime(pa.array(moments, pa.timestamp("us")), "%Y-%m-%dT%H:%M:%S")
    return pc.replace_substring_regex(whole, r"\.000000$", "")


Digests = Callable[[Hour, int], str]
"""The digest of what is handed on at the end of an hour, with a gap of so many seconds."""


def digests_of(parts: pd.DataFrame) -> Digests:
    """The digests of what some published parts hand on, each worked out once.

    What one hour hands on is what the next takes over.
    """
    return cache(lambda hour, gap_seconds: carry_digest(carry_out(parts, hour, gap_seconds)))


@dataclass(frozen=True)
class Link:
    """One published hour of the chain, as the ledger has it, with the gap it was built with."""

    hour: Hour
    gap_seconds: int
    carry_in: str
    carry_out: str

    @property
    def reach(self) -> Hour:
        """The first hour that it takes sessions over from."""
        return self.hour.reaching_back(self.gap_seconds)

    def follows(self, digests: Digests) -> bool:
        """Whether it took over what the published parts of the hours before it hand on."""
        return digests(self.hour.previous, self.gap_seconds) == self.carry_in

    def leads(self, digests: Digests) -> bool:
        """Whether its published parts, and those before it, hand on what the ledger says."""
        return digests(self.hour, self.gap_seconds) == self.carry_out
