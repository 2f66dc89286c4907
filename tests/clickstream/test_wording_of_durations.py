"""Durations are read with their unit, and named by their two largest units."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.errors import InputError
from clickstream.wording import describe_duration, parse_duration


@pytest.mark.parametrize(
    ("minutes", "said"),
    [
        (0, "0 minutes"),
        (1, "1 minute"),
        (65, "1 hour 5 minutes"),
        (120, "2 hours"),
        (1440 + 7, "1 day"),
        (3 * 1440 + 60, "3 days 1 hour"),
    ],
)
def test_a_duration_is_named_by_its_two_largest_units(minutes: int, said: str) -> None:
    assert describe_duration(timedelta(minutes=minutes, seconds=59)) == said


@given(st.integers(0, 999_999), st.sampled_from(["m", "h", "d"]))
def test_a_number_with_a_unit_is_read(number: int, unit: str) -> None:
    size = {"m": 60, "h": 3600, "d": 86400}[unit]
    assert parse_duration(f" {number}{unit} ").total_seconds() == number * size


@pytest.mark.parametrize("text", ["", "3", "h", "3 h", "-3h", "3s", "three hours"])
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="write it like 90m, 3h or 2d"):
        parse_duration(text)
