"""Sessions counted at once must be the sessions that the lake merges from hourly parts."""

from collections import Counter

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.sessions.builders import Made, made, stitched_parts

from clickstream.hours import Hour
from clickstream.report.visits import SessionCounts, count_sessions
from clickstream.sessions import Goal, SessionRules, carry_out, carry_rows, no_carry
from clickstream.sessions.runs import request_runs

START = pd.Timestamp("2026-11-20T05:00:00")
RULES = SessionRules(
    timeout_seconds=1800, cap_hours=2, goals=(Goal("mail", "/.*[13579]", kind="asset"),)
)

requests = st.lists(
    st.tuples(
        st.sampled_from("ab"),
        st.sampled_from([0, 300, 1700, 1800, 1801, 9000]),  # seconds since the request before
        st.sampled_from(["page", "asset"]),
        st.sampled_from([False] * 9 + [True]),
        st.sampled_from([None, None, "Email", "Referral"]),
        st.sampled_from([True, True, False]),  # whether the log has a referrer field
    ),
    min_size=1,
    max_size=60,
)


@given(requests)
def test_sessions_are_those_of_the_hourly_parts(rows) -> None:
    log = made_of(rows)
    sessions = sessions_from_parts(log)
    counted = sessions[~sessions["is_bot"] & (sessions["page_views"] > 0)]
    counts = count_sessions(log, RULES)
    assert counts.sessions == len(counted)
    assert counts.visitors == counted["visitor_id"].nunique()
    assert counts.page_views == counted["page_views"].sum()
    assert counts.bounces == (counted["page_views"] == 1).sum()
    length = counted["last_hit_at"] - counted["first_hit_at"]
    is_long = length > pd.Timedelta(seconds=10)
    engaged = is_long | (counted["page_views"] > 1) | (counted["conversions"] > 0)
    assert counts.engaged == engaged.sum()
    assert counts.goals == {"mail": (counted["conversions"] > 0).sum()}
    otherwise = counted["referrer_logged"].map({True: "Direct", False: "not logged"})
    assert counts.channels == Counter(counted["channel"].fillna(otherwise))
    assert counts.median_seconds == (length.dt.total_seconds().median() if len(counted) else None)
    of_people = log.table.to_pandas()[counts.is_page_view]
    assert len(of_people) == counts.page_views
    assert (of_people["kind"] == "page").all()
    assert of_people["visitor_id"].nunique() == counts.visitors


@given(requests)
def test_request_runs_are_those_of_the_sessions_room(rows) -> None:
    log = made_of(rows)
    keys = log.table["visitor_id"].combine_chunks().indices.to_numpy().astype(np.int64)
    seconds = (log.table["hit_at"].to_numpy() - START.to_datetime64()).astype("m8[s]").astype(int)
    assert count_sessions(log, RULES).request_runs == request_runs(keys, seconds)


def test_a_session_of_days_ends_at_each_midnight() -> None:
    every_20_minutes = made_of([("a", 1200, "page", False, None, True)] * 24 * 6)  # for 48 hours
    assert count_sessions(every_20_minutes, RULES) == SessionCounts(
        request_runs=1,
        visitors=1,
        sessions=3,  # from 05:20 and from 00:00 on each of the two days after
        page_views=24 * 6,
        channels=Counter({"Direct": 3}),
        engaged=3,
        goals=Counter({"mail": 0}),
        median_seconds=66_000.0,  # of 66,000 and 85,200 and 18,000
    )


def test_a_session_of_one_page_is_engaged_after_more_than_ten_seconds() -> None:
    for seconds, engaged in ((10, 0), (11, 1)):
        log = made_of(
            [("a", 0, "page", False, None, True), ("a", seconds, "asset", False, None, True)]
        )
        counted = count_sessions(log, SessionRules(timeout_seconds=1800, cap_hours=2))
        assert (counted.sessions, counted.engaged) == (1, engaged)


def test_no_requests_make_no_session() -> None:
    assert count_sessions(made([]), RULES) == SessionCounts()


def made_of(rows) -> Made:
    visitors, silences, kinds, is_bot, channels, logged = zip(*rows, strict=True)
    seconds = pd.Series(silences).groupby(list(visitors)).cumsum()
    offset = int((START - pd.Timestamp("2026-11-20T22:00:00")).total_seconds())
    return made(
        [(visitor, offset + at) for visitor, at in zip(visitors, seconds, strict=True)],
        kind=list(kinds),
        channel=list(channels),
        is_bot=list(is_bot),
        referrer_logged=list(logged),
        method=["GET"] * len(rows),
        status=[200] * len(rows),
    )


def sessions_from_parts(log: Made) -> pd.DataFrame:
    """What the lake does: parts hour by hour, each taking over the hour before, then merged."""
    carry, built = no_carry(), []
    hour_of = log.table["hit_at"].to_numpy().astype("M8[h]")
    for at in np.arange(START.to_datetime64().astype("M8[h]"), hour_of.max() + 1):
        parts = stitched_parts(log.take(np.flatnonzero(hour_of == at)), carry, RULES)
        carry = carry_out(carry_rows(parts), Hour.at(at.item()), RULES)
        built.append(parts.to_pandas())
    whole = pd.concat(built).astype({"visitor_id": "str", "session_id": "str", "channel": "str"})
    grouped = whole.sort_values("first_hit_at").groupby(["visitor_id", "session_id"])
    merged = {"is_bot": "any", "page_views": "sum", "conversions": "sum", "channel": "last"}
    merged["referrer_logged"] = "any"
    return grouped.agg({**merged, "first_hit_at": "min", "last_hit_at": "max"}).reset_index()
