"""Times against the standard library's own reading of them."""

from datetime import datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.clickstream.parse.combined_lines import times

from clickstream.parse.times import unix_seconds

LOGGED = "%d/%b/%Y:%H:%M:%S %z"
# Times that are often, but by far not always, possible.
DAY = r"[0-3][0-9]/[JFMASOND][aepuco][nbrynlgptvc]/(19[89]|20[0-9]|21[01])[0-9]"
CLOCK = r"[0-2][0-9]:[0-7][0-9]:[0-5][0-9] [+-][0-2][0-9][0-7][0-9]"


@settings(max_examples=100, deadline=None)
@given(st.lists(times, min_size=1, max_size=30))
def test_every_real_time_is_exact_with_any_offset(moments: list[datetime]) -> None:
    seconds, possible = unix_seconds([moment.strftime(LOGGED).encode() for moment in moments])
    assert possible.all()
    assert seconds.tolist() == [int(moment.timestamp()) for moment in moments]


@settings(max_examples=100, deadline=None)
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
def test_impossible_or_no_time(text: str) -> None:
    assert not unix_seconds([text.encode()])[1][0]


def test_no_times_at_all() -> None:
    seconds, possible = unix_seconds([])
    assert len(seconds) == len(possible) == 0
