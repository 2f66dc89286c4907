"""Compare the sessions of hours that are published again with their earlier sessions.

`pipeline.publish.publish` stores the result in the table `session_changes`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from clickstream.tables.sessions import COMPARED

CHANGE_COLUMNS = ["hour_at", "change", "old_session_id", "new_session_id"]


def changes(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Return one row for each session that has a part in `old` and differs in `new`.

    `old` and `new` are all session parts of the same hours, with the columns COMPARED; `old` also
    has `hour_at`, the hour of the change. Additional lines can only make parts longer. Each old
    part therefore lies inside one new part of the same visitor, and the session of that new part
    decides the change:

    - the same session: `extended`, or `shortened` if the part has fewer requests;
    - a session of an earlier hour, or of an earlier part in the hour: `merged` into that session;
    - a session that begins with the new part, while the old one began earlier: `split`;
    - a session that begins with the new part, as the old one did: `extended` by an earlier request;
    - another session of an earlier hour, although the old one also began in an earlier hour:
      `renamed`, because of a change in that earlier hour;
    - no new part, which is possible only if the rules have changed: `removed`.
    """
    pairs = _match_parts(*_drop_equal_parts(old, new))
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


def _drop_equal_parts(old: pd.DataFrame, new: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Drop the parts that are equal in both tables.

    Most parts are equal in both, and no other part lies inside one of them.
    """
    position = pd.Index(new["part_id"]).get_indexer(pd.Index(old["part_id"]))
    is_common = position >= 0
    before, after = old[is_common], new.iloc[position[is_common]]
    is_same = [before[name].to_numpy() == after[name].to_numpy() for name in COMPARED]
    is_common[is_common] = np.logical_and.reduce(is_same)
    is_new = np.ones(len(new), np.bool_)
    is_new[position[is_common]] = False
    return old[~is_common], new[is_new]


def _match_parts(old: pd.DataFrame, new: pd.DataFrame) -> pd.DataFrame:
    """Join each old part, in order of time, with the new part that contains its first request."""
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
