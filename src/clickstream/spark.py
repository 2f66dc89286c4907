"""Build a range of hours on a Spark cluster: for ranges that one machine would be at for too long.

    spark-submit spark.py FROM TO [--no-publish]

An hour's hits and parts follow from its raw lines alone, so each hour is cleaned by a task of its
own, wherever there is room, by the same code and to the same bytes as anywhere else. Nothing is
shuffled: an hour too large for a worker's memory goes to its disk in groups of visitors, as ever.
What is left, stitching sessions and publishing, goes from hour to hour: the driver does it, or
leaves it to the days of `clickstream_reprocess`.

Arrow carries names of hours in and counts out; PySpark's own pandas is not used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import typer

from clickstream import pipeline
from clickstream.hours import Hour
from clickstream.lake import Lake, open_lake, shared_session
from clickstream.memory import freeze_imports
from clickstream.pipeline import CleanedHour, Published
from clickstream.settings import Settings, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HOURS_PER_CORE = 4
"""Hours cleaned for each core before the driver publishes them."""

Batches = Iterator[pa.RecordBatch]


def build_hours(
    spark: SparkSession, lake: Lake, hours: Sequence[Hour], run_id: str
) -> Iterator[Published]:
    """Build and publish hours in the order given, some at a time, yielding each publication.

    Workers reach AWS as the driver does, and find the files that the settings name under the same
    paths. An hour that someone else publishes meanwhile is built afresh, by the driver.
    """
    at_once = HOURS_PER_CORE * spark.sparkContext.defaultParallelism
    for start in range(0, len(hours), at_once):
        some = hours[start : start + at_once]
        clean_hours(spark, pipeline.settings_of(lake), some)
        yield from pipeline.rebuild(lake, some, run_id, pipeline.Steps.SESSIONS)


def clean_hours(
    spark: SparkSession, settings: Settings, hours: Sequence[Hour]
) -> list[CleanedHour]:
    """Parse and clean hours into staged files, each as a task of its own; no table is touched.

    `settings` are those that hours are built with (`pipeline.settings_of`), so no worker infers the
    own domain. Rows that wait already, of the same lines and by the same rules, are left alone, so
    a job that was killed goes on where it stopped.
    """
    if not hours:
        return []
    spark.sparkContext.setJobDescription(f"Clean {hours[0]} to {hours[-1]}")
    numbers = spark.range(0, len(hours), numPartitions=len(hours))
    cleaned = numbers.mapInArrow(_cleaning(settings, [*map(str, hours)]), "staged string")
    staged = [CleanedHour.from_dict(json.loads(row.staged)) for row in cleaned.collect()]
    return sorted(staged, key=lambda one: one.hour)


def _cleaning(settings: Settings, hours: Sequence[str]) -> Callable[[Batches], Batches]:
    """What a worker does: numbers of hours in, what cleaning says of each as JSON out."""

    def clean(batches: Batches) -> Batches:
        freeze_imports()
        lake = Lake(settings, shared_session())
        for batch in batches:
            for number in batch.column("id").to_pylist():
                staged = pipeline.clean_unless_staged(lake, Hour.parse(hours[number]))
                yield pa.record_batch({"staged": [json.dumps(staged.as_dict())]})

    return clean


def main(
    first: Annotated[Hour, typer.Argument(parser=Hour.first_of, metavar="FROM")],
    last: Annotated[Hour, typer.Argument(parser=Hour.last_of, metavar="TO")],
    run_id: Annotated[str, typer.Option(help="Who publishes, for the ledger.")] = "spark",
    publish: Annotated[bool, typer.Option(help="Publish, too, or leave it to others.")] = True,
    only_outdated: Annotated[bool, typer.Option(help="Only hours that would change.")] = False,
) -> None:
    """Build days or hours on Spark; the raw lines must have been pulled.

    Hours that this run has published already are left out.
    """
    from pyspark.sql import SparkSession

    freeze_imports()
    lake = open_lake(load())
    hours = pipeline.plan_backfill(lake, first, last, run_id, only_outdated).todo
    spark = SparkSession.builder.appName(f"clickstream {first} to {last}").getOrCreate()
    if publish:
        for published in build_hours(spark, lake, hours, run_id):
            typer.echo(published.sentence)
    else:
        for staged in clean_hours(spark, pipeline.settings_of(lake), hours):
            typer.echo(staged.sentence)


if __name__ == "__main__":
    typer.run(main)
