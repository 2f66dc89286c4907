"""Cost of the publication of an hour, by the number of hours in the tables.

    python -m benchmarks.commits --at 100 1000 5000

The tables are filled a day at a time, as by `clickstream_reprocess`. The measured publications are
of one hour each, as by hourly runs.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import boto3
import psutil
import pyarrow as pa
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.hours import Hour, by_day, hour_range
from clickstream.lake import Lake, open_lake
from clickstream.lake.hour_ledger import UNPUBLISHED
from clickstream.lake.publication import Publication, start_publication
from clickstream.settings import Aws, Settings
from clickstream.tables import (
    HITS,
    HOUR_LEDGER,
    RAW_OBJECTS,
    SESSION_CHANGES,
    Table,
)

FIRST = Hour.parse("2026-01-01T00")
ROWS_PER_HOUR = 50
MEASURED = 30
"""Number of publications of which a figure is the median."""


def main() -> None:
    """Fill the tables up to each count, and print the cost of the last publications before it."""
    parser = argparse.ArgumentParser(description="Measure what publications cost.")
    parser.add_argument("--at", type=int, nargs="+", default=[100, 1000, 5000])
    counts = parser.parse_args().at
    warnings.filterwarnings("ignore", message="Delete operation did not match any records")
    print("| hours published | CPU s an hour | local AWS besides, CPU s | snapshots of hits |")
    print("| ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder, LocalAwsProcess(Path(folder)) as aws:
        lake = _lake(aws.endpoint)
        there = 0
        for count in sorted(counts):
            _fill(lake, FIRST.plus(there), FIRST.plus(count - MEASURED - 1))
            last = [FIRST.plus(count - left) for left in range(MEASURED, 0, -1)]
            _print(lake, count, [_cost(lake, hour, aws.pid) for hour in last])
            there = count


def _print(lake: Lake, number: int, costs: list[tuple[float, float]]) -> None:
    ours, of_aws = (statistics.median(each) for each in zip(*costs, strict=True))
    table = lake.catalog.load_table(f"{lake.database}.{HITS.name}")
    print(f"| {number:,} | {ours:.2f} | {of_aws:.2f} | {len(table.snapshots())} |", flush=True)


def _fill(lake: Lake, first: Hour, last: Hour) -> None:
    for begin, end in by_day(first, last):
        _publish(lake, [*hour_range(begin, end)])


def _cost(lake: Lake, hour: Hour, aws_pid: int) -> tuple[float, float]:
    """The CPU seconds of a publication: of this process, and of the local AWS."""
    aws = psutil.Process(aws_pid)
    before = time.process_time(), sum(aws.cpu_times()[:2])
    _publish(lake, [hour])
    return time.process_time() - before[0], sum(aws.cpu_times()[:2]) - before[1]


def _publish(lake: Lake, hours: Sequence[Hour]) -> None:
    numbers = {RAW_OBJECTS: 1, SESSION_CHANGES: 0, HOUR_LEDGER: 1}
    audit = {
        table.name: pa.concat_tables(_rows(table, hour, number) for hour in hours)
        for table, number in numbers.items()
    }
    new = [Publication(hour, UNPUBLISHED, partial(_rows, hour=hour)) for hour in hours]
    start_publication(lake, new, "benchmark").complete(audit)


def _rows(table: Table, hour: Hour, number: int = ROWS_PER_HOUR) -> pa.Table:
    """Return a number of equal rows of an hour."""
    row = {column.name: SAMPLES[column.type] for column in table.columns}
    row |= {"event_date": hour.event_date, "hour_at": hour.naive}
    return pa.Table.from_pylist([row] * number, schema=table.arrow_schema())


SAMPLES = {
    "string": "text",
    "int": 1,
    "long": 1,
    "double": 0.5,
    "boolean": True,
    "timestamp": datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    "date": FIRST.event_date,
    "map<string, long>": [("order", 1)],
    "list<long>": [0, 1],
}


def _lake(endpoint: str) -> Lake:
    session = boto3.Session(
        aws_access_key_id=CREDENTIALS["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=CREDENTIALS["AWS_SECRET_ACCESS_KEY"],
    )
    aws = Aws(endpoint_url=endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"])
    return open_lake(Settings(aws=aws), session)


if __name__ == "__main__":
    main()
