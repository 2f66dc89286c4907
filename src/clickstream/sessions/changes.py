"""What became of the sessions of hours that were published again."""

from __future__ import annotations

import numpy as np
import pandas as pd

from clickstream.tables import COMPARED

CHANGE_COLUMNS = ["hour_at", "change", "old_session_id", "new_session_id"]


def changes(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """One row for each session that has a part in `old` and is not the same in `new`.

    Both are all session parts of the same hours, with the columns COMPARED at least, and old ones
    with `hour_at`, for which the changes are told. A part is of one hour. More lines only ever make
    parts longer, so an old part lies inside a new one of its visitor. If that belongs to

    - the same session: the session was `extended`, or `shortened`, or nothing happened;
    - a session that went on, or one of an earlier part in the hour: it was `merged` into that;
    - a session that begins there, while the old one went on: the session was `split`;
    - a session that begins there, as the old one did: it was `extended` by an earlier request;
    - a session that went on, as the old one did: that was `renamed` in an hour before;
    - none, which takes other rules: it was `removed`.
    """
    pairs = _matched(*_without_common(old, new))
    begins = pairs["session_id"] == pairs["part_id"]
    begins_now = pairs["new_session_id"] == pairs["new_part_id"]
    is_same = pairs["session_id"] == pairs["new_session_id"]
    follows = pairs["new_part_id"].notna() & pairs["new_part_id"].duplicated()
    pairs["change"] = np.select(
        [
            pairs["new_session_id"].isna(),
            is_same & (pairs["requests"] > pairs["new_requests"].fillna(0)),
            is_same,
            follows | (begins & ~begins_now),
            ~begins & begins_now,
            begins & begins_now,
        ],
        ["removed", "shortened", "extended", "merged", "split", "extended"],
        "renamed",
    )
    return pairs.rename(columns={"session_id": "old_session_id"})[CHANGE_COLUMNS]


def _without_common(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both without the parts that both have, which are most; no other part lies in one of those."""
    place = pd.Index(new["part_id"]).get_indexer(pd.Index(old["part_id"]))
    is_common = place >= 0
    before, after = old[is_common], new.iloc[place[is_common]]
    is_same = [before[name].to_numpy() == after[name].to_numpy() for name in COMPARED]
    is_common[is_common] = np.logical_and.reduce(is_same)
    is_new = np.ones(len(new), np.bool_)
    is_new[place[is_common]] = False
    return old[~is_common], new[is_new]


def _matched(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Each old part, in order, and the new one that its first request lies in."""
    before, after = (
        parts[columns].astype({"visitor_id": "str"}).sort_values(["first_hit_at", "visitor_id"])
        for parts, columns in ((old, ["hour_at", *COMPARED]), (new, [*COMPARED]))
    )
    after = after.rename(columns={name: f"new_{name}" for name in COMPARED if name != "visitor_id"})
    pairs = pd.merge_asof(
        before,
        after,
        left_on="first_hit_at",
        right_on="new_first_hit_at",
        by="visitor_id",
    )
    inside = pairs["new_last_hit_at"] >= pairs["first_hit_at"]
    pairs[[*after.columns.drop("visitor_id")]] = pairs[after.columns.drop("visitor_id")].where(
        inside
    )
    return pairs
