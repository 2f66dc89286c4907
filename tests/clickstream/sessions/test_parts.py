"""Sessions built hour by hour equal sessions cut from the whole log at once."""

from __future__ import annotations

from datetime import UTC, datetime

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clickstream.hours import Hour, hour_range
from clickstream.sessions import (
    SessionRules,
    build_parts,
    carry_digest,
    carry_out,
    no_carry,
    request_runs,
)

FIRST = Hour(datetime(2026, 11, 20, 22, tzinfo=UTC))
RULES = SessionRules()
PAUSES = st.sampled_from([0, 1, 60, 900, 1799, 1800, 1801, 5000])


def requests_frame(hits: list[tuple[str, int]]) -> pd.DataFrame:
    """Requests of kind page at seconds after FIRST, as `clean` would hand them on."""
    at = [pd.Timestamp(FIRST.naive) + pd.Timedelta(seconds=second) for _, second in hits]
    n = len(hits)
    return pd.DataFrame(
        {
            "visitor_id": pd.Categorical([visitor for visitor, _ in hits]),
            "site": pd.Categorical(["cafe"] * n),
            "hit_at": pd.Series(at, dtype="datetime64[us]"),
            "kind": pd.Categorical(["page"] * n),
            "path": pd.Categorical([f"/{second}" for _, second in hits]),
            "is_bot": [False] * n,
            "bot_reason": pd.Categorical([None] * n),
            "raw_object": pd.Categorical(["raw/x"] * n),
            "line_number": range(1, n + 1),
            "referrer_domain": pd.Categorical([None] * n),
            "utm_source": pd.Categorical([None] * n),
            "utm_medium": pd.Categorical([None] * n),
            "utm_campaign": pd.Categorical([None] * n),
        }
    )


@st.composite
def walks(draw: st.DrawFn) -> list[tuple[str, int]]:
    hits = []
    for visitor in draw(st.sets(st.sampled_from("abcd"), min_size=1)):
        at = draw(st.integers(0, 4 * 3600))
        for pause in draw(st.lists(PAUSES, max_size=40)):
            hits.append((visitor, at))
            at += pause
    return draw(st.permutations([hit for hit in hits if hit[1] < 40 * 3600]))


def whole_log_sessions(hits: list[tuple[str, int]]) -> set[tuple[str, int, int, int]]:
    """Plain Python, one visitor after the other: (visitor, first, last, requests)."""
    sessions: list[list] = []
    for visitor, at in sorted(hits):
        last = sessions[-1] if sessions else None
        aged = last and at // 3600 * 3600 - last[1] >= RULES.cap_hours * 3600
        if last and last[0] == visitor and at - last[2] <= RULES.gap_seconds:
            crosses_hour = at // 3600 != last[2] // 3600
            if not (crosses_hour and aged):
                last[2], last[3] = at, last[3] + 1
                continue
        sessions.append([visitor, at, at, 1])
    return {tuple(session) for session in sessions}


def hourly_sessions(hits: list[tuple[str, int]]) -> set[tuple[str, int, int, int]]:
    """Each hour on its own with the carry of the hour before, parts merged by session_id."""
    carry, parts = no_carry(), []
    last_hour = Hour.of_epoch(int(FIRST.start.timestamp()) + max((s for _, s in hits), default=0))
    for hour in hour_range(FIRST, last_hour):
        offset = int((hour.start - FIRST.start).total_seconds())
        inside = [hit for hit in hits if offset <= hit[1] < offset + 3600]
        _, built = build_parts(requests_frame(inside), carry, hour, RULES)
        carry = carry_out(built, hour, RULES.gap_seconds)
        parts.append(built)
    merged = pd.concat(parts).groupby("session_id")
    start = pd.Timestamp(FIRST.naive)
    return {
        (
            group["visitor_id"].iloc[0],
            int((group["first_hit_at"].min() - start).total_seconds()),
            int((group["last_hit_at"].max() - start).total_seconds()),
            int(group["requests"].sum()),
        )
        for _, group in merged
    }


@settings(max_examples=60, deadline=None)
@given(walks())
def test_hours_with_carry_equal_the_whole_log(hits: list[tuple[str, int]]) -> None:
    assert hourly_sessions(hits) == whole_log_sessions(hits)


@settings(max_examples=40, deadline=None)
@given(walks(), st.randoms())
def test_the_order_of_requests_changes_nothing(hits, random) -> None:
    inside = [hit for hit in hits if hit[1] < 3600]
    frame = requests_frame(inside)
    shuffled = frame.sample(frac=1, random_state=random.randrange(1 << 30))
    ids, parts = build_parts(frame, no_carry(), FIRST, RULES)
    ids_again, parts_again = build_parts(shuffled, no_carry(), FIRST, RULES)
    pd.testing.assert_frame_equal(parts, parts_again)
    assert ids.astype(str).to_dict() == ids_again.astype(str).to_dict()


@settings(max_examples=40, deadline=None)
@given(walks())
def test_every_request_is_in_exactly_one_part(hits: list[tuple[str, int]]) -> None:
    inside = [hit for hit in hits if hit[1] < 3600]
    ids, parts = build_parts(requests_frame(inside), no_carry(), FIRST, RULES)
    assert ids.astype(str).value_counts().to_dict() == dict(
        zip(parts["part_id"], parts["requests"], strict=True)
    )


@pytest.mark.parametrize(("silence", "parts"), [(1799, 1), (1800, 1), (1801, 2)])
def test_exactly_the_gap_continues_a_session(silence: int, parts: int) -> None:
    _, built = build_parts(
        requests_frame([("a", 10), ("a", 10 + silence)]), no_carry(), FIRST, RULES
    )
    assert len(built) == parts


def test_a_day_old_session_ends_at_the_next_hour_edge() -> None:
    every_quarter = [("a", at) for at in range(600, 30 * 3600, 900)]
    starts = {first for _, first, _, _ in hourly_sessions(every_quarter)}
    # 24 h old at 24:10, so the first request after the edge at 25:00 begins a new one.
    assert starts == {600, 25 * 3600 + 600}


def test_carries_differ_exactly_when_the_open_sessions_do() -> None:
    _, parts = build_parts(requests_frame([("a", 3000), ("b", 3500)]), no_carry(), FIRST, RULES)
    carry = carry_out(parts, FIRST, RULES.gap_seconds)
    assert carry_digest(carry) == carry_digest(carry.sample(frac=1, random_state=1))
    assert carry_digest(carry) != carry_digest(carry.head(1))
    assert list(carry["visitor_id"]) == ["a", "b"]


def test_source_and_pages_of_a_part_come_from_its_first_and_last_pages() -> None:
    frame = requests_frame([("a", 5), ("a", 10), ("a", 20), ("a", 30)])
    frame["kind"] = pd.Categorical(["asset", "page", "page", "redirect"])
    frame["utm_source"] = pd.Categorical([None, None, "mail", "late"])
    _, parts = build_parts(frame, no_carry(), FIRST, RULES)
    part = parts.iloc[0]
    assert (part["entry_page"], part["exit_page"]) == ("/10", "/20")
    assert (part["page_views"], part["assets"], part["requests"]) == (2, 1, 4)
    assert part["utm_source"] == "mail"


def test_request_runs_do_not_depend_on_order() -> None:
    import numpy as np

    keys = np.array([2, 1, 2, 1], dtype=np.int64)
    seconds = np.array([5000, 0, 0, 1800], dtype=np.int64)
    assert request_runs(keys, seconds) == 3
    assert request_runs(keys[::-1], seconds[::-1]) == 3
