"""A few lines around boto3's Athena client: run a statement, wait for it, read its rows."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

WAIT_SECONDS = 300
POLL_SECONDS = 0.01
OPEN_STATES = ("QUEUED", "RUNNING")


@dataclass(frozen=True)
class AthenaClient:
    """Statements in one database, results under one location."""

    api: Any
    database: str
    output: str

    def start(self, sql: str, **options: Any) -> str:
        started = self.api.start_query_execution(
            QueryString=sql,
            QueryExecutionContext={"Database": self.database},
            ResultConfiguration={"OutputLocation": self.output},
            **options,
        )
        return str(started["QueryExecutionId"])

    def wait(self, query_id: str) -> dict[str, Any]:
        """The execution once it is over."""
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            execution = self.api.get_query_execution(QueryExecutionId=query_id)["QueryExecution"]
            if execution["Status"]["State"] not in OPEN_STATES:
                return dict(execution)
            time.sleep(POLL_SECONDS)
        raise TimeoutError(query_id)

    def run(self, sql: str, **options: Any) -> dict[str, Any]:
        return self.wait(self.start(sql, **options))

    def succeed(self, sql: str, **options: Any) -> dict[str, Any]:
        execution = self.run(sql, **options)
        status = execution["Status"]
        assert status["State"] == "SUCCEEDED", status.get("StateChangeReason")
        return execution

    def rows(self, sql: str, **options: Any) -> list[list[str | None]]:
        """Rows of a query, without the header."""
        execution = self.succeed(sql, **options)
        return self.cells(execution["QueryExecutionId"])[1:]

    def lines(self, sql: str) -> list[str]:
        """Lines of a SHOW or DESCRIBE."""
        execution = self.succeed(sql)
        return [str(row[0]) for row in self.cells(execution["QueryExecutionId"])]

    def cells(self, query_id: str) -> list[list[str | None]]:
        pages = self.api.get_paginator("get_query_results").paginate(QueryExecutionId=query_id)
        return [
            [cell.get("VarCharValue") for cell in row["Data"]]
            for page in pages
            for row in page["ResultSet"]["Rows"]
        ]

    def reason(self, sql: str, **options: Any) -> str:
        """Why a statement fails."""
        execution = self.run(sql, **options)
        assert execution["Status"]["State"] == "FAILED", execution["Status"]
        return str(execution["Status"]["StateChangeReason"])
