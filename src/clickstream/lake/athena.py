"""Athena: run a statement, wait for it, read its rows as Python values."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from clickstream.errors import QueryFailed
from clickstream.lake import trouble
from clickstream.lake.client import Lake

FIRST_WAIT_SECONDS = 0.05
LONGEST_WAIT_SECONDS = 2.0

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
    """A query's answer: column names, and rows of Python values in the same order."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    scanned_bytes: int

    def records(self) -> list[dict[str, Any]]:
        """The rows as dictionaries."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@trouble.told()
def query(lake: Lake, sql: str, parameters: Sequence[str] = ()) -> QueryResult:
    """Run one statement. `parameters` are SQL literals for its question marks.

    Raises QueryFailed with Athena's own reason.
    """
    request: dict[str, Any] = {
        "QueryString": sql,
        "QueryExecutionContext": {"Database": lake.database},
        "ResultConfiguration": {"OutputLocation": lake.uri("athena-results/")},
        "WorkGroup": lake.settings.lake.workgroup,
    }
    if parameters:
        request["ExecutionParameters"] = list(parameters)
    execution_id = lake.athena.start_query_execution(**request)["QueryExecutionId"]
    execution = _finished(lake, execution_id)
    columns, rows = _results(lake, execution_id, execution["StatementType"] == "DML")
    scanned = execution.get("Statistics", {}).get("DataScannedInBytes", 0)
    return QueryResult(columns, rows, scanned)


def _finished(lake: Lake, execution_id: str) -> dict[str, Any]:
    wait = FIRST_WAIT_SECONDS
    while True:
        answer = lake.athena.get_query_execution(QueryExecutionId=execution_id)
        execution: dict[str, Any] = answer["QueryExecution"]
        state = execution["Status"]["State"]
        if state == "SUCCEEDED":
            return execution
        if state in ("FAILED", "CANCELLED"):
            reason = execution["Status"].get("StateChangeReason", "no reason given")
            raise QueryFailed(f"Athena: query {state.lower()}: {reason}")
        time.sleep(wait)
        wait = min(wait * 1.5, LONGEST_WAIT_SECONDS)


def _results(
    lake: Lake, execution_id: str, has_header: bool
) -> tuple[list[str], list[tuple[Any, ...]]]:
    pages = lake.athena.get_paginator("get_query_results").paginate(QueryExecutionId=execution_id)
    columns: list[str] = []
    rows: list[tuple[Any, ...]] = []
    for number, page in enumerate(pages):
        info = page["ResultSet"]["ResultSetMetadata"]["ColumnInfo"]
        columns = [column["Name"] for column in info]
        converters = [CONVERTERS.get(column["Type"], str) for column in info]
        cells = page["ResultSet"]["Rows"][1 if has_header and number == 0 else 0 :]
        rows.extend(_row(cell["Data"], converters) for cell in cells)
    return columns, rows


def _row(cells: list[dict[str, str]], converters: list[Callable[[str], Any]]) -> tuple[Any, ...]:
    return tuple(_values(cells, converters))


def _values(cells: list[dict[str, str]], converters: list[Callable[[str], Any]]) -> Iterator[Any]:
    for cell, convert in zip(cells, converters, strict=False):
        text = cell.get("VarCharValue")
        yield None if text is None else convert(text)
