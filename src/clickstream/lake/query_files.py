"""The rows of a query as an Arrow table, read from the result file that Athena writes.

A page of GetQueryResults has up to 1,000 rows and takes a request. The file is one object, which
Arrow reads at once. `pipeline.facts` calls this.
"""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlparse

import pyarrow as pa
from pyarrow import csv

from clickstream.core.errors import QueryFailed
from clickstream.lake import athena, aws_errors, s3_get
from clickstream.lake.client import Lake

ARROW_TYPES: Mapping[str, pa.DataType] = {
    "varchar": pa.string(),
    "integer": pa.int32(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}
"""The Arrow type of each of Athena's types that a result file may have."""


@dataclass(frozen=True)
class QueryRows:
    """The rows of a query, and the bytes that it scanned."""

    table: pa.Table
    scanned_bytes: int


@aws_errors.translate_errors()
def query_rows(lake: Lake, sql: str) -> QueryRows:
    """Run a SELECT. Raises QueryFailed with Athena's reason, or if the file is missing."""
    execution = athena.execute(lake, sql)
    columns = _columns(lake, execution["QueryExecutionId"])
    location = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    stored = s3_get.get(lake.s3, location.netloc, location.path.lstrip("/"))
    if stored is None:
        raise QueryFailed(
            f"Athena's result {location.geturl()} is gone. Lifecycle rules of the bucket must keep "
            "results for a day; then run the command again."
        )
    return QueryRows(parse_result(stored.body, columns), athena.scanned_bytes(execution))


def _columns(lake: Lake, execution_id: str) -> Sequence[Mapping[str, Any]]:
    """Return name and type of each column, which the file lacks: it has texts only."""
    answer = lake.athena.get_query_results(QueryExecutionId=execution_id, MaxResults=1)
    columns: Sequence[Mapping[str, Any]] = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
    return columns


def parse_result(body: bytes, columns: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Parse a result file: every value is in quotes, NULL is an empty field without quotes.

    So an empty text in quotes stays a text. Raises QueryFailed for a column of another type.
    """
    types = {column["Name"]: _arrow_type(column) for column in columns}
    return csv.read_csv(
        io.BytesIO(body),
        # Arrow refuses a value that spans two blocks, so the whole file is one block.
        csv.ReadOptions(use_threads=False, block_size=max(len(body), 1)),
        csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        csv.ConvertOptions(
            column_types=types,
            null_values=[""],
            strings_can_be_null=True,
            quoted_strings_can_be_null=False,
        ),
    )


def _arrow_type(column: Mapping[str, Any]) -> pa.DataType:
    kind = column["Type"]
    if kind not in ARROW_TYPES:
        raise QueryFailed(
            f"Column {column['Name']} has the type {kind}, which a result file can't be read with; "
            f"cast it to one of {', '.join(ARROW_TYPES)} in the view."
        )
    return ARROW_TYPES[kind]
