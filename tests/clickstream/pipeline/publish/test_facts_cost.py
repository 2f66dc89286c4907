"""An hour's refresh of facts reads the same bytes at any age of the lake, by as many queries."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from tests.clickstream.pipeline.builders import log_lines, write
from tests.support.facts import refresh
from tests.support.lakes import aws_session, build_all, settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.publish.facts import DATES_AT_ONCE, FactsRefreshed
from clickstream.pipeline.pull.host import pull_source

LAST = Hour.parse("2026-11-05T12")
YOUNG, OLD = 3, 10
"""Dates of the lake, one hour each.

Those of the old lake are of two months, and more than a refresh computes at once.
"""

HOURS = [Hour.of(LAST.start - timedelta(days=number)) for number in range(OLD)]


class Counted:
    """A lake's process, and how often it asked each service for what."""

    def __init__(self, lake: Lake) -> None:
        session = aws_session()
        self.requests: Counter[str] = Counter()
        session.events.register("before-call", self._count)
        self.lake = Lake(lake.settings, session)

    def _count(self, model: Any, **_: Any) -> None:
        self.requests[model.name] += 1


@pytest.fixture(scope="module")
def lake(local_aws: LocalAwsProcess, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """The raw lines of the old lake; no hour is built."""
    logs = tmp_path_factory.mktemp("cost") / "logs"
    for seed, hour in enumerate(sorted(HOURS)):
        write(logs, log_lines(seed, hour, hour))
    found = open_lake(settings_of_a_lake(local_aws.endpoint, logs), aws_session())
    pull_source(found, found.settings.sources[0])
    return found


def cost_of_an_hour(lake: Lake, dates: int) -> tuple[FactsRefreshed, Counter[str]]:
    """What the refresh costs after the last hour was published again in a lake of some dates."""
    for _ in rebuild(lake, sorted(HOURS[:dates]), "test"):
        pass
    refresh(lake)
    build_all(lake, LAST, LAST, "again")
    process = Counted(lake)
    return refresh(process.lake), process.requests


@pytest.mark.deep
def test_an_hour_costs_the_same_in_a_lake_of_3_and_of_10_dates(lake: Lake) -> None:
    assert OLD > DATES_AT_ONCE > YOUNG
    assert len({hour.start.month for hour in HOURS}) == 2
    young, requests_when_young = cost_of_an_hour(lake, YOUNG)
    old, requests_when_old = cost_of_an_hour(lake, OLD)
    assert young.queries == old.queries == len(FACT_VIEWS)
    assert young.computed == old.computed
    # Moments of publication and random ids compress to a few bytes more or less.
    assert 0 < old.scanned_bytes <= young.scanned_bytes * 1.01
    more = requests_when_old - requests_when_young
    assert set(more) <= {"GetObject", "GetQueryExecution"}
    assert more["GetObject"] <= 4  # Iceberg's manifests of one month more
    nothing = Counted(lake)
    assert refresh(nothing.lake).queries == 0
    assert set(nothing.requests) == {"GetTables", "GetTable", "GetObject"}
