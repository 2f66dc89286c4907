"""Worker process that runs queries, one at a time; the server may kill it at any time.

It reads one job per line from stdin and answers each with one line on stdout. It prepares a fresh
DuckDB before each job, so that a small query does not wait for one. DuckDB may read the files of
the job and nothing else: no network, no other file, no extension. A query that exceeds the memory
limit spills to the worker's own directory, up to a limit. When stdin ends, the server has ended,
and the worker exits at once.
"""

from __future__ import annotations

import argparse
import json
import os
import queue
import resource
import sys
import threading
from pathlib import Path
from typing import IO, Any

import duckdb

from localaws.athena.limits import Limits
from localaws.athena.results import csv_line
from trino_duckdb import check_types, explain_failure, prepare_connection, renderer, types

THREADS = 2
BATCH_ROWS = 4096
SETTINGS = (
    f"SET threads = {THREADS}",
    "SET enable_progress_bar = false",
)


def prepare(spill: Path, limits: Limits) -> duckdb.DuckDBPyConnection:
    """Open a fresh DuckDB with Trino's functions, which spills to a directory."""
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    for setting in SETTINGS:
        connection.execute(setting)
    connection.execute(f"SET memory_limit = {_quoted(limits.memory)}")
    connection.execute(f"SET temp_directory = {_quoted(str(spill))}")
    connection.execute(f"SET max_temp_directory_size = {_quoted(limits.spill)}")
    prepare_connection(connection)
    return connection


def run(connection: duckdb.DuckDBPyConnection, job: dict[str, Any]) -> dict[str, Any]:
    """Run a job: create macros, run the query, write its rows. Return the answer to the server."""
    files = ", ".join(_quoted(file) for file in job["files"])
    connection.execute(f"SET allowed_paths = [{files}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    for statement in job["setup"]:
        connection.execute(statement)
    connection.execute(job["sql"])
    kinds = [types.from_json(kind) for kind in job["types"]]
    check_types(connection, kinds)
    return {"rows": _write_rows(connection, kinds, job["names"], Path(job["output"]))}


def _write_rows(
    connection: duckdb.DuckDBPyConnection, kinds: list[types.Type], names: list[str], path: Path
) -> int:
    show = [renderer(kind) for kind in kinds]
    count = 0
    with path.open("w", encoding="utf-8", newline="") as file:
        file.write(csv_line(names))
        while rows := connection.fetchmany(BATCH_ROWS):
            count += len(rows)
            file.writelines(
                csv_line([None if v is None else f(v) for f, v in zip(show, row, strict=True)])
                for row in rows
            )
    return count


def failure_answer(error: Exception, limits: Limits) -> dict[str, str]:
    """Return the code and the message of a job's error for the server."""
    if isinstance(error, duckdb.OutOfMemoryException):
        message = _memory_message(str(error), limits)
        return {"code": "EXCEEDED_LOCAL_MEMORY_LIMIT", "message": message}
    failure = explain_failure(error)
    return {"code": failure.code, "message": failure.message}


def _memory_message(text: str, limits: Limits) -> str:
    is_disk_full = "max_temp_directory_size" in text
    needs = f"{limits.memory} of memory" + (
        f" and {limits.spill} of disk" if is_disk_full else ", in a step that cannot spill"
    )
    return (
        f"The query needs more than the local engine's {needs}. "
        "Filter by a date, select fewer columns, or aggregate less."
    )


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _read_jobs(jobs: queue.Queue[str]) -> None:
    """Put jobs from stdin into the queue; exit the process when stdin closes."""
    for line in sys.stdin:
        jobs.put(line)
    os._exit(0)


def serve(answers: IO[str], spill: Path, limits: Limits) -> None:
    """Answer jobs until the server ends."""
    jobs: queue.Queue[str] = queue.Queue()
    threading.Thread(target=_read_jobs, args=(jobs,), daemon=True).start()
    while True:
        connection = prepare(spill, limits)
        print("{}", file=answers, flush=True)
        job = json.loads(jobs.get())
        is_spent = False
        try:
            answer = run(connection, job)
        except Exception as error:
            answer = {"error": failure_answer(error, limits)}
            is_spent = isinstance(error, MemoryError | duckdb.OutOfMemoryException)
        connection.close()
        print(json.dumps(answer), file=answers, flush=True)
        if is_spent:  # the memory that remains may be too little for the next query
            return


def main() -> None:
    """Run the worker. Stdout is for answers only; all other output goes to stderr."""
    parser = argparse.ArgumentParser(prog="localaws.athena.worker")
    parser.add_argument("spill", type=Path, help="directory of this worker alone")
    parser.add_argument("memory", help="memory of a query, as DuckDB spells it")
    parser.add_argument("disk", help="disk that a query may spill to")
    parser.add_argument("process", type=int, help="bytes that the process may allocate")
    chosen = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_DATA, (chosen.process, chosen.process))
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    serve(answers, chosen.spill, Limits(chosen.memory, chosen.disk, chosen.process))


if __name__ == "__main__":
    main()
