"""pyiceberg over S3 and Glue: of concurrent writers of the same rows, one succeeds."""

from __future__ import annotations

import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pytest
from pyiceberg.catalog.glue import GlueCatalog
from pyiceberg.exceptions import CommitFailedException, ValidationException


@pytest.mark.filterwarnings("ignore:Delete operation did not match any records")
def test_of_writers_of_one_hour_one_wins(local_aws: Any, bucket: str) -> None:
    credentials = {"access-key-id": "test", "secret-access-key": "test", "region": "us-east-1"}
    properties = {
        "warehouse": f"s3://{bucket}/warehouse",
        **{f"s3.{name}": value for name, value in credentials.items()},
        **{f"glue.{name}": value for name, value in credentials.items()},
        "s3.endpoint": local_aws.endpoint,
        "glue.endpoint": local_aws.endpoint,
    }
    catalog = GlueCatalog("tests", **properties)
    namespace = f"ice_{uuid.uuid4().hex[:12]}"
    catalog.create_namespace(namespace)
    rows = pa.table({"hour": [7], "value": [0]})
    catalog.create_table(f"{namespace}.hits", schema=rows.schema).append(rows)
    barrier = threading.Barrier(3)

    def is_overwritten(value: int) -> bool:
        table = GlueCatalog("tests", **properties).load_table(f"{namespace}.hits")
        barrier.wait(60)
        try:
            new = pa.table({"hour": [7], "value": [value]})
            table.overwrite(new, overwrite_filter="hour == 7")
        except (ValidationException, CommitFailedException):
            return False
        return True

    with ThreadPoolExecutor(3) as pool:
        winners = [*pool.map(is_overwritten, (1, 2, 3))]
    assert winners.count(True) == 1
    stored = catalog.load_table(f"{namespace}.hits").scan().to_arrow()
    assert stored["value"].to_pylist() == [winners.index(True) + 1]
