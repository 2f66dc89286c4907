"""Runs queries from QUEUED to their final state."""

from __future__ import annotations

import io
import logging
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, BinaryIO

from localaws.athena.api_errors import athena_error
from localaws.athena.blobio import split_uri
from localaws.athena.executions import OPEN_STATES, Executions, Record, finish
from localaws.athena.limits import DEFAULT, Limits
from localaws.athena.pool import WorkerDied, WorkerPool
from localaws.athena.statements import Statements, is_query, line_columns, plain
from localaws.athena.tables import QueryTables
from localaws.errors import AwsError
from localaws.service import Blobs, Catalog
from trino_duckdb import CompiledStatement, QueryError, Type, compile_statement, types

WORKERS = 2
CANCEL_REASON = "Query cancelled by user"
DIED_REASON = (
    "The process that ran this query ended unexpectedly, perhaps because it ran out of memory. "
    "Run the query again; if it fails again, read less data."
)
Columns = list[tuple[str, Type]]
log = logging.getLogger(__name__)


class Engine:
    """Plans queries in this process, runs them in workers, and stores their results."""

    def __init__(
        self,
        executions: Executions,
        blobs: Blobs,
        glue: Catalog,
        scratch: Path,
        limits: Limits = DEFAULT,
    ) -> None:
        self._executions = executions
        self._blobs = blobs
        self._glue = glue
        self._scratch = scratch
        scratch.mkdir(parents=True, exist_ok=True)
        self._workers = WorkerPool(WORKERS, scratch / "spill", limits)
        self._threads = ThreadPoolExecutor(WORKERS, thread_name_prefix="athena")

    def submit(self, query_id: str) -> None:
        """Queue a recorded query; it runs as soon as one of ``WORKERS`` threads is free."""
        self._threads.submit(self._run, query_id)

    def stop(self, query_id: str) -> None:
        """Cancel a query, unless it has ended."""
        cancelled = self._executions.change(
            query_id, lambda record: finish(record, "CANCELLED", CANCEL_REASON)
        )
        if cancelled:
            self._workers.stop(query_id)

    def close(self) -> None:
        """Kill running queries; the next start sets them to FAILED."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        self._workers.close()

    def _run(self, query_id: str) -> None:
        try:
            self._run_to_end(query_id)
        except Exception as error:
            log.exception("The state of query %s can't be written", query_id)
            reason = error.message if isinstance(error, AwsError) else repr(error)
            self._executions.fail_unsaved(query_id, f"GENERIC_INTERNAL_ERROR: {reason}")

    def _run_to_end(self, query_id: str) -> None:
        """Run a query and write its final state. Raises AwsError if the disk is full."""
        started = time.monotonic()
        if not self._executions.change(query_id, _start):
            return
        execution = self._executions.get(query_id)["execution"]
        statistics = execution["Statistics"]
        try:
            columns = self._answer(execution, statistics)
        except WorkerDied:
            self._fail(query_id, QueryError("GENERIC_INTERNAL_ERROR", DIED_REASON))
        except QueryError as error:
            self._fail(query_id, error)
        except AwsError as error:
            self._fail(query_id, QueryError("GENERIC_INTERNAL_ERROR", error.message))
        except RecursionError:
            text = "statement is too large (stack overflow during analysis)"
            self._fail(query_id, QueryError("STACK_OVERFLOW", text))
        except Exception as error:
            log.exception("Query %s failed inside localaws", query_id)
            self._fail(query_id, QueryError("GENERIC_INTERNAL_ERROR", repr(error)))
        else:
            statistics["EngineExecutionTimeInMillis"] = _milliseconds(started)
            self._executions.change(query_id, lambda record: _succeed(record, columns, statistics))

    def _fail(self, query_id: str, error: QueryError) -> None:
        def change(record: Record) -> bool:
            if not finish(record, "FAILED", str(error)):
                return False
            record["execution"]["Status"]["AthenaError"] = athena_error(error)
            return True

        self._executions.change(query_id, change)

    def _answer(self, execution: Record, statistics: Record) -> Columns:
        """Run a statement, store its result, and return the result's columns."""
        database = execution["QueryExecutionContext"]["Database"].lower()
        sql = execution["Query"]
        tables = QueryTables(self._blobs, self._glue)
        if is_query(sql):
            compiled = compile_statement(
                plain(sql) if ";" in sql else sql,
                database,
                tables,
                execution.get("ExecutionParameters", ()),
            )
            return self._query(execution, compiled, tables, statistics)
        lines = Statements(self._glue, database, tables).run(sql)
        self._store(execution, io.BytesIO("\n".join(lines.lines).encode()), "text/plain")
        return line_columns(lines)

    def _query(
        self,
        execution: Record,
        compiled: CompiledStatement,
        tables: QueryTables,
        statistics: Record,
    ) -> Columns:
        planning = time.monotonic()
        job, size = _job(compiled, tables)
        statistics["DataScannedInBytes"] = size
        statistics["QueryPlanningTimeInMillis"] = _milliseconds(planning)
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            output = Path(folder) / "result.csv"
            job["output"] = str(output)
            try:
                self._workers.run(execution["QueryExecutionId"], job)
            except QueryError:
                tables.check_files()  # a missing or damaged file explains the failure better
                raise
            with output.open("rb") as file:
                self._store(execution, file, "application/octet-stream")
        return compiled.labels()

    def _store(self, execution: Record, data: BinaryIO, content_type: str) -> None:
        location = execution["ResultConfiguration"]["OutputLocation"]
        try:
            self._blobs.put(*split_uri(location), data, content_type)
        except AwsError as error:
            raise QueryError(
                "INVALID_OUTPUT_LOCATION", f"Cannot write the result to {location}: {error.message}"
            ) from None


def _job(compiled: CompiledStatement, tables: QueryTables) -> tuple[dict[str, Any], int]:
    """Build the job for a worker, and return it with the number of bytes that it reads."""
    sources, files, total = {}, set(), 0
    for scan in compiled.scans:
        sources[scan.view], scanned, size = tables.plan(scan)
        files.update(scanned)
        total += size
    labels = compiled.labels()
    job = {
        "files": sorted(files),
        "setup": compiled.setup,
        "sql": compiled.over(sources),
        "names": [name for name, _ in labels],
        "types": [types.to_json(kind) for _, kind in labels],
    }
    return job, total


def _start(record: Record) -> bool:
    status = record["execution"]["Status"]
    if status["State"] != "QUEUED":
        return False
    status["State"] = "RUNNING"
    waited = int((time.time() - status["SubmissionDateTime"]) * 1000)
    record["execution"]["Statistics"]["QueryQueueTimeInMillis"] = waited
    return status["State"] in OPEN_STATES


def _succeed(record: Record, columns: Columns, statistics: Record) -> bool:
    if not finish(record, "SUCCEEDED"):
        return False
    total = record["execution"]["Statistics"]["TotalExecutionTimeInMillis"]
    statistics["TotalExecutionTimeInMillis"] = total
    record["execution"]["Statistics"] = statistics
    record["columns"] = [[name, types.to_json(kind)] for name, kind in columns]
    return True


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
