from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.errors import InputError
from clickstream.hours import Hour, by_day, hour_range

EPOCHS = st.integers(0, 4_000_000_000)


@given(EPOCHS)
def test_an_hour_reads_back_what_it_writes(seconds: int) -> None:
    hour = Hour.of_epoch(seconds)
    assert Hour.parse(str(hour)) == hour
    assert Hour.parse(hour.start.isoformat()) == hour


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
    for read in (Hour.first_of, Hour.last_of):
        with pytest.raises(InputError, match="not an hour"):
            read("2026-02-30")


@given(EPOCHS, st.integers(-2, 100))
def test_days_hold_every_hour_of_a_range_once(seconds: int, more: int) -> None:
    first = Hour.of_epoch(seconds)
    pieces = list(by_day(first, first.minus(-more)))
    hours = [hour for begin, end in pieces for hour in hour_range(begin, end)]
    assert hours == list(hour_range(first, first.minus(-more)))
    assert all(begin.event_date == end.event_date for begin, end in pieces)
    assert len({begin.event_date for begin, _ in pieces}) == len(pieces)
