"""Pool of worker processes for queries.

Workers start before they are needed. One is killed to stop its query, and replaced if it ends.
"""

from __future__ import annotations

import json
import queue
import shutil
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from localaws.athena.limits import DEFAULT, Limits
from trino_duckdb import QueryError

MODULE = "localaws.athena.worker"


class WorkerDied(Exception):
    """The worker ended before it answered, because it was killed or ran out of memory."""


class _Fell(WorkerDied):
    """The worker ended although its query was not stopped."""


class Worker:
    """One worker process, which answers one job at a time and spills to its own directory.

    The directory is emptied first, because a killed worker leaves its files behind.
    """

    def __init__(self, spill: Path, limits: Limits) -> None:
        shutil.rmtree(spill, ignore_errors=True)
        spill.mkdir(mode=0o700)
        self._killed = self._is_overdue = False
        self._spill, self._limits = spill, limits
        self._process = subprocess.Popen(
            [sys.executable, "-m", MODULE, str(spill), *limits.as_arguments()],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def ask(self, job: dict[str, Any]) -> dict[str, Any]:
        """Run a job and return its answer.

        Raises WorkerDied, or QueryError if the job exceeds its time limit.
        """
        self._read()
        assert self._process.stdin is not None  # noqa: S101 (opened as a pipe above)
        timer = threading.Timer(self._limits.seconds, self._end_overdue)
        timer.daemon = True
        timer.start()
        try:
            self._process.stdin.write(json.dumps(job) + "\n")
            self._process.stdin.flush()
            return self._read()
        except OSError:
            raise self._death() from None
        finally:
            timer.cancel()

    def _end_overdue(self) -> None:
        self._is_overdue = True
        self.kill()

    def _read(self) -> dict[str, Any]:
        """Read one line: ``{}`` when the worker is ready, otherwise the answer to a job."""
        assert self._process.stdout is not None  # noqa: S101 (opened as a pipe above)
        line = self._process.stdout.readline()
        if not line.endswith("\n"):
            raise self._death()
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _death(self) -> WorkerDied | QueryError:
        if self._is_overdue:
            limit = f"{self._limits.seconds / 60:.2f}m"
            return QueryError(
                "EXCEEDED_TIME_LIMIT", f"Query exceeded the maximum run time limit of {limit}"
            )
        return WorkerDied() if self._killed else _Fell()

    def alive(self) -> bool:
        """Whether the worker can run another job."""
        return not self._killed and self._process.poll() is None

    def kill(self) -> None:
        """Kill the process. A caller that waits for its answer gets WorkerDied."""
        self._killed = True
        self._process.kill()

    def replaced(self) -> Worker:
        """End this worker and start a new one in its place."""
        self.close()
        return Worker(self._spill, self._limits)

    def close(self) -> None:
        """End the process and reap it."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


class WorkerPool:
    """A few workers, each running one query at a time.

    ``spill`` is a directory that nothing else uses. Files of an earlier pool in it are removed.
    """

    def __init__(self, size: int, spill: Path, limits: Limits = DEFAULT) -> None:
        shutil.rmtree(spill, ignore_errors=True)
        spill.mkdir(mode=0o700, parents=True)
        self._idle: queue.SimpleQueue[Worker] = queue.SimpleQueue()
        self._busy: dict[str, Worker] = {}
        self._stopped: set[str] = set()
        self._lock = threading.Lock()
        for number in range(size):
            self._idle.put(Worker(spill / f"worker-{number}", limits))
        self._size = size

    def run(self, query_id: str, job: dict[str, Any]) -> dict[str, Any]:
        """Run a job for a query on the next free worker.

        If the worker ends unexpectedly, the query runs again on another one, because queries only
        read. All idle workers may have ended, so it is tried once more than there are workers.
        Raises QueryError if the query fails, and WorkerDied if it was stopped or if the last worker
        ended, too.
        """
        for _ in range(self._size):
            with suppress(_Fell):
                return self._run(query_id, job)
        return self._run(query_id, job)

    def _run(self, query_id: str, job: dict[str, Any]) -> dict[str, Any]:
        worker = self._idle.get()
        try:
            if not worker.alive():
                worker = worker.replaced()
            self._claim(query_id, worker)
            answer = worker.ask(job)
        finally:
            with self._lock:
                self._busy.pop(query_id, None)
                self._stopped.discard(query_id)
            # A worker that was killed or ended during the job can't run another query.
            self._idle.put(worker if worker.alive() else worker.replaced())
        if error := answer.get("error"):
            raise QueryError(error["code"], error["message"])
        return answer

    def _claim(self, query_id: str, worker: Worker) -> None:
        """Record which worker runs a query. Raises WorkerDied if it was stopped before."""
        with self._lock:
            if query_id in self._stopped:
                raise WorkerDied
            self._busy[query_id] = worker

    def stop(self, query_id: str) -> None:
        """Kill the worker that runs a query, or keep a waiting query from starting."""
        with self._lock:
            worker = self._busy.get(query_id)
            if worker is None:
                self._stopped.add(query_id)
            else:
                worker.kill()

    def close(self) -> None:
        """End all workers."""
        with self._lock:
            for worker in self._busy.values():
                worker.kill()
        for _ in range(self._size):
            self._idle.get().close()
