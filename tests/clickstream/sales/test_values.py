"""Amounts and times: what a shop stores, in hundredths and in UTC."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.collect.sales.sql import offsets
from clickstream.sales.value_checks import BadValue, cents, local_moment

LONDON = ZoneInfo("Europe/London")
zones = st.sampled_from(
    [ZoneInfo(name) for name in ("Europe/London", "America/New_York", "Asia/Kathmandu", "UTC")]
)
moments = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1))


@given(st.integers(-(10**12), 10**12))
def test_an_amount_of_hundredths_is_exact_in_any_form(number: int) -> None:
    exact = Decimal(number) / 100
    forms = [exact, str(exact), f"{exact:.4f}", f" {exact} "]
    if abs(number) < 10**11:
        forms.append(float(exact))
    assert {cents(form) for form in forms} == {number}
    assert cents(number, has_units=False) == number


@each_case("text, expected", [("0.125", 12), ("0.135", 14), ("2.675", 268), ("-0.005", 0)])
def test_more_decimals_are_rounded_once_half_to_even(text: str, expected: int) -> None:
    assert cents(text) == expected


@each_case("text", ["", "free", "1,50", "$1", "inf", "NaN", "1e30"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    with pytest.raises(BadValue):
        cents(text)


@example(datetime(2026, 10, 25, 0, 30), LONDON)
@example(datetime(2026, 10, 25, 1, 30), LONDON)
@given(moments, zones)
def test_a_local_time_is_the_first_moment_that_shows_it(at: datetime, zone: ZoneInfo) -> None:
    shown = at.replace(tzinfo=UTC).astimezone(zone)
    found = local_moment(shown.replace(tzinfo=None), zone)
    is_second = shown.fold == 1
    assert found.at <= at
    assert (found.at == at) is not is_second
    assert found.is_ambiguous or not is_second


def test_a_time_that_clocks_skip_does_not_exist() -> None:
    with pytest.raises(BadValue, match="does not exist"):
        local_moment(datetime(2026, 3, 29, 1, 30), LONDON)


@given(moments, zones)
def test_offsets_of_a_query_are_those_of_the_zone(at: datetime, zone: ZoneInfo) -> None:
    times = (datetime(2019, 1, 1), datetime(2031, 1, 1))
    found = next(offset for end, offset in offsets(zone, times) if at < end)
    assert found == at.replace(tzinfo=zone).utcoffset().total_seconds()  # type: ignore[union-attr]
