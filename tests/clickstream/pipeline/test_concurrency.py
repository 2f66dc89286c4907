"""Builds of equal and of neighbouring hours at once, in processes of their own."""

from __future__ import annotations

import pytest
from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, assert_same, built_calmly, log_an_hour

from clickstream.core.hours import hour_range
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings

LAST = FIRST.next.next


@pytest.mark.lake
def test_a_live_run_a_backfill_and_someone_who_clears_tasks_at_once(
    lake_settings: Settings,
) -> None:
    """The backfill runs backwards, so the three meet in every hour and on both sides of it."""
    for hour in hour_range(FIRST, LAST):
        log_an_hour(lake_settings, hour)
    lake = children.open_lake(lake_settings)
    pull_source(lake, lake.settings.sources[0])
    hours = [str(hour) for hour in hour_range(FIRST, LAST)]
    at_once = {
        "live": hours,
        "backfill": hours[::-1],
        "someone": [hours[1], hours[1], hours[2]],
    }
    runs = [
        children.start(children.build_hours, lake_settings, share, name)
        for name, share in at_once.items()
    ]
    assert [children.finish(run) for run in runs] == [children.FINISHED] * len(at_once)
    assert_same(children.open_lake(lake_settings), built_calmly(lake_settings, LAST))
