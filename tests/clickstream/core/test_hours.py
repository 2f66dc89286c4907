"""Hours and spans of hours: parsed, printed, counted, grouped and described."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.examples import many_examples

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, HourSpan, by_day, describe_hours, group_hours, hour_range

EPOCHS = st.integers(0, 4_000_000_000)


@many_examples
@given(EPOCHS)
def test_an_hour_reads_back_what_it_writes(seconds: int) -> None:
    hour = Hour.of_epoch(seconds)
    assert Hour.parse(str(hour)) == hour
    assert Hour.parse(hour.start.isoformat()) == hour


@many_examples
@given(EPOCHS)
def test_a_moment_lies_in_its_hour(seconds: int) -> None:
    moment = datetime.fromtimestamp(seconds, UTC)
    hour = Hour.of(moment.astimezone(timezone(timedelta(hours=5, minutes=30))))
    assert hour.start <= moment < hour.end == hour.next.start
    assert hour.next.previous == hour


@pytest.mark.parametrize("text", ["2026-11-20", "2026-11-20T05:30", "2026-02-30T05", "x", ""])
def test_what_is_not_an_hour_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="not an hour"):
        Hour.parse(text)


@pytest.mark.parametrize("start", [datetime(2026, 1, 1), datetime(2026, 1, 1, 0, 30, tzinfo=UTC)])
def test_an_hour_starts_on_the_hour_in_utc(start: datetime) -> None:
    with pytest.raises(InputError):
        Hour(start)


def test_a_range_includes_both_ends() -> None:
    first, last = Hour.parse("2026-11-20T22"), Hour.parse("2026-11-21T01")
    assert [str(hour)[-2:] for hour in hour_range(first, last)] == ["22", "23", "00", "01"]
    assert list(hour_range(last, first)) == []


def test_a_day_is_its_first_hour_or_its_last() -> None:
    assert (str(Hour.first_of(" 2026-11-20")), str(Hour.last_of("2026-11-20"))) == (
        "2026-11-20T00",
        "2026-11-20T23",
    )
    assert Hour.first_of("2026-11-20T05") == Hour.last_of("2026-11-20T05")


NUMBERS = st.tuples(
    st.integers(0, 9999), st.integers(0, 13), st.integers(0, 32), st.none() | st.integers(0, 25)
)


@pytest.mark.parametrize("read", [Hour.first_of, Hour.last_of, Hour.parse])
@many_examples
@given(NUMBERS)
def test_a_date_that_is_not_in_the_calendar_is_refused_by_the_part_that_is_wrong(
    read: Callable[[str], Hour], numbers: tuple[int, int, int, int | None]
) -> None:
    year, month, day, hour = numbers
    if read == Hour.parse and hour is None:
        hour = 0
    text = f"{year:04}-{month:02}-{day:02}" + ("" if hour is None else f"T{hour:02}")
    try:
        start = datetime(year, month, day, hour or 0, tzinfo=UTC)
    except ValueError:
        start = None
    if start:
        assert read(text).event_date == start.date()
        return
    wrong = (
        "years"
        if year == 0
        else f"month {month:02}"
        if not 1 <= month <= 12
        else f"hour {hour:02}"
        if hour is not None and hour > 23 and is_day(year, month, day)
        else f"day {day:02}"
    )
    with pytest.raises(InputError) as refused:
        read(text)
    message = str(refused.value)
    assert message.startswith(f"{text!r} is not {'a day' if hour is None else 'an hour'}: ")
    assert wrong in message


def is_day(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True


@many_examples
@given(st.text(st.characters(codec="utf-8"), max_size=14))
def test_any_other_text_is_refused_with_an_example(text: str) -> None:
    for read in (Hour.first_of, Hour.last_of, Hour.parse):
        with pytest.raises(InputError) as refused:
            read(f"{text}x")
        assert repr(f"{text}x") in str(refused.value)
        assert "2026-11-20T05" in str(refused.value)


@many_examples
@given(EPOCHS, st.integers(-2, 100))
def test_days_hold_every_hour_of_a_range_once(seconds: int, more: int) -> None:
    first = Hour.of_epoch(seconds)
    pieces = list(by_day(first, first.minus(-more)))
    hours = [hour for begin, end in pieces for hour in hour_range(begin, end)]
    assert hours == list(hour_range(first, first.minus(-more)))
    assert all(begin.event_date == end.event_date for begin, end in pieces)
    assert len({begin.event_date for begin, _ in pieces}) == len(pieces)


START = Hour.parse("2026-11-20T00")


def test_a_day_is_its_24_hours_and_an_hour_is_itself() -> None:
    assert len(HourSpan.parse("2026-11-25")) == 24
    assert HourSpan.parse("2026-11-25T07") == HourSpan(*[Hour.parse("2026-11-25T07")] * 2)


@many_examples
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
