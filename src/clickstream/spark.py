"""Build a range of hours on a Spark cluster, for ranges that take one machine too long.

    spark-submit spark.py FROM TO [--no-publish]

An hour's hits and parts depend only on its raw lines, so each hour is cleaned by its own task on
any worker, by the same code and with the same bytes as elsewhere. There is no shuffle: an hour too
large for a worker's memory is spilled to its disk in groups of visitors. The rest, stitching
sessions and publishing, proceeds from hour to hour: the driver does it, or leaves it to
`clickstream_reprocess`.

Arrow carries hour numbers in and counts out; PySpark's own pandas is not used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import typer

from clickstream.core.hours import Hour
from clickstream.core.memory import freeze_imports
from clickstream.lake import Lake, open_lake, shared_session
from clickstream.pipeline.backfill.backfill import Steps, plan_backfill, rebuild
from clickstream.pipeline.build_settings import settings_of
from clickstream.pipeline.hour.build import clean_hits
from clickstream.pipeline.hour.step_results import CleanedHour, Published
from clickstream.settings import Settings, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HOURS_PER_CORE = 4
"""Hours that are cleaned for each core before the driver publishes them."""

Batches = Iterator[pa.RecordBatch]


def build_hours(
    spark: SparkSession, lake: Lake, hours: Sequence[Hour], run_id: str
) -> Iterator[Published]:
    """Build and publish hours in the given order, some at a time, and yield each publication.

    Workers reach AWS in the same way as the driver, and find the files that the settings name under
    the same paths. If another process publishes an hour meanwhile, the driver builds it again.
    """
    at_once = HOURS_PER_CORE * spark.sparkContext.defaultParallelism
    for start in range(0, len(hours), at_once):
        group = hours[start : start + at_once]
        clean_hours(spark, settings_of(lake), group)
        yield from rebuild(lake, group, run_id, Steps.SESSIONS)


def clean_hours(
    spark: SparkSession, settings: Settings, hours: Sequence[Hour]
) -> list[CleanedHour]:
    """Parse and clean hours into staged files, each in its own task; no table is touched.

    `settings` are those that hours are built with (`settings_of`), so no worker infers the
    own domain. Rows in staging from the same lines and the same rules are left alone, so a job that
    was killed continues where it stopped.
    """
    if not hours:
        return []
    spark.sparkContext.setJobDescription(f"Clean {hours[0]} to {hours[-1]}")
    numbers = spark.range(0, len(hours), numPartitions=len(hours))
    cleaned = numbers.mapInArrow(_cleaning(settings, [*map(str, hours)]), "staged string")
    staged = [CleanedHour.from_dict(json.loads(row.staged)) for row in cleaned.collect()]
    return sorted(staged, key=lambda hour: hour.hour)


def _cleaning(settings: Settings, hours: Sequence[str]) -> Callable[[Batches], Batches]:
    """Return the function of a worker: it reads numbers of hours, and returns results as JSON."""

    def clean(batches: Batches) -> Batches:
        freeze_imports()
        lake = Lake(settings, shared_session())
        for batch in batches:
            for number in batch.column("id").to_pylist():
                staged = clean_hits(lake, Hour.parse(hours[number]), keep_staged=True)
                yield pa.record_batch({"staged": [json.dumps(staged.as_dict())]})

    return clean


def main(
    first: Annotated[Hour, typer.Argument(parser=Hour.first_of, metavar="FROM")],
    last: Annotated[Hour, typer.Argument(parser=Hour.last_of, metavar="TO")],
    run_id: Annotated[str, typer.Option(help="Name of the run in the ledger.")] = "spark",
    publish: Annotated[bool, typer.Option(help="Also publish, or only clean the hours.")] = True,
    only_outdated: Annotated[bool, typer.Option(help="Only hours that would change.")] = False,
) -> None:
    """Build days or hours on Spark; the raw lines must have been pulled.

    Hours that this run has published already are left out.
    """
    from pyspark.sql import SparkSession

    freeze_imports()
    lake = open_lake(load())
    hours = plan_backfill(lake, first, last, run_id, only_outdated).todo
    spark = SparkSession.builder.appName(f"clickstream {first} to {last}").getOrCreate()
    if publish:
        for published in build_hours(spark, lake, hours, run_id):
            typer.echo(published.sentence)
    else:
        for staged in clean_hours(spark, settings_of(lake), hours):
            typer.echo(staged.sentence)


if __name__ == "__main__":
    typer.run(main)
