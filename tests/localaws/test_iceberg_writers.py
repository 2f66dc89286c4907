"""pyiceberg over S3 and Glue: concurrent writers of one table lose nothing."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException

pytestmark = pytest.mark.filterwarnings("ignore:Delete operation did not match any records")

ROWS = 50


@pytest.fixture
def properties(local_aws: Any, bucket: str) -> dict[str, str]:
    credentials = {"access-key-id": "test", "secret-access-key": "test", "region": "us-east-1"}
    return {
        "warehouse": f"s3://{bucket}/warehouse",
        **{f"s3.{name}": value for name, value in credentials.items()},
        **{f"glue.{name}": value for name, value in credentials.items()},
        "s3.endpoint": local_aws.endpoint,
        "glue.endpoint": local_aws.endpoint,
    }


@pytest.fixture
def name(properties: dict[str, str]) -> Iterator[str]:
    catalog = GlueCatalog("tests", **properties)
    namespace = f"ice_{uuid.uuid4().hex[:12]}"
    catalog.create_namespace(namespace)
    table = catalog.create_table(f"{namespace}.hits", schema=rows(0, 0).schema)
    table.overwrite(rows(0, 0))
    return f"{namespace}.hits"


def rows(hour: int, value: int) -> pa.Table:
    hours = pa.array([hour] * ROWS, pa.int32())
    return pa.table({"hour": hours, "value": pa.array([value] * ROWS, pa.int64())})


def overwrite_at_once(
    properties: dict[str, str], name: str, writes: list[tuple[int, int]]
) -> list[Exception | None]:
    """Overwrite hours with values, all from the same snapshot; the error of each, or None."""
    barrier = threading.Barrier(len(writes))

    def overwrite(hour: int, value: int) -> Exception | None:
        table = GlueCatalog("tests", **properties).load_table(name)
        barrier.wait(60)
        try:
            table.overwrite(rows(hour, value), overwrite_filter=f"hour == {hour}")
        except (ValidationException, CommitFailedException) as error:
            return error
        return None

    with ThreadPoolExecutor(len(writes)) as pool:
        return list(pool.map(lambda write: overwrite(*write), writes))


def contents(properties: dict[str, str], name: str) -> dict[tuple[int, int], int]:
    """Number of rows by hour and value."""
    found = GlueCatalog("tests", **properties).load_table(name).scan().to_arrow()
    counts = found.group_by(["hour", "value"]).aggregate([([], "count_all")]).to_pylist()
    return {(row["hour"], row["value"]): row["count_all"] for row in counts}


def test_writers_of_different_hours_all_succeed(properties: dict[str, str], name: str) -> None:
    errors = overwrite_at_once(properties, name, [(hour, hour) for hour in (1, 2, 3, 4)])
    assert errors == [None] * 4
    assert contents(properties, name) == {(hour, hour): ROWS for hour in range(5)}


def test_of_writers_of_one_hour_one_wins(properties: dict[str, str], name: str) -> None:
    errors = overwrite_at_once(properties, name, [(7, value) for value in (1, 2, 3)])
    assert errors.count(None) == 1
    winner = errors.index(None) + 1
    assert contents(properties, name) == {(0, 0): ROWS, (7, winner): ROWS}


def test_a_stale_overwrite_is_refused(properties: dict[str, str], name: str) -> None:
    catalog = GlueCatalog("tests", **properties)
    stale, fresh = catalog.load_table(name), catalog.load_table(name)
    fresh.overwrite(rows(5, 1), overwrite_filter="hour == 5")
    with pytest.raises(ValidationException):
        stale.overwrite(rows(5, 2), overwrite_filter="hour == 5")
    assert contents(properties, name) == {(0, 0): ROWS, (5, 1): ROWS}


def test_pyiceberg_lists_renames_and_drops_tables(properties: dict[str, str], name: str) -> None:
    catalog = GlueCatalog("tests", **properties)
    namespace = name.partition(".")[0]
    assert (namespace,) in catalog.list_namespaces()
    assert catalog.list_tables(namespace) == [(namespace, "hits")]
    catalog.rename_table(name, f"{namespace}.renamed")
    assert catalog.list_tables(namespace) == [(namespace, "renamed")]
    catalog.drop_table(f"{namespace}.renamed")
    catalog.drop_namespace(namespace)
    assert (namespace,) not in catalog.list_namespaces()
