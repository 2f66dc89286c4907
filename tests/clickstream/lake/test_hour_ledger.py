"""Questions to the ledger read the dates that they are about, and no others."""

from __future__ import annotations

from collections import Counter

from tests.support import faults_children as children
from tests.support.faults_lakes import log_an_hour, through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, passes
from tests.support.lakes import build_all
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake, hour_ledger
from clickstream.pipeline.pull.host import pull_source

FIRST, LAST = Hour.parse("2026-11-18T10"), Hour.parse("2026-11-21T10")


def test_asking_whether_distant_hours_are_published_reads_their_dates_only(
    lake: Lake, local_aws: LocalAwsProcess
) -> None:
    for day in range(4):
        hour = FIRST.plus(24 * day)
        log_an_hour(lake.settings, hour)
        pull_source(lake, lake.settings.sources[0])
        build_all(lake, hour, hour, "test")
    read: Counter[str] = Counter()

    def noted(exchange: Exchange) -> Fault:
        if exchange.name == "GET hour_ledger data file":
            read[exchange.handler.path] += 1
        return passes

    asked = [FIRST, FIRST.next, LAST, LAST.next]
    with FaultsProxy(local_aws.endpoint, noted) as proxy:
        other = children.open_lake(through(lake.settings, proxy))
        assert hour_ledger.rows_of_hours(other, asked).keys() == {FIRST, LAST}
    assert len(read) == 2
    assert hour_ledger.rows_of_hours(lake, []) == {}
