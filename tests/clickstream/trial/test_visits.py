"""Sessions counted at once must be the sessions that the lake merges from hourly parts."""

import numpy as np
import pandas as pd
from hypothesis import example, given, settings
from hypothesis import strategies as st

from clickstream.hours import Hour
from clickstream.sessions import SessionRules, build_parts, carry_out, no_carry, request_runs
from clickstream.trial import visits
from clickstream.trial.visits import Visits

START = pd.Timestamp("2026-11-20T05:00:00")
RULES = SessionRules(gap_seconds=1800, cap_hours=2)

requests = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([0, 300, 1700, 1800, 1801, 9000]),  # seconds since the request before
        st.sampled_from(["page", "asset"]),
        st.sampled_from([False] * 9 + [True]),
    ),
    min_size=1,
    max_size=60,
)


@settings(deadline=None, max_examples=30)
@given(requests, st.integers(1, 20), st.integers(1, 20))
@example([("a", 0, "page", False), ("a", 300, "page", False)], 1, 1)
@example([("a", 0, "page", False), ("a", 300, "asset", True)], 1, 1)
def test_sessions_are_those_of_the_hourly_parts(rows, block_size, rows_at_once):
    frame = frame_of(rows)
    sessions = sessions_from_parts(frame)
    counted = sessions[~sessions["is_bot"] & (sessions["page_views"] > 0)]
    counts = count(frame, block_size, rows_at_once)
    assert counts.sessions == len(counted)
    assert counts.visitors == counted["visitor_id"].nunique()
    assert counts.page_views == counted["page_views"].sum()
    assert counts.bounces == (counted["page_views"] == 1).sum()


@settings(deadline=None, max_examples=30)
@given(requests, st.integers(1, 20))
def test_request_runs_are_those_of_the_sessions_room(rows, block_size):
    frame = frame_of(rows)
    keys = frame["visitor_id"].cat.codes.to_numpy(dtype=np.int64)
    seconds = (frame["hit_at"] - START).dt.total_seconds().to_numpy(dtype=np.int64)
    assert count(frame, block_size, 10).request_runs == request_runs(keys, seconds)


def test_a_session_of_days_ends_at_an_hour_edge_once_it_is_old():
    every_20_minutes = frame_of([("a", 1200, "page", False)] * 24)  # 05:20 to 13:00
    assert count(every_20_minutes, 24, 24) == visits.SessionCounts(
        request_runs=1,
        visitors=1,
        sessions=4,  # from 05:20, 08:00, 10:00 and 12:00
        page_views=24,
    )


def test_no_request_no_session():
    assert Visits().count(RULES) == visits.SessionCounts()


def count(frame, block_size, rows_at_once):
    collected = Visits()
    for n in range(0, len(frame), block_size):
        collected.add(frame.iloc[n : n + block_size])
    return collected.count(RULES, rows_at_once)


def frame_of(rows):
    frame = pd.DataFrame(rows, columns=["visitor_id", "silence", "kind", "is_bot"])
    seconds = frame["silence"].groupby(frame["visitor_id"]).cumsum()
    frame["hit_at"] = (START + pd.to_timedelta(seconds, unit="s")).astype("datetime64[us]")
    texts = ["path", "referrer_domain", "utm_source", "utm_medium", "utm_campaign", "bot_reason"]
    frame[texts] = pd.NA
    frame["site"], frame["raw_object"] = "cafe", "raw"
    frame["line_number"] = range(1, len(frame) + 1)
    return frame.astype({"visitor_id": "category", "kind": "category"})


def sessions_from_parts(frame):
    """What the lake does: parts hour by hour, each taking over the hour before, then merged."""
    carry, hour, built = no_carry(), Hour.of(START.tz_localize("UTC").to_pydatetime()), []
    while pd.Timestamp(hour.naive) <= frame["hit_at"].max():
        within = frame["hit_at"].between(hour.naive, hour.next.naive, inclusive="left")
        _, parts = build_parts(frame[within], carry, hour, RULES)
        carry = carry_out(parts, hour, RULES.gap_seconds)
        built.append(parts)
        hour = hour.next
    whole = pd.concat(built)
    grouped = whole.groupby(["visitor_id", "session_id"], as_index=False)
    return grouped.agg({"is_bot": "any", "page_views": "sum"})
