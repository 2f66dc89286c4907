"""A commit costs the same in a young and in an old lake, in any order of its days."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from random import Random

import pyarrow as pa
import pytest
from pyiceberg.manifest import ManifestFile
from tests.clickstream.lake.builders import build_rows
from tests.support import faults_children as children
from tests.support.faults_lakes import through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy
from tests.support.localaws_process import LocalAwsProcess

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables, table_maintenance
from clickstream.lake.iceberg.transactions import MOST_OF_A_MONTH, months_of
from clickstream.settings import Settings
from clickstream.tables import REJECTS

FIRST = Hour.parse("2024-01-01T00")
EVERY = 6
"""Only each sixth day has data, so that a test can afford two years of months."""

YOUNG, OLD = 12, 120
"""Days with data; each lake is past its first snapshots, whose number grows until it is bounded."""

MEASURED = 8
"""Publications that a cost is the sum of, so that each counts a merge of manifests."""

GROWTH = 1.2

DAYS_OVER = 9
"""Days that are compacted, each in a commit of its own."""


def strands(days: int) -> list[int]:
    """The order of `clickstream_reprocess`: of each half of the range one day in turn."""
    half = -(-days // 2)
    return [day for start in range(half) for day in range(start, days, half)]


def at_random(days: int) -> list[int]:
    return Random(1).sample(range(days), days)


ORDERS: dict[str, Callable[[int], Iterable[int]]] = {
    "two strands": strands,
    "in order": range,
    "newest first": lambda days: range(days - 1, -1, -1),
    "at random": at_random,
}


@dataclass
class Cost:
    """What some publications asked AWS for."""

    requests: int = 0
    bytes: int = 0

    def count(self, _exchange: Exchange) -> Fault:
        return self._forward

    def _forward(self, exchange: Exchange) -> None:
        reply = exchange.forward()
        self.requests += 1
        self.bytes += len(exchange.body) + len(reply.body)
        exchange.answer(reply)


def first_of(day: int) -> Hour:
    """The first hour of a day that has data, by its number."""
    return FIRST.plus(24 * EVERY * day)


def publish(lake: Lake, first: Hour, last: Hour) -> None:
    """Replace the hours from `first` to `last` with a row for each of the two."""
    rows = [build_rows(REJECTS, hour, {}) for hour in sorted({first, last})]
    iceberg_tables.load(lake, REJECTS).replace(first, last, pa.concat_tables(rows))


def publish_days(lake: Lake, days: Iterable[int]) -> None:
    for day in days:
        publish(lake, first_of(day), first_of(day).plus(23))


def cost_of_an_hour(settings: Settings, aws: LocalAwsProcess, days: int) -> Cost:
    """What it costs to publish an hour again, of days all over the lake, by new processes."""
    publish(children.open_lake(settings), first_of(0), first_of(0))  # thins out the snapshots
    cost = Cost()
    for number in range(MEASURED):
        with FaultsProxy(aws.endpoint, cost.count) as proxy:
            hour = first_of(number * days // MEASURED)
            publish(children.open_lake(through(settings, proxy)), hour, hour)
    return cost


def manifests(lake: Lake) -> list[ManifestFile]:
    table = iceberg_tables.load(lake, REJECTS).iceberg
    snapshot = table.current_snapshot()
    return snapshot.manifests(table.io) if snapshot else []


def data_files(lake: Lake) -> set[str]:
    scan = iceberg_tables.load(lake, REJECTS).iceberg.scan()
    return {task.file.file_path for task in scan.plan_files()}


def rows_of(lake: Lake) -> int:
    return iceberg_tables.load(lake, REJECTS).iceberg.scan().to_arrow().num_rows


@pytest.mark.lake
@pytest.mark.parametrize(
    "order",
    [
        "two strands",
        *(pytest.param(name, marks=pytest.mark.deep) for name in [*ORDERS][1:]),
    ],
)
def test_a_publication_costs_the_same_in_a_lake_of_ten_times_the_days(
    order: str,
    make_lake: Callable[[str], Lake],
    local_aws: LocalAwsProcess,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    costs = []
    for days in (YOUNG, OLD):
        lake = make_lake(f"days-{days}")
        publish_days(lake, ORDERS[order](days))
        with monkeypatch.context() as patch:  # both remember as many snapshots
            patch.setattr(iceberg_tables, "NEWEST_SNAPSHOTS", 4)
            patch.setattr(iceberg_tables, "FORGOTTEN_AT_ONCE", 1)
            costs.append(cost_of_an_hour(lake.settings, local_aws, days))
        assert rows_of(lake) >= 2 * days - MEASURED
    young, old = costs
    assert old.requests < GROWTH * young.requests
    assert old.bytes < GROWTH * young.bytes


def test_manifests_hold_one_month_each_and_are_merged(lake: Lake) -> None:
    publish_days(lake, strands(16))
    publish_days(lake, [0] * 8)
    spans = [months_of(manifest) for manifest in manifests(lake)]
    assert all(first == last for first, last in spans)
    assert max(Counter(spans).values()) <= MOST_OF_A_MONTH
    assert len({*spans}) == 3
    assert rows_of(lake) == 32


def test_a_commit_splits_manifests_of_several_months(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            iceberg_tables, "MonthlyAppend", lambda of: of.update_snapshot().merge_append()
        )
        always = {
            "commit.manifest.min-count-to-merge": "2",
            "commit.manifest-merge.enabled": "true",
        }
        change = iceberg_tables.load(lake, REJECTS).iceberg.transaction()
        change.set_properties(always).commit_transaction()
        publish_days(lake, strands(10))
    [wide] = manifests(lake)
    assert months_of(wide) == ((2024, 1), (2024, 2))
    before = data_files(lake)
    publish(lake, first_of(20), first_of(20))
    spans = [months_of(manifest) for manifest in manifests(lake)]
    assert sorted(spans) == [((2024, month),) * 2 for month in (1, 2, 4)]
    assert before < data_files(lake)
    assert rows_of(lake) == 21


@pytest.mark.lake
def test_a_compaction_leaves_few_manifests(lake: Lake) -> None:
    for hour in range(16):
        publish(lake, FIRST.plus(hour), FIRST.plus(hour))
    for day in range(1, DAYS_OVER + 1):
        for hour in (0, 1):
            publish(lake, FIRST.plus(24 * day + hour), FIRST.plus(24 * day + hour))
        loaded = iceberg_tables.load(lake, REJECTS)
        for group in table_maintenance.find_groups(loaded, FIRST.plus(24 * day).event_date):
            table_maintenance.compact(loaded, group)
            loaded = iceberg_tables.load(lake, REJECTS)
    assert len(manifests(lake)) <= MOST_OF_A_MONTH
    assert rows_of(lake) == 16 + 2 * DAYS_OVER
