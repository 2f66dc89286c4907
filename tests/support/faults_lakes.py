"""Lakes that go through faults, and the undisturbed ones that they are compared with."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from tests.support import faults_children as children
from tests.support.access_log import Client, append
from tests.support.faults_proxy import FaultsProxy
from tests.support.lakes import beside, build_all, sortable_columns

from clickstream.core.hours import Hour
from clickstream.lake import Lake
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import Settings
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS

FIRST = Hour.parse("2026-11-20T00")
BY_PUBLICATION = ["published_at", "published_by", "late_lines", "late_by_seconds"]
BY_PULL = ["raw_object", "line_number", "raw_objects", "raw_digest"]


def through(settings: Settings, proxy: FaultsProxy, seconds: int = 30) -> Settings:
    """Settings that reach AWS through a proxy, and are patient for so many seconds."""
    how = {"endpoint_url": proxy.endpoint, "timeout_seconds": seconds}
    return settings.model_copy(update={"aws": settings.aws.model_copy(update=how)})


def log_an_hour(settings: Settings, hour: Hour) -> None:
    """An hour of a log: visits that go on over its edges, a bot, and a line that is none."""
    stamp = f"{hour}:{{:02d}}:{{:02d}}"
    lines = [
        Client(f"192.0.2.{visitor}").get(stamp.format(minute, visitor), f"/{minute}/")
        for minute in (1, 20, 40, 59)
        for visitor in range(4)
    ]
    bot = Client("198.51.100.1").get(stamp.format(59, 30), "/robots.txt")
    append(Path(settings.sources[0].path) / "access.log", [*lines, bot, "no line"])


def contents(lake: Lake) -> dict[str, pd.DataFrame]:
    """Every row of every table, but for what tells when and how it was pulled and published."""
    found = {}
    for table in (HITS, SESSION_PARTS, REJECTS, HOUR_LEDGER):
        frame = iceberg_tables.load(lake, table).iceberg.scan().to_arrow().to_pandas()
        kept = frame.drop(columns=[*BY_PUBLICATION, *BY_PULL], errors="ignore")
        by = [name for name in sortable_columns(table) if name in kept]
        found[table.name] = kept.sort_values(by, ignore_index=True)
    return found


def built_calmly(settings: Settings, last: Hour) -> Lake:
    """A lake that was pulled and built from FIRST to `last` in one go, undisturbed."""
    calm = children.open_lake(beside(settings, "calm"))
    pull_source(calm, calm.settings.sources[0])
    build_all(calm, FIRST, last, "calm")
    return calm


def assert_same(lake: Lake, calm: Lake) -> None:
    """Nothing is lost and nothing doubled: the chain holds, and the rows are the calm lake's."""
    assert verify(lake).is_proven
    found = contents(lake)
    for name, rows in contents(calm).items():
        pd.testing.assert_frame_equal(found[name], rows, obj=name)
