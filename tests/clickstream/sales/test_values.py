"""Amounts and times: what a shop stores, in hundredths and in UTC."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from tests.support.cases import each_case

from clickstream.collect.sales.sql import offsets
from clickstream.sales.fields import SalesField
from clickstream.sales.value_checks import BadValue, ValueRules, cents, local_moment

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


@each_case(
    "value, decimals, expected",
    [
        ("12.50", 2, 1250),
        ("12.5000", 2, 1250),
        (0.1 + 0.2, 2, 30),
        (12.299999999999999, 2, 1230),
        ("1500", 0, 150000),
        ("1500.00", 0, 150000),
        ("12.505", 2, None),
        (12.505, 2, None),
        (Decimal("0.125"), 2, None),
        ("1500.5", 0, None),
        ("", 2, None),
        ("free", 2, None),
        ("inf", 2, None),
        ("NaN", 2, None),
        ("9" * 40, 2, None),
    ],
)
def test_an_amount_has_no_more_decimals_than_its_currency(
    value: object, decimals: int, expected: int | None
) -> None:
    """Of floats, six decimals count: sums of floats have a rest."""
    with pytest.raises(BadValue) if expected is None else nullcontext():
        assert cents(value, decimals=decimals) == expected


SEPARATORS, NO_NUMBER = "unknown separators: set numbers", "no number"


@each_case(
    "numbers, text, expected",
    [
        ("", "1234.56", 123456),
        ("", ".5", 50),
        ("", "+7", 700),
        ("", "0.250", 25),
        ("", "1.234", SEPARATORS),
        ("", "-1.000", SEPARATORS),
        ("", "12,50", SEPARATORS),
        ("", "1,234.56", SEPARATORS),
        ("", "1.234,56", SEPARATORS),
        ("", "1e3", NO_NUMBER),
        ("", "1_000", NO_NUMBER),
        ("", "١٢", NO_NUMBER),
        ("", "$1", NO_NUMBER),
        ("1234.56", "1.234", "more decimals"),
        ("1234.56", "1.230", 123),
        ("1234.56", "1,50", NO_NUMBER),
        ("1.234,56", "1.234", 123400),
        ("1.234,56", "12,50", 1250),
        ("1.234,56", "12.50", NO_NUMBER),
        ("1,234.56", "1,234", 123400),
        ("1,234.56", "١,٢٣٤", NO_NUMBER),
    ],
)
def test_a_number_is_read_in_one_way_or_asks_for_its_separators(
    numbers: Any, text: str, expected: int | str
) -> None:
    rules = ValueRules(numbers=numbers)
    if isinstance(expected, str):
        with pytest.raises(BadValue, match=expected):
            rules.read(text, SalesField("total", "money"), {})
    else:
        assert rules.read(text, SalesField("total", "money"), {}) == expected
        quantity = rules.read(text, SalesField("quantity", "quantity"), {})
        assert quantity == pytest.approx(expected / 100)


def test_a_coordinate_has_any_number_of_decimals() -> None:
    assert ValueRules().read("51.507", SalesField("latitude", "number"), {}) == 51.507


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
