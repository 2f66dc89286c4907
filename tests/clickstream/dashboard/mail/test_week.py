"""ISO weeks: names, dates, and which is over at a moment, over changes of clocks and years."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import InputError
from clickstream.dashboard.formats import Formats, parse_locale
from clickstream.dashboard.mail import Week, check_week

ZONES = ["UTC", "Europe/London", "America/New_York", "Pacific/Apia", "Pacific/Kiritimati"]
days = st.dates(date(1970, 1, 8), date(2999, 12, 20))
zones = st.sampled_from(ZONES).map(ZoneInfo)
moments = st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1), timezones=st.just(UTC))


@given(days)
def test_a_week_has_the_date_and_is_read_from_its_name(day: date) -> None:
    week = Week.of(day)
    assert week.first <= day <= week.last
    assert (week.first.isoweekday(), week.period.days) == (1, 7)
    assert Week.parse(str(week)) == week


@given(days, days)
def test_weeks_are_in_the_order_of_their_dates(one: date, other: date) -> None:
    weeks = Week.of(one), Week.of(other)
    assert (weeks[0] < weeks[1]) == (weeks[0].first < weeks[1].first)
    assert (str(weeks[0]) < str(weeks[1])) == (weeks[0] < weeks[1])


@given(moments, zones)
def test_the_last_complete_week_is_over_and_the_next_is_not(
    moment: datetime, zone: ZoneInfo
) -> None:
    week = Week.last_complete(moment, zone)
    following = Week.of(week.last + timedelta(days=1))
    assert week.ends_at(zone) <= moment < following.ends_at(zone)
    check_week(week, moment, zone)
    with pytest.raises(InputError, match=f"{following} is not over yet. Name a week up to {week},"):
        check_week(following, moment, zone)


@pytest.mark.parametrize(
    ("moment", "zone", "week"),
    [
        # The clocks of London go back on Sunday 25 October 2026: the week ends at 00:00 UTC.
        ("2026-10-25T23:59:59+00:00", "Europe/London", "2026-W42"),
        ("2026-10-26T00:00:00+00:00", "Europe/London", "2026-W43"),
        # They go forward on Sunday 29 March: the week ends at 23:00 UTC.
        ("2026-03-29T22:59:59+00:00", "Europe/London", "2026-W12"),
        ("2026-03-29T23:00:00+00:00", "Europe/London", "2026-W13"),
        ("2026-11-23T04:59:59+00:00", "America/New_York", "2026-W46"),
        ("2026-11-23T05:00:00+00:00", "America/New_York", "2026-W47"),
        # 2026 has 53 weeks, and the 53rd ends in 2027.
        ("2027-01-04T00:00:00+00:00", "UTC", "2026-W53"),
        ("2027-01-11T00:00:00+00:00", "UTC", "2027-W01"),
    ],
)
def test_a_week_ends_at_the_local_midnight_after_its_sunday(moment, zone, week) -> None:
    assert str(Week.last_complete(datetime.fromisoformat(moment), ZoneInfo(zone))) == week


@pytest.mark.parametrize("text", ["", "47", "2026-47", "W47", "2026-W4", "2026-W477", "last", "²"])
def test_what_is_not_a_week_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="is not a week; write it like 2026-W47"):
        Week.parse(text)


@pytest.mark.parametrize("text", ["2026-W00", "2026-W54", "2025-W53", "0000-W01", "9999-W53"])
def test_a_week_that_a_year_lacks_is_refused(text: str) -> None:
    with pytest.raises(InputError, match="to W52, in long years to W53"):
        Week.parse(text)


@pytest.mark.parametrize(
    ("week", "label"),
    [
        ("2026-W47", "Week 47, 16 Nov – 22 Nov 2026"),
        ("2026-W53", "Week 53, 28 Dec 2026 – 3 Jan 2027"),
    ],
)
def test_a_label_names_the_number_the_dates_and_the_year(week: str, label: str) -> None:
    assert Week.parse(week).label(Formats(parse_locale("en-GB"))) == label
