from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range

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
