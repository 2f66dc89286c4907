"""Half a year of a real site's IIS logs against figures that two other programs found in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from tests.real_logs.figures import EVERY_HOUR, FILES, REQUESTS, SESSIONS
from tests.real_logs.real_log import RealLog
from tests.support.cases import each_case

pytestmark = [pytest.mark.lake, pytest.mark.shared_data]


@each_case("name", [*REQUESTS, *SESSIONS, *FILES])
def test_every_figure_of_the_log_is_the_known_one(
    name: str, iis: RealLog, known: Callable[[str], Any]
) -> None:
    figures = {**REQUESTS, **SESSIONS, **FILES}
    assert figures[name](iis) == known("waikolai-iis-2009.json")[name]


@each_case("name", EVERY_HOUR)
def test_every_figure_of_an_hour_is_the_known_one(
    name: str, iis: RealLog, known: Callable[[str], Any]
) -> None:
    rows = known("waikolai-iis-2009.hourly_utc.csv")
    assert [str(value) for value in EVERY_HOUR[name](iis)] == [row[name] for row in rows]


def test_sessions_do_not_end_where_an_hour_or_a_day_does(iis: RealLog) -> None:
    """Who cuts each hour or each day alone counts sessions that go on twice."""
    right = SESSIONS["sessions_all_hits_gt"](iis)
    wrong = [SESSIONS[f"WRONG_sessions_if_cut_at_utc_{unit}"](iis) for unit in ("hour", "day")]
    assert (right, wrong) == (1641, [1663, 1644])
