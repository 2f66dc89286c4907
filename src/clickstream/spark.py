"""Build a range of hours on a Spark cluster: for ranges that one machine would be at for too long.

    spark-submit spark.py FROM TO

An hour's hits and parts follow from its raw lines alone, so each hour is cleaned by a task of its
own, wherever there is room, by the same code and to the same bytes as anywhere else. Nothing is
shuffled: an hour too large for a worker's memory goes to its disk in groups of visitors, as ever.
What is left, stitching sessions and publishing, goes from hour to hour, and the driver does it.

Arrow carries names of hours in and counts out; PySpark's own pandas is not used.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import pyarrow as pa
import typer

from clickstream import pipeline
from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, open_lake, shared_session
from clickstream.pipeline import Published, Staged
from clickstream.settings import Settings, load

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

HOURS_PER_CORE = 4
"""Hours cleaned before the driver publishes them, for each core: what a killed job loses."""

Batches = Iterator[pa.RecordBatch]
HourArgument = Annotated[Hour, typer.Argument(parser=Hour.parse)]


def build_hours(
    spark: SparkSession, lake: Lake, hours: Sequence[Hour], run_id: str
) -> Iterator[Published]:
    """Build and publish hours in the order given, some at a time, yielding each publication.

    Workers reach AWS as the driver does, and find the files that the settings name under the same
    paths. An hour that someone else publishes meanwhile is built afresh, by the driver.
    """
    at_once = HOURS_PER_CORE * spark.sparkContext.defaultParallelism
    for start in range(0, len(hours), at_once):
        for staged in clean_hours(spark, lake.settings, hours[start : start + at_once]):
            checked = pipeline.check_hour(lake, pipeline.build_sessions(lake, staged))
            yield from pipeline.register_tables(lake, checked, run_id)


def clean_hours(spark: SparkSession, settings: Settings, hours: Sequence[Hour]) -> list[Staged]:
    """Parse and clean hours into staged files, each as a task of its own; no table is touched."""
    numbers = spark.range(0, len(hours), numPartitions=len(hours))
    cleaned = numbers.mapInArrow(_cleaning(settings, [*map(str, hours)]), "staged string")
    staged = [Staged.from_dict(json.loads(row.staged)) for row in cleaned.collect()]
    return sorted(staged, key=lambda one: one.hour)


def _cleaning(settings: Settings, hours: Sequence[str]) -> Callable[[Batches], Batches]:
    """What a worker does: numbers of hours in, what `clean_hits` says of each as JSON out."""

    def clean(batches: Batches) -> Batches:
        lake = Lake(settings, shared_session())
        for batch in batches:
            for number in batch.column("id").to_pylist():
                staged = pipeline.clean_hits(lake, Hour.parse(hours[number]))
                yield pa.record_batch({"staged": [json.dumps(staged.as_dict())]})

    return clean


def main(
    first: HourArgument,
    last: HourArgument,
    run_id: Annotated[str, typer.Option(help="Who publishes, for the ledger.")] = "spark",
) -> None:
    """Build every hour from FROM to TO on Spark; the raw lines must have been pulled."""
    from pyspark.sql import SparkSession

    if last < first:
        raise InputError(f"The range ends before it begins: {first} to {last}; swap the two.")
    spark = SparkSession.builder.appName(f"clickstream {first} to {last}").getOrCreate()
    for published in build_hours(spark, open_lake(load()), [*hour_range(first, last)], run_id):
        typer.echo(published.sentence)


if __name__ == "__main__":
    typer.run(main)
