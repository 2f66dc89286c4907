"""Athena: run a statement, wait for it, return its rows as Python values or as an Arrow table."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any
from urllib.parse import urlparse

import pyarrow as pa
from pyarrow import csv

from clickstream.core.errors import InputError, QueryFailed
from clickstream.lake import aws_errors, s3_get
from clickstream.lake.client import Lake
from clickstream.settings.sections import QUERY_RESULTS

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0

LONGEST_QUERY_SECONDS = 45 * 60
"""Seconds after which a query is stopped.

Athena ends DML statements after 30 minutes by default, and they may wait in a queue before.
"""

CONVERTERS: dict[str, Callable[[str], Any]] = {
    "tinyint": int,
    "smallint": int,
    "integer": int,
    "bigint": int,
    "double": float,
    "float": float,
    "real": float,
    "decimal": Decimal,
    "boolean": lambda text: text == "true",
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
}


@dataclass(frozen=True)
class QueryResult:
    """A query's result: column names, and rows of Python values in the same order.

    `is_text` marks the result of a statement such as SHOW or DESCRIBE, whose rows are lines.
    """

    columns: list[str]
    rows: list[tuple[Any, ...]]
    scanned_bytes: int
    is_text: bool = False

    def records(self) -> list[dict[str, Any]]:
        """Return the rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@aws_errors.translate_errors()
def query(lake: Lake, sql: str, parameters: Sequence[str] = ()) -> QueryResult:
    """Run one statement. `parameters` are SQL literals for its question marks.

    Raises QueryFailed with Athena's reason, and InputError for an empty statement.
    """
    execution = execute(lake, sql, parameters)
    is_text = execution["StatementType"] != "DML"
    columns, rows = _results(lake, execution["QueryExecutionId"], is_text)
    return QueryResult(columns, rows, scanned_bytes(execution), is_text)


def execute(
    lake: Lake,
    sql: str,
    parameters: Sequence[str] = (),
    longest_seconds: float = LONGEST_QUERY_SECONDS,
) -> dict[str, Any]:
    """Run one statement, and return Athena's record of its execution. Raises as `query` does.

    A statement that takes longer than `longest_seconds` is stopped, which raises QueryFailed.
    """
    if not sql.strip():
        raise InputError("The SQL statement is empty; write one, such as 'show tables'.")
    request: dict[str, Any] = {
        "QueryString": sql,
        "QueryExecutionContext": {"Database": lake.database},
        "ResultConfiguration": {"OutputLocation": lake.uri(QUERY_RESULTS)},
        "WorkGroup": lake.settings.lake.workgroup,
    }
    if parameters:
        request["ExecutionParameters"] = list(parameters)
    try:
        started = lake.athena.start_query_execution(**request)
    except lake.athena.exceptions.InvalidRequestException as error:
        reason = error.response["Error"].get("Message", error)
        raise QueryFailed(f"Athena refused the statement: {reason}") from None
    return _wait_until_finished(lake, str(started["QueryExecutionId"]), longest_seconds)


def scanned_bytes(execution: Mapping[str, Any]) -> int:
    """Return the bytes that a finished execution read, which Athena charges for."""
    return int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))


def _wait_until_finished(lake: Lake, execution_id: str, longest_seconds: float) -> dict[str, Any]:
    wait, give_up_at = FIRST_WAIT_SECONDS, time.monotonic() + longest_seconds
    while True:
        answer = lake.athena.get_query_execution(QueryExecutionId=execution_id)
        execution: dict[str, Any] = answer["QueryExecution"]
        state = execution["Status"]["State"]
        if state == "SUCCEEDED":
            return execution
        if state in ("FAILED", "CANCELLED"):
            reason = execution["Status"].get("StateChangeReason", "no reason given")
            raise QueryFailed(f"Athena: query {state.lower()}: {reason}")
        if time.monotonic() > give_up_at:
            lake.athena.stop_query_execution(QueryExecutionId=execution_id)
            raise QueryFailed(
                f"Athena: query {execution_id} was still {state} after {longest_seconds:,.0f} "
                "seconds and is stopped. Ask for fewer days, or try again later."
            )
        time.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)


def _results(
    lake: Lake, execution_id: str, is_text: bool
) -> tuple[list[str], list[tuple[Any, ...]]]:
    """Return the columns and rows of a result: pages of texts, the first one with a header row.

    A result that is text has no header, and each row is one cell: a line, whose columns, if there
    are several, are separated by tabs and padded with spaces.
    """
    pages = lake.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    columns: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for number, page in enumerate(pages):
        info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns = [column["Name"] for column in info]
        converters = [CONVERTERS.get(column["Type"], str) for column in info]
        skipped = 0 if is_text or number else 1
        for row in page["ResultSet"]["Rows"][skipped:]:
            texts = [cell.get("VarCharValue") for cell in row["Data"]]
            if is_text:
                rows.append(_line_cells(texts[0] or "" if texts else "", len(columns)))
            else:
                rows.append(tuple(map(_value, texts, converters)))
    return columns, rows


def _line_cells(line: str, number: int) -> tuple[str, ...]:
    """Return the cells of a line of text, as many as there are columns."""
    if number <= 1:
        return (line.rstrip(),)
    cells = [cell.strip() for cell in line.split("\t", number - 1)]
    return (*cells, *[""] * (number - len(cells)))


def _value(text: str | None, convert: Callable[[str], Any]) -> Any:
    """Convert a cell to a Python value; it stays text if there is none, as for the year 10000."""
    if text is None:
        return None
    try:
        return convert(text)
    except (ValueError, ArithmeticError):
        return text


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
    """The rows of a query as an Arrow table, and the bytes that it scanned."""

    table: pa.Table
    scanned_bytes: int


@aws_errors.translate_errors()
def query_rows(lake: Lake, sql: str) -> QueryRows:
    """Run a SELECT, and read its rows from the result file that Athena writes.

    A page of GetQueryResults has up to 1,000 rows and takes a request. The file is one object,
    which Arrow reads at once. Raises QueryFailed with Athena's reason, or if the file is missing.
    """
    execution = execute(lake, sql)
    answer = lake.athena.get_query_results(
        QueryExecutionId=execution["QueryExecutionId"], MaxResults=1
    )
    columns = answer["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]  # the file has texts only
    location = urlparse(execution["ResultConfiguration"]["OutputLocation"])
    stored = s3_get.get(lake.s3, location.netloc, location.path.lstrip("/"))
    if stored is None:
        raise QueryFailed(
            f"Athena's result {location.geturl()} is gone. Lifecycle rules of the bucket must keep "
            "results for a day; then run the command again."
        )
    return QueryRows(parse_result(stored.body, columns), scanned_bytes(execution))


def parse_result(body: bytes, columns: Sequence[Mapping[str, Any]]) -> pa.Table:
    """Parse a result file: every value is in quotes, NULL is an empty field without quotes.

    So an empty text in quotes stays a text. Raises QueryFailed for a column of another type.
    """
    types = {}
    for column in columns:
        kind = column["Type"]
        if kind not in ARROW_TYPES:
            raise QueryFailed(
                f"Column {column['Name']} has the type {kind}, which a result file can't be read "
                f"with; cast it to one of {', '.join(ARROW_TYPES)} in the view."
            )
        types[column["Name"]] = ARROW_TYPES[kind]
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
