"""Times in any spelling, compared with the standard library, and texts that are no time."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.clickstream.parse.strategies import times
from tests.support.cases import each_case
from tests.support.examples import many_examples

from clickstream.parse.times import TimeFormat, unix_seconds

LOGGED = "%d/%b/%Y:%H:%M:%S %z"
# Times that are often, but by far not always, possible.
DAY = r"[0-3][0-9]/[JFMASOND][aepuco][nbrynlgptvc]/(19[89]|20[0-9]|21[01])[0-9]"
CLOCK = r"[0-2][0-9]:[0-7][0-9]:[0-5][0-9] [+-][0-2][0-9][0-7][0-9]"


@many_examples
@given(st.lists(times, min_size=1, max_size=30))
def test_every_real_time_is_exact_with_any_offset(moments: list[datetime]) -> None:
    seconds, possible = unix_seconds([moment.strftime(LOGGED).encode() for moment in moments])
    assert possible.all()
    assert seconds.tolist() == [int(moment.timestamp()) for moment in moments]


@many_examples
@given(
    st.from_regex(DAY, fullmatch=True),
    st.from_regex(CLOCK, fullmatch=True),
)
def test_what_the_calendar_lacks_is_impossible(day: str, clock: str) -> None:
    text = f"{day}:{clock}"
    try:
        moment = datetime.strptime(text, LOGGED)
    except ValueError:
        moment = None
    seconds, possible = unix_seconds([text.encode()])
    assert bool(possible[0]) == (moment is not None and 1990 <= moment.year <= 2100)
    if possible[0]:
        assert moment is not None
        assert seconds[0] == moment.timestamp()


@pytest.mark.parametrize(
    "text",
    [
        "31/Dec/1989:23:59:59 +0000",
        "01/Jan/2101:00:00:00 +0000",
        "00/Jan/2026:00:00:00 +0000",
        "29/Feb/2100:00:00:00 +0000",
        "01/jan/2026:00:00:00 +0000",
        "01/Jan/2026:24:00:00 +0000",
        "01/Jan/2026:00:60:00 +0000",
        "01/Jan/2026:00:00:61 +0000",
        "01/Jan/2026:00:00:00 +2400",
        "01/Jan/2026:00:00:00 +0060",
        "0a/Jan/2026:00:00:00 +0000",
        "01-Jan/2026:00:00:00 +0000",
        "01/Jan-2026:00:00:00 +0000",
        "01/Jan/2026 00:00:00 +0000",
        "01/Jan/2026:00.00:00 +0000",
        "01/Jan/2026:00:00.00 +0000",
        "01/Jan/2026:00:00:00T+0000",
        "01/Jan/2026:00:00:00 00000",
    ],
)
def test_logged_times_that_cannot_be_are_refused(text: str) -> None:
    assert not unix_seconds([text.encode()])[1][0]


def test_no_times_give_empty_columns() -> None:
    seconds, possible = unix_seconds([])
    assert len(seconds) == len(possible) == 0


SPELLED = (
    *("%d/%b/%Y:%H:%M:%S %z", "%Y-%m-%dT%H:%M:%S%z", "%B %e %Y (%T) %z", "%z|%F %T"),
    *("%H:%M:%S %d.%m.%Y %z", "%s", "%%%e%h%Y%T%z"),
)
offsets = st.integers(-23 * 60 - 59, 23 * 60 + 59).map(lambda m: timezone(timedelta(minutes=m)))
moments = st.datetimes(datetime(1990, 1, 2), datetime(2100, 12, 30), timezones=offsets)


def decoded(spelled: str, *times: str) -> list[int | None]:
    texts = [time.encode() for time in times]
    ends = np.cumsum([len(text) for text in texts], dtype=np.int64)
    starts = ends - np.array([len(text) for text in texts], np.int64)
    block = np.frombuffer(b"".join(texts) + bytes(400), np.uint8)
    seconds, possible = TimeFormat.of(spelled).unix_seconds(block, starts, ends)
    return [int(s) if ok else None for s, ok in zip(seconds, possible, strict=True)]


@many_examples
@given(st.lists(moments, min_size=1, max_size=5), st.sampled_from(SPELLED))
def test_what_strftime_wrote_is_read_back(moments: list[datetime], spelled: str) -> None:
    times = [
        str(int(moment.replace(microsecond=0).timestamp()))
        if spelled == "%s"
        else moment.strftime(spelled)
        for moment in moments
    ]
    assert decoded(spelled, *times) == [
        int(moment.replace(microsecond=0).timestamp()) for moment in moments
    ]


@given(
    st.text(st.sampled_from("0123456789 /:+-TZ.JanFebMy"), max_size=30), st.sampled_from(SPELLED)
)
def test_any_text_is_a_time_or_none(text: str, spelled: str) -> None:
    """What is read as a time has the pattern's shape."""
    [seconds] = decoded(spelled, text)
    if seconds is not None:
        assert re.fullmatch(TimeFormat.of(spelled).pattern, text.encode())


UTC_MIDNIGHT = int(datetime(2026, 11, 20, tzinfo=UTC).timestamp())


@pytest.mark.parametrize(
    ("spelled", "time", "expected"),
    [
        ("%F %T", "2026-11-20 00:00:00", UTC_MIDNIGHT),
        ("%F %T %z", "2026-11-20 00:00:00 -0030", UTC_MIDNIGHT + 1800),
        ("%F %T%:z", "2026-11-20 00:00:00+05:45", UTC_MIDNIGHT - 5 * 3600 - 45 * 60),
        ("%FT%T.%fZ", "2026-11-20T00:00:00.999999Z", UTC_MIDNIGHT),
        ("%F %R", "2026-11-20 00:01", UTC_MIDNIGHT + 60),
        (
            "%F %T",
            "2016-12-31 23:59:60",
            int(datetime(2016, 12, 31, 23, 59, 59, 0, UTC).timestamp()),
        ),
        ("%Q", f"{UTC_MIDNIGHT}999", UTC_MIDNIGHT),
        ("%N", f"{UTC_MIDNIGHT}999999", UTC_MIDNIGHT),
        ("%s.%3f", f"{UTC_MIDNIGHT}.999", UTC_MIDNIGHT),
    ],
)
def test_fractions_are_dropped_and_leap_seconds_stay_in_their_minute(
    spelled: str, time: str, expected: int
) -> None:
    assert decoded(spelled, time) == [expected]


@each_case(
    "spelled, time",
    [
        ("%F %T", "2026-11-20 00:99:00"),
        ("%F %T", "2026-11-20 24:00:00"),
        ("%F %T", "2026-11-20 00:00:61"),
        ("%F %T", "2026-02-29 00:00:00"),
        ("%F %T", "2026-00-10 00:00:00"),
        ("%F %T", "2026-11-00 00:00:00"),
        ("%F %T", "1989-12-31 23:59:59"),
        ("%F %T", "2101-01-01 00:00:00"),
        ("%F %T %z", "2026-11-20 00:00:00 +2400"),
        ("%F %T %z", "2026-11-20 00:00:00 00000"),
        ("%F %T%:z", "2026-11-20 00:00:00+05-45"),
        ("%d %b %Y %R", "20 Foo 2026 00:00"),
        ("%d %B %Y %R", "20 Novembre 2026 00:00"),
        ("%d %B %Y %R", "20 Novembex 2026 00:00"),
        ("%e %b %Y %R", " x Nov 2026 00:00"),
        ("%FT%T.%fZ", "2026-11-20T00:00:00.Z"),
        ("%s", "631151999"),
        ("%s", "4133980800"),
        ("%s", "9" * 19),
    ],
)
def test_times_that_cannot_be_in_any_spelling_are_refused(spelled: str, time: str) -> None:
    assert decoded(spelled, time) == [None]


@pytest.mark.parametrize(
    ("spelled", "problem"),
    [
        ("%H %H", "it has the hour twice"),
        ("%b %m", "it has the month twice"),
        ("%B %f", "it has more than one part of variable width"),
        ("%s%H", "it has no text after its part of variable width"),
    ],
)
def test_a_spelling_that_cannot_be_decoded_says_why(spelled: str, problem: str) -> None:
    assert TimeFormat.of(spelled).problem == problem


def test_a_spelling_names_the_parts_of_a_time_that_it_lacks() -> None:
    assert TimeFormat.of("%H:%M").lacks == ("year", "month", "day")
    assert TimeFormat.of("%s").lacks == ()
