"""The carry: the sessions still open at the end of an hour, and a digest that proves them.

Columns: visitor_id, session_id, session_started_at, last_hit_at; one row per visitor, sorted by
visitor.
"""

from __future__ import annotations

import hashlib

import pandas as pd

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
    """What an hour hands on: each visitor's last part, if its silence may still end in time.

    `parts` needs the carry's columns; an hour's `session_parts` have them.
    """
    silence = pd.Timestamp(hour.end.replace(tzinfo=None)) - parts["last_hit_at"]
    still_open = parts.loc[silence <= pd.Timedelta(seconds=gap_seconds), CARRY_COLUMNS]
    still_open = still_open.astype({"visitor_id": "str", "session_id": "str"})  # they sort as texts
    latest = still_open.sort_values(["visitor_id", "last_hit_at"]).drop_duplicates(
        "visitor_id", keep="last"
    )
    return latest.reset_index(drop=True)


def carry_digest(carry: pd.DataFrame) -> str:
    """Digest of a carry: equal exactly when the open sessions are the same."""
    digest = hashlib.blake2b(digest_size=8)
    rows = carry[CARRY_COLUMNS].sort_values("visitor_id").itertuples(index=False, name=None)
    for visitor, session, started, last in rows:
        line = f"{visitor} {session} {started.isoformat()} {last.isoformat()}\n"
        digest.update(line.encode())
    return digest.hexdigest()
