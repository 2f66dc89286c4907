"""Runs queries from QUEUED to their final state, in one DuckDB database of the server's process.

A query may read what its SQL names: the compiler knows no function that reads a file or the
network. A query that is stopped or takes too long is interrupted. If DuckDB goes on for some
seconds, the query keeps its thread and its database, and later queries get a new one.
"""

from __future__ import annotations

import io
import json
import logging
import queue
import shutil
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import duckdb

from localaws.athena.executions import Executions, Record, athena_error, finish
from localaws.athena.results import csv_line
from localaws.athena.statements import Statements, is_query, plain
from localaws.athena.tables import PlannedRead, QueryTables, read_plan, split_uri
from localaws.errors import AwsError
from localaws.glue import GlueCatalogStore
from localaws.s3 import BlobAccess
from trino_duckdb import (
    CompiledStatement,
    QueryError,
    compile_statement,
    explain_failure,
    prepare_connection,
    prepare_cursor,
    renderer,
    types,
)

WORKERS = 2
THREADS_OF_DUCKDB = 2
BATCH_ROWS = 4096
INTERRUPT_SECONDS = 0.1
HANGING_INTERRUPTS = 150
THREAD_NAME = "athena"
CANCEL_REASON = "Query cancelled by user"
STAND_IN = "stand-in.parquet"
Columns = list[tuple[str, str]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Limits:
    """Limits of queries.

    ``memory`` and ``spill`` limit the memory and disk of the database in which queries run, in
    DuckDB's notation of sizes. ``seconds`` limits the run time of one query: 30 minutes, Athena's
    default for a DML statement.
    """

    memory: str = "1GB"
    spill: str = "8GB"
    seconds: float = 30 * 60


DEFAULT = Limits()


class Engine:
    """Takes queries from a queue, one for each of its threads, and stores their results."""

    def __init__(
        self,
        executions: Executions,
        blobs: BlobAccess,
        glue: GlueCatalogStore,
        scratch: Path,
        limits: Limits = DEFAULT,
    ) -> None:
        shutil.rmtree(scratch, ignore_errors=True)
        scratch.mkdir(mode=0o700, parents=True)
        self._executions = executions
        self._blobs = blobs
        self._glue = glue
        self._scratch = scratch
        self._limits = limits
        self._waiting: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._running: dict[str, duckdb.DuckDBPyConnection] = {}
        self._lock = threading.Lock()
        self._database: duckdb.DuckDBPyConnection | None = None
        for _ in range(WORKERS):
            threading.Thread(target=self._work, name=THREAD_NAME, daemon=True).start()

    def submit(self, query_id: str) -> None:
        """Queue a recorded query; it runs as soon as one of ``WORKERS`` threads is free."""
        self._waiting.put(query_id)

    def stop(self, query_id: str) -> None:
        """Cancel a query, unless it has ended."""
        if self._executions.change(
            query_id, lambda record: finish(record, "CANCELLED", CANCEL_REASON)
        ):
            self._interrupt(query_id)

    def close(self) -> None:
        """Interrupt running queries; the next start sets them to FAILED."""
        for _ in range(WORKERS):
            self._waiting.put(None)
        with self._lock:
            for cursor in self._running.values():
                cursor.interrupt()

    def _interrupt(self, query_id: str) -> None:
        """End a running query, in a thread of its own."""
        threading.Thread(target=self._interrupt_to_its_end, args=(query_id,), daemon=True).start()

    def _interrupt_to_its_end(self, query_id: str) -> None:
        """Interrupt a query until it ends: DuckDB forgets an interrupt that precedes a statement.

        Gives up a query that does not end: starts another thread, and a new database.
        """
        for _ in range(HANGING_INTERRUPTS):
            with self._lock:
                cursor = self._running.get(query_id)
                if cursor is None:
                    return
                cursor.interrupt()
            time.sleep(INTERRUPT_SECONDS)
        with self._lock:
            if self._running.pop(query_id, None) is None:
                return
            self._database = None
        log.warning("Query %s does not end after its interrupt; DuckDB is restarted", query_id)
        threading.Thread(target=self._work, name=THREAD_NAME, daemon=True).start()

    def _work(self) -> None:
        """Run queries until the server ends, or another thread has taken this one's place."""
        while (query_id := self._waiting.get()) is not None:
            try:
                is_given_up = self._run_to_end(query_id)
            except Exception as error:
                log.exception("The state of query %s can't be written", query_id)
                reason = error.message if isinstance(error, AwsError) else repr(error)
                self._executions.fail_unsaved(query_id, f"GENERIC_INTERNAL_ERROR: {reason}")
                is_given_up = False
            if is_given_up:
                return

    def _run_to_end(self, query_id: str) -> bool:
        """Run a query, write its final state, and return whether the query was given up.

        Raises AwsError if the disk is full.
        """
        started = time.monotonic()
        if not self._executions.change(query_id, _start):
            return False
        execution = self._executions.get(query_id)["execution"]
        statistics = execution["Statistics"]
        cursor = self._open_cursor()
        with self._lock:
            self._running[query_id] = cursor
        timer = threading.Timer(self._limits.seconds, self._end_overdue, (query_id,))
        timer.daemon = True
        timer.start()
        try:
            columns = self._answer(execution, cursor)
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
        finally:
            timer.cancel()
            with self._lock:
                is_given_up = self._running.pop(query_id, None) is None
            cursor.close()
        return is_given_up

    def _open_cursor(self) -> duckdb.DuckDBPyConnection:
        """Return a cursor of the database, which is opened for the first query."""
        with self._lock:
            if self._database is None:
                self._database = _open_database(self._scratch, self._limits)
            cursor = self._database.cursor()
        prepare_cursor(cursor)
        return cursor

    def _end_overdue(self, query_id: str) -> None:
        limit = f"{self._limits.seconds / 60:.2f}m"
        text = f"Query exceeded the maximum run time limit of {limit}"
        self._fail(query_id, QueryError("EXCEEDED_TIME_LIMIT", text))
        self._interrupt(query_id)

    def _fail(self, query_id: str, error: QueryError) -> None:
        def change(record: Record) -> bool:
            if not finish(record, "FAILED", str(error)):
                return False
            record["execution"]["Status"]["AthenaError"] = athena_error(error)
            return True

        self._executions.change(query_id, change)

    def _answer(self, execution: Record, cursor: duckdb.DuckDBPyConnection) -> Columns:
        """Run a statement, store its result, and return the result's columns."""
        database = execution["QueryExecutionContext"]["Database"].lower()
        sql = execution["Query"]
        tables = QueryTables(self._blobs, self._glue)
        if not is_query(sql):
            lines = Statements(self._glue, database, tables).run(sql)
            self._store(execution, io.BytesIO("\n".join(lines.lines).encode()), "text/plain")
            return [(name, "varchar") for name in lines.columns]
        compiled = compile_statement(
            plain(sql) if ";" in sql else sql,
            database,
            tables,
            execution.get("ExecutionParameters", ()),
        )
        with tempfile.TemporaryDirectory(dir=self._scratch) as folder:
            output = Path(folder) / "result.csv"
            try:
                self._write_rows(compiled, tables, execution["Statistics"], cursor, output)
            except duckdb.Error as error:
                tables.check_files()  # a missing or damaged file explains the failure better
                raise self._explain_error(error, compiled) from None
            with output.open("rb") as file:
                self._store(execution, file, "application/octet-stream")
        return [(name, types.trino_name(kind)) for name, kind in compiled.labels()]

    def _write_rows(
        self,
        compiled: CompiledStatement,
        tables: QueryTables,
        statistics: Record,
        cursor: duckdb.DuckDBPyConnection,
        output: Path,
    ) -> None:
        """Run a query over the files that it needs, and write its rows in Athena's format."""
        planning = time.monotonic()
        scans = {scan.number: tables.scan(scan) for scan in compiled.scans}
        size, sources = 0, {}
        if scans:
            # In the first plan, a file without columns stands for each table.
            stand_in = [str(self._scratch / STAND_IN)] * 2
            planned = compiled.over({n: scan.source(stand_in) for n, scan in scans.items()})
            explained = cursor.execute(f"EXPLAIN (FORMAT json) {planned}").fetchall()
            reads = read_plan(json.loads(explained[0][1]))
            for number, scan in scans.items():
                read = reads.get(scan.prefix, PlannedRead())
                tasks = scan.tasks(read.condition)
                size += scan.bytes_read(tasks, read.used)
                sources[number] = scan.source(tables.files(tasks))
        statistics["DataScannedInBytes"] = size
        statistics["QueryPlanningTimeInMillis"] = _milliseconds(planning)
        cursor.execute(compiled.over(sources))
        labels = compiled.labels()
        show = [renderer(kind) for _, kind in labels]
        with output.open("w", encoding="utf-8", newline="") as file:
            file.write(csv_line([name for name, _ in labels]))
            while rows := cursor.fetchmany(BATCH_ROWS):
                file.writelines(
                    csv_line([None if v is None else f(v) for f, v in zip(show, row, strict=True)])
                    for row in rows
                )

    def _explain_error(self, error: duckdb.Error, compiled: CompiledStatement) -> QueryError:
        if not isinstance(error, duckdb.OutOfMemoryException):
            return explain_failure(error, compiled.tree)
        is_disk_full = "max_temp_directory_size" in str(error)
        needs = f"{self._limits.memory} of memory" + (
            f" and {self._limits.spill} of disk"
            if is_disk_full
            else ", in a step that cannot spill"
        )
        return QueryError(
            "EXCEEDED_LOCAL_MEMORY_LIMIT",
            f"The query needs more than the local engine's {needs}. "
            "Filter by a date, select fewer columns, or aggregate less.",
        )

    def _store(self, execution: Record, data: BinaryIO, content_type: str) -> None:
        location = execution["ResultConfiguration"]["OutputLocation"]
        try:
            self._blobs.put(*split_uri(location), data, content_type)
        except AwsError as error:
            raise QueryError(
                "INVALID_OUTPUT_LOCATION", f"Cannot write the result to {location}: {error.message}"
            ) from None


def _open_database(scratch: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    """Open a database in memory with Trino's functions, which spills to a directory."""
    database = duckdb.connect(
        config={
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            "threads": THREADS_OF_DUCKDB,
            "memory_limit": limits.memory,
            "temp_directory": tempfile.mkdtemp(prefix="spill-", dir=scratch),
            "max_temp_directory_size": limits.spill,
        }
    )
    database.execute("SET enable_progress_bar = false")
    prepare_connection(database)
    database.execute(f"COPY (SELECT 1 AS stand_in) TO '{scratch / STAND_IN}'")
    return database


def _start(record: Record) -> bool:
    status = record["execution"]["Status"]
    if status["State"] != "QUEUED":
        return False
    status["State"] = "RUNNING"
    waited = int((time.time() - status["SubmissionDateTime"]) * 1000)
    record["execution"]["Statistics"]["QueryQueueTimeInMillis"] = waited
    return True


def _succeed(record: Record, columns: Columns, statistics: dict[str, Any]) -> bool:
    if not finish(record, "SUCCEEDED"):
        return False
    total = record["execution"]["Statistics"]["TotalExecutionTimeInMillis"]
    statistics["TotalExecutionTimeInMillis"] = total
    record["execution"]["Statistics"] = statistics
    record["columns"] = columns
    return True


def _milliseconds(started: float) -> int:
    return int((time.monotonic() - started) * 1000)
