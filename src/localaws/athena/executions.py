"""Stores query executions.

A record is on disk before the client gets its answer. The next start sets queries to FAILED that
were running when the process ended, or whose final state could not be written because the disk
was full, so that no client waits for them forever.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any

from localaws.errors import AwsError
from localaws.store import Database
from trino_duckdb import QueryError

Record = dict[str, Any]
OPEN_STATES = ("QUEUED", "RUNNING")
SCHEMA = """
create table if not exists athena_execution (
    id text primary key, submitted_at real not null, workgroup text not null,
    state text not null, token text unique, record text not null
);
"""
RESTART_REASON = (
    "GENERIC_INTERNAL_ERROR: The local Athena ended while this query was running. Run it again."
)

USER_ERROR = 2
SYSTEM_ERROR = 1
PLANNING_ERROR_TYPE = 1006
RUNTIME_ERROR_TYPE = 233

RUNTIME_CODES = frozenset(
    "DIVISION_BY_ZERO GENERIC_USER_ERROR INVALID_CAST_ARGUMENT INVALID_FUNCTION_ARGUMENT "
    "NUMERIC_VALUE_OUT_OF_RANGE SUBQUERY_MULTIPLE_ROWS".split()
)


def invalid_request(message: str) -> AwsError:
    """Build the error of an invalid API request."""
    return AwsError("InvalidRequestException", message)


def athena_error(error: QueryError) -> dict[str, Any]:
    """Return the ``AthenaError`` member of the status of a query that failed."""
    internal = error.code.startswith("GENERIC_INTERNAL")
    return {
        "ErrorCategory": SYSTEM_ERROR if internal else USER_ERROR,
        "ErrorType": RUNTIME_ERROR_TYPE if error.code in RUNTIME_CODES else PLANNING_ERROR_TYPE,
        "Retryable": False,
        "ErrorMessage": str(error),
    }


class Executions:
    """Query executions, each a ``QueryExecution`` of the API with internal data.

    A record is ``{"execution": QueryExecution, "columns": [[name, type]] or None}``. Columns are
    set when the query has succeeded.
    """

    def __init__(self, store: Database) -> None:
        self._store = store
        self._unsaved: dict[str, str] = {}
        store.create(SCHEMA)
        self._fail_interrupted()

    def add(self, execution: Record, token: str | None) -> str:
        """Record a new query and return its id.

        If its token was used before, return the id of the earlier query. Raises AwsError if that
        query has another text.
        """
        with self._store.write() as connection:
            if token is not None:
                earlier = connection.execute(
                    "select record from athena_execution where token = ?", (token,)
                ).fetchone()
                if earlier is not None:
                    stored = json.loads(earlier["record"])["execution"]
                    if stored["Query"] != execution["Query"]:
                        raise invalid_request(
                            "Idempotent parameters do not match the earlier request"
                        )
                    return str(stored["QueryExecutionId"])
            status = execution["Status"]
            connection.execute(
                "insert into athena_execution values (?, ?, ?, ?, ?, ?)",
                (
                    execution["QueryExecutionId"],
                    status["SubmissionDateTime"],
                    execution["WorkGroup"],
                    status["State"],
                    token,
                    json.dumps({"execution": execution, "columns": None}),
                ),
            )
        return str(execution["QueryExecutionId"])

    def get(self, query_id: str) -> Record:
        """Return a record. Raises AwsError if there is none."""
        row = self._store.query_one("select record from athena_execution where id = ?", (query_id,))
        if row is None:
            raise invalid_request(f"QueryExecution {query_id} was not found")
        return self._with_failure(query_id, json.loads(row["record"]))

    def fail_unsaved(self, query_id: str, reason: str) -> None:
        """Treat a query as FAILED although its record can't be written now.

        A later change of the record writes the failure. If the process ends before that, the next
        start sets the query to FAILED.
        """
        self._unsaved[query_id] = reason

    def _with_failure(self, query_id: str, record: Record) -> Record:
        if (reason := self._unsaved.get(query_id)) is not None:
            finish(record, "FAILED", reason)
        return record

    def change(self, query_id: str, change: Callable[[Record], bool]) -> bool:
        """Change a record in one transaction; ``change`` returns whether it changed the record."""
        with self._store.write() as connection:
            row = connection.execute(
                "select record from athena_execution where id = ?", (query_id,)
            ).fetchone()
            record = self._with_failure(query_id, json.loads(row["record"]))
            changed = change(record)
            if changed:
                connection.execute(
                    "update athena_execution set record = ?, state = ? where id = ?",
                    (json.dumps(record), record["execution"]["Status"]["State"], query_id),
                )
        return changed

    def _fail_interrupted(self) -> None:
        rows = self._store.query(
            "select id from athena_execution where state in (?, ?)", OPEN_STATES
        )
        for row in rows:
            try:
                self.change(row["id"], lambda record: finish(record, "FAILED", RESTART_REASON))
            except sqlite3.OperationalError:  # the disk is full
                self.fail_unsaved(row["id"], RESTART_REASON)


def finish(record: Record, state: str, reason: str | None = None) -> bool:
    """Set the final state of a query; return False if it has one already."""
    status = record["execution"]["Status"]
    if status["State"] not in OPEN_STATES:
        return False
    now = time.time()
    status.update(State=state, CompletionDateTime=now)
    if reason is not None:
        status["StateChangeReason"] = reason
    milliseconds = int((now - status["SubmissionDateTime"]) * 1000)
    record["execution"]["Statistics"]["TotalExecutionTimeInMillis"] = milliseconds
    return True
