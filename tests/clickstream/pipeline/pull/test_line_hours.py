"""A line without a time is in the hour of the line before it, also if that was pulled earlier."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import many_examples

from clickstream.core.hours import Hour
from clickstream.lake.bookmarks import Bookmark
from clickstream.pipeline.pull.line_hours import HOUR_SECONDS, hours_of

LAST = Hour.parse("2026-11-20T05")
START = int(LAST.start.timestamp())

times = st.just(-1) | st.integers(START, START + 3 * HOUR_SECONDS)


def hour_of(second: int) -> int:
    return second // HOUR_SECONDS * HOUR_SECONDS


@many_examples
@given(st.lists(times, min_size=1, max_size=9), st.booleans())
def test_hours_are_those_of_one_line_after_the_other(seconds: list[int], is_at_start: bool) -> None:
    timed = [second for second in seconds if second >= 0]
    before = hour_of(timed[0]) if is_at_start and timed else START
    expected = []
    for second in seconds:
        before = before if second < 0 else hour_of(second)
        expected.append(before)
    offset = 0 if is_at_start else 9
    bookmark = Bookmark("web-1", "f" * 8, "combined", offset, last_hour=str(LAST))
    assert hours_of(np.array(seconds, np.int64), bookmark).tolist() == expected
