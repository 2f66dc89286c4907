"""Sessions built hour by hour equal sessions cut from the whole log at once."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.sessions.builders import (
    FIRST,
    Made,
    Session,
    as_carry,
    build_parts,
    made,
    sessions_of,
    stitched_parts,
)

from clickstream.core import dictionary_encoding
from clickstream.sessions import (
    SessionRules,
    carry_digest,
    carry_out,
    carry_rows,
    cut,
    make_parts,
    no_carry,
    stitch,
)

RULES = SessionRules(1800, 12)
PAUSES = st.sampled_from([0, 1, 60, 900, 1799, 1800, 1801, 5000])


@st.composite
def walks(draw: st.DrawFn) -> list[tuple[str, int]]:
    hits = []
    for visitor in draw(st.sets(st.sampled_from("abcd"), min_size=1)):
        at = draw(st.integers(0, 4 * 3600))
        for pause in draw(st.lists(PAUSES, max_size=40)):
            hits.append((visitor, at))
            at += pause
    return draw(st.permutations([hit for hit in hits if hit[1] < 40 * 3600]))


def whole_log_sessions(hits: list[tuple[str, int]]) -> set[Session]:
    """Plain Python, one visitor after the other: (visitor, first, last, requests)."""
    sessions: list[list] = []
    for visitor, at in sorted(hits):
        last = sessions[-1] if sessions else None
        is_same = last and last[0] == visitor and at - last[2] <= RULES.timeout_seconds
        if is_same and midnight_before(at) - last[1] < RULES.cap_hours * 3600:
            last[2], last[3] = at, last[3] + 1
            continue
        sessions.append([visitor, at, at, 1])
    return {tuple(session) for session in sessions}


def midnight_before(at: int) -> int:
    """The last 00:00 UTC up to a moment; both in seconds after FIRST, which is two hours before."""
    return (at - 7200) // 86400 * 86400 + 7200


def hourly_sessions(hits: list[tuple[str, int]]) -> set[Session]:
    """Each hour on its own with the carry of the hour before, parts merged by session_id."""
    log, hour_of = made(hits), np.array([at // 3600 for _, at in hits], np.int64)
    carry, parts = no_carry(), []
    for number in range(hour_of.max(initial=0) + 1):
        built = stitched_parts(log.take(np.flatnonzero(hour_of == number)), carry, RULES)
        carry = carry_out(carry_rows(built), FIRST.plus(number), RULES)
        parts.append(built)
    return sessions_of(parts)


@given(walks())
def test_hours_with_carry_equal_the_whole_log(hits: list[tuple[str, int]]) -> None:
    assert hourly_sessions(hits) == whole_log_sessions(hits)


@given(walks(), st.randoms())
def test_the_order_of_requests_changes_nothing(hits, random) -> None:
    """Pages are named by their second, so requests of one second don't differ."""
    inside = [hit for hit in hits if hit[1] < 3600]
    parts = build_parts(made(inside), no_carry(), RULES)
    random.shuffle(inside)
    again = build_parts(made(inside), no_carry(), RULES)
    pd.testing.assert_frame_equal(parts.astype(str), again.astype(str))


@given(walks())
def test_every_request_is_in_exactly_one_part(hits: list[tuple[str, int]]) -> None:
    requests = made([hit for hit in hits if hit[1] < 3600])
    found = cut(requests, RULES)
    parts = make_parts(requests, found, RULES)
    assert sorted(found.order.tolist()) == list(range(len(requests)))
    assert np.bincount(found.part, minlength=len(parts)).tolist() == parts["requests"].to_pylist()
    visitors = requests.take(found.order).table["visitor_id"].to_pylist()
    assert visitors == parts["visitor_id"].take(pa.array(found.part)).to_pylist()


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 1 << 40)), min_size=1))
def test_requests_are_put_in_the_order_of_visitor_time_and_place(rows) -> None:
    """Also where moments lie so far apart, or so close, that they don't fit one integer."""
    at = np.array([moment for _, moment in rows], "M8[us]")
    visitors = dictionary_encoding.encode(str(visitor) for visitor, _ in rows)
    requests = Made(pa.table({"visitor_id": visitors, "hit_at": at}))
    expected = sorted(range(len(rows)), key=lambda n: (rows[n], n))
    assert cut(requests, RULES).order.tolist() == expected
    whole_seconds = at.astype("M8[s]").astype("M8[us]")
    whole = Made(pa.table({"visitor_id": visitors, "hit_at": whole_seconds}))
    second = sorted(range(len(rows)), key=lambda n: (rows[n][0], rows[n][1] // 1_000_000, n))
    assert cut(whole, RULES).order.tolist() == second


@pytest.mark.parametrize(("silence", "parts"), [(1799, 1), (1800, 1), (1801, 2)])
def test_exactly_the_gap_continues_a_session(silence: int, parts: int) -> None:
    built = build_parts(made([("a", 10), ("a", 10 + silence)]), no_carry(), RULES)
    assert len(built) == parts


@pytest.mark.parametrize("first", [1800, 1801, 3599])
@pytest.mark.parametrize(("silence", "sessions"), [(1799, 1), (1800, 1), (1801, 2)])
def test_exactly_the_gap_continues_a_session_in_the_next_hour(
    first: int, silence: int, sessions: int
) -> None:
    """Also if the gap ends as the next hour begins, at second 3600."""
    assert len(hourly_sessions([("a", first), ("a", first + silence)])) == sessions


def test_a_long_session_ends_at_the_next_midnight_and_a_short_one_does_not() -> None:
    every_quarter = [("a", at) for at in range(600, 60 * 3600, 900)]
    starts = {first for _, first, _, _ in hourly_sessions(every_quarter)}
    # It begins at 22:10, so it has lasted 2 hours at the first midnight and 26 at the second.
    assert starts == {600, 26 * 3600 + 600, 50 * 3600 + 600}


@pytest.mark.parametrize(("lasted", "sessions"), [(12 * 3600 - 1, 1), (12 * 3600, 2)])
def test_a_session_of_exactly_cap_hours_at_midnight_ends_there(lasted: int, sessions: int) -> None:
    midnight = 26 * 3600
    steady = [("a", at) for at in range(midnight - lasted, midnight + 1800, 900)]
    assert len(hourly_sessions(steady)) == sessions
    requests, hour = made(steady), np.array([FIRST.number + at // 3600 for _, at in steady])
    parts = make_parts(requests, cut(requests, RULES, hour), RULES)
    assert len({*stitch(parts, no_carry(), RULES)["session_id"].to_pylist()}) == sessions
    until_midnight = made([hit for hit in steady if hit[1] < midnight])
    at_midnight = carry_rows(stitched_parts(until_midnight, no_carry(), RULES))
    assert len(carry_out(at_midnight, FIRST.plus(25), RULES)) == 2 - sessions


def test_carries_differ_exactly_when_the_open_sessions_do() -> None:
    parts = build_parts(made([("a", 3000), ("b", 3500)]), no_carry(), RULES)
    carry = carry_out(as_carry(parts), FIRST, RULES)
    assert carry_digest(carry) == carry_digest(carry.take([1, 0]))
    assert carry_digest(carry) != carry_digest(carry.slice(0, 1))
    assert carry["visitor_id"].to_pylist() == ["a", "b"]


def test_arrival_and_pages_of_a_part() -> None:
    """Pages are its first and last page view, the arrival is the last that names a channel."""
    requests = made(
        [("a", 5), ("a", 10), ("a", 20), ("a", 30)],
        kind=["asset", "page", "page", "redirect"],
        channel=["Email", None, "Referral", None],
        utm_source=["mail", None, "late", "none"],
    )
    part = build_parts(requests, no_carry(), RULES).iloc[0]
    assert (part["landing_page"], part["exit_page"]) == ("/10", "/20")
    assert (part["page_views"], part["assets"], part["requests"]) == (2, 1, 4)
    assert (part["channel"], part["utm_source"]) == ("Referral", "late")


@pytest.mark.parametrize(
    ("kinds", "logged", "expected"),
    [
        (["page", "page"], [True, True], True),
        (["page", "asset"], [False, True], True),
        (["page", "page"], [False, False], False),
    ],
)
def test_referrer_is_logged_if_it_is_for_any_request(kinds, logged, expected) -> None:
    requests = made([("a", 5), ("a", 10)], kind=kinds, referrer_logged=logged)
    part = build_parts(requests, no_carry(), RULES).iloc[0]
    assert part["referrer_logged"] == expected


def test_a_session_goes_on_under_a_new_visitor_key() -> None:
    """The hour after a change of keys knows visitors by both ids, and the session keeps its own."""
    before = build_parts(made([("old", 3500)]), no_carry(), RULES)
    requests = made([("new", 3700), ("other", 3700)], carried_as=["old", "elsewhere"])
    carry = carry_out(as_carry(before), FIRST, RULES)
    after = build_parts(requests, carry, RULES)
    assert after["visitor_id"].tolist() == ["new", "other"]
    assert after["session_id"].tolist() == [before["session_id"][0], after["part_id"][1]]
    assert after["session_started_at"][0] == before["session_started_at"][0]
    handed_on = carry_out(as_carry(after), FIRST.next, SessionRules(3600, 12))
    assert handed_on["visitor_id"].to_pylist() == ["new", "other"]


def test_parts_of_several_hours_are_stitched_a_slice_at_a_time() -> None:
    hits = [("a", 10), ("b", 20), ("a", 3590), ("a", 3700), ("c", 3710)]
    requests = made(hits)
    found = cut(requests, RULES, np.array([0, 0, 0, 1, 1], np.int32))
    parts = make_parts(requests, found, RULES)
    assert parts["visitor_id"].to_pylist() == ["a", "a", "b", "a", "c"]
    carry, ids = no_carry(), []
    for hour, some in ((FIRST, slice(0, 3)), (FIRST.next, slice(3, 5))):
        stitched = stitch(parts[some], carry, RULES)
        carry = carry_out(carry_rows(stitched), hour, RULES)
        ids += stitched["session_id"].to_pylist()
    begun = parts["part_id"].to_pylist()
    assert ids == [begun[0], begun[1], begun[2], begun[1], begun[4]]


def test_many_visitors_of_several_hours_are_in_the_order_of_the_hours() -> None:
    """Hours go by their numbers since 1970: those times the visitors are no number of 32 bits."""
    names = [f"{number:05}" for number in range(6000)]
    rows = [(name, 3600 * hour) for hour in range(3) for name in names]
    number = np.repeat(np.arange(3, dtype=np.int32) + FIRST.number, len(names)).astype(np.int32)
    requests = made(rows)
    found = cut(requests, RULES, number)
    assert found.order.tolist() == list(range(len(rows)))
    assert make_parts(requests, found, RULES)["visitor_id"].to_pylist() == 3 * names
