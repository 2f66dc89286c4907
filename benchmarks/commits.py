"""What the publication of an hour costs when the tables hold few hours, and when they hold many."""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
import warnings
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import psutil
import pyarrow as pa
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, open_lake
from clickstream.lake import hour as lake_hour
from clickstream.settings import Aws, Settings
from clickstream.tables import HITS, HOUR_LEDGER, REJECTS, SESSION_PARTS, Table

FIRST = Hour.parse("2026-01-01T00")
ROWS_PER_HOUR = 50
MEASURED = 50
"""Publications that a figure is the median of."""


def main() -> None:
    """Publish hour after hour and print what the last ones before each count cost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--at", type=int, nargs="+", default=[100, 1000, 5000])
    counts = parser.parse_args().at
    warnings.filterwarnings("ignore", message="Delete operation did not match any records")
    print("| hours published | CPU s an hour | local AWS besides, CPU s | snapshots of hits |")
    print("| ---: | ---: | ---: | ---: |")
    with tempfile.TemporaryDirectory() as folder, LocalAwsProcess(Path(folder)) as aws:
        lake = _lake(aws.endpoint)
        costs = []
        for number, cost in enumerate(_publications(lake, max(counts), aws.pid), start=1):
            costs.append(cost)
            if number in counts:
                _print(lake, number, costs[-MEASURED:])


def _print(lake: Lake, number: int, costs: list[tuple[float, float]]) -> None:
    ours, of_aws = (statistics.median(each) for each in zip(*costs, strict=True))
    table = lake.catalog.load_table(f"{lake.database}.{HITS.name}")
    print(f"| {number:,} | {ours:.2f} | {of_aws:.2f} | {len(table.snapshots())} |", flush=True)


def _publications(lake: Lake, hours: int, aws_pid: int) -> Iterator[tuple[float, float]]:
    """The CPU seconds of each publication: of this process, and of the local AWS."""
    aws = psutil.Process(aws_pid)
    for hour in hour_range(FIRST, FIRST.minus(1 - hours)):
        before = time.process_time(), sum(aws.cpu_times()[:2])
        _publish(lake, hour)
        yield time.process_time() - before[0], sum(aws.cpu_times()[:2]) - before[1]


def _publish(lake: Lake, hour: Hour) -> None:
    rows = {table.name: _rows(table, hour) for table in (HITS, SESSION_PARTS, REJECTS)}
    ledger = _rows(HOUR_LEDGER, hour, 1)
    lake_hour.replace(lake, hour, lake_hour.UNPUBLISHED, rows, lambda _before: ledger)


def _rows(table: Table, hour: Hour, number: int = ROWS_PER_HOUR) -> pa.Table:
    """Rows of the hour that are alike in all else."""
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
