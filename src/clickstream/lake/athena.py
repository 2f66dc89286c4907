"""Athena: run a statement, wait for it, return its rows as Python values."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clickstream.core.errors import InputError, QueryFailed
from clickstream.lake import aws_errors
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
    return _wait_until_finished(lake, _start(lake, request), longest_seconds)


def scanned_bytes(execution: Mapping[str, Any]) -> int:
    """Return the bytes that a finished execution read, which Athena charges for."""
    return int(execution.get("Statistics", {}).get("DataScannedInBytes", 0))


def _start(lake: Lake, request: dict[str, Any]) -> str:
    try:
        return str(lake.athena.start_query_execution(**request)["QueryExecutionId"])
    except lake.athena.exceptions.InvalidRequestException as error:
        reason = error.response["Error"].get("Message", error)
        raise QueryFailed(f"Athena refused the statement: {reason}") from None


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
