"""Hours that are not over are refused, before anything is built or changed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.pipeline.hour.hour_states import check_range_to_build
from clickstream.pipeline.publish.publish import hours_to_build

NOON = Hour.parse("2026-11-20T12")
TOMORROW = Hour.of(datetime.now(UTC) + timedelta(days=1))


@given(st.integers(-50, 50), st.integers(0, 50), st.integers(-60, 3539))
def test_a_range_is_built_if_its_last_hour_is_over(back: int, hours: int, second: int) -> None:
    first, now = NOON.minus(back), NOON.start + timedelta(seconds=second)
    last = first.plus(hours)
    if last < NOON:
        check_range_to_build(first, last, now)
        return
    with pytest.raises(InputError, match=f"The hour {last} is not over yet") as refused:
        check_range_to_build(first, last, now)
    assert str(NOON.previous) in str(refused.value)


def test_nothing_is_planned_or_published_for_an_hour_that_is_not_over(lake: Lake) -> None:
    with pytest.raises(InputError, match="is not over yet"):
        plan_backfill(lake, TOMORROW.minus(100), TOMORROW, "run")
    with pytest.raises(InputError, match="is not over yet"):
        hours_to_build(lake, TOMORROW)
    assert not len(hour_ledger.ledger(lake))
