"""Runs of consecutive hours: how they are read, grouped and named."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from clickstream.hours import Hour, HourSpan, describe_hours, group_hours, hour_range

START = Hour.parse("2026-11-20T00")


def test_a_day_is_its_24_hours_and_an_hour_is_itself() -> None:
    assert len(HourSpan.parse("2026-11-25")) == 24
    assert HourSpan.parse("2026-11-25T07") == HourSpan(*[Hour.parse("2026-11-25T07")] * 2)


@given(st.sets(st.integers(0, 60)))
def test_groups_hold_the_same_hours_and_none_can_be_joined(numbers: set[int]) -> None:
    spans = group_hours(START.plus(number) for number in numbers)
    hours = [hour for span in spans for hour in hour_range(span.first, span.last)]
    assert hours == [START.plus(number) for number in sorted(numbers)]
    assert all(a.last.next < b.first for a, b in pairwise(spans))
    assert sum(map(len, spans)) == len(numbers)


def test_hours_are_named_as_runs_and_long_lists_are_short() -> None:
    assert describe_hours([START, START.next]) == "2026-11-20T00 to 2026-11-20T01 (2 hours)"
    alone = [START.plus(2 * number) for number in range(9)]
    assert describe_hours(alone, limit=2) == (
        "2026-11-20T00, 2026-11-20T02, and 7 hours more, up to 2026-11-20T16"
    )
