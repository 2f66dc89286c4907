"""Published hours that are not over are removed: the lake is then as if they were never built."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pandas as pd
import pytest
from tests.clickstream.pipeline.builders import FIRST, LAST, log_lines, write
from tests.clickstream.pipeline.test_any_order import contents
from tests.support.faults import Killed, dying
from tests.support.lakes import build_all, built, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, raw
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.proof.repair import repair
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.removal import remove_premature
from clickstream.tables import TABLES

RUNNING = Hour.parse("2026-11-21T00")
NOW = RUNNING.start + timedelta(minutes=30)
PREMATURE = (*hour_range(RUNNING, LAST),)
KILLED_AT_EVERY = 6
"""Every how many writes a removal is killed, before or after the write."""


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Hours of two dates, of which those of the second date are not over at NOW."""
    logs = tmp_path_factory.mktemp("removal") / "logs"
    write(logs, log_lines(5))
    return built(settings_of_a_lake(local_aws.endpoint, logs), FIRST, RUNNING.previous)


def rows_left(lake: Lake) -> dict[str, int]:
    return {
        table.name: len(iceberg_tables.load(lake, table).read(RUNNING, LAST)) for table in TABLES
    }


def assert_as(lake: Lake, expected: dict[str, pd.DataFrame]) -> None:
    for name, frame in contents(lake).items():
        pd.testing.assert_frame_equal(frame, expected[name], obj=name)


def killed_removals(lake: Lake) -> Iterator[int]:
    """Kill a removal at later and later writes, until one ends; yield the number of its writes."""
    for writes in range(0, 1000, KILLED_AT_EVERY):
        try:
            [*remove_premature(dying(lake, writes, after=bool(writes % 4)), PREMATURE, "r", NOW)]
        except Killed:
            yield writes
        else:
            return


@pytest.mark.lake
def test_a_removal_can_be_killed_anywhere_and_the_next_one_leaves_no_trace(lake: Lake) -> None:
    without = contents(lake)
    build_all(lake, RUNNING, LAST, "an earlier version")
    published = contents(lake)
    build_all(lake, RUNNING, LAST, "again, which records changes of sessions")
    assert rows_left(lake)["hour_ledger"] == len(PREMATURE)
    kills = 0
    for _ in killed_removals(lake):
        kills += 1
        report = verify(lake, now=NOW)
        assert report.premature, "the hours of an interrupted removal are named again"
        assert {*report.premature} <= {*PREMATURE}
        assert (report.is_proven, report.findings) == (False, ())
    assert kills >= 3
    sentences: list[str] = []
    assert repair(lake, verify(lake, now=NOW), "r", sentences.append, NOW).is_proven
    assert verify(lake, now=NOW).is_proven
    assert {*rows_left(lake).values()} == {0}
    assert_as(lake, without)
    assert raw.pending_hours(lake) == [*PREMATURE], "a run builds them when they are over"
    build_all(lake, RUNNING, LAST, "when they are over")
    assert_as(lake, published)
    assert verify(lake).is_proven


def test_an_hour_that_is_over_is_never_removed(lake: Lake) -> None:
    before = contents(lake)
    with pytest.raises(InputError, match=f"not over can be removed: {RUNNING.previous}"):
        [*remove_premature(lake, [RUNNING.previous, RUNNING], "r", NOW)]
    assert_as(lake, before)
