"""Client of Airflow's REST API with the requests that the demo needs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import httpx

from clickstream.core.errors import ClickstreamError
from clickstream.core.hours import Hour

PAGE = 100
TIMEOUT_SECONDS = 60
BACKFILL_SECONDS = 600
"""Timeout of creating a backfill: Airflow answers after it has created or cleared all runs."""


class AirflowError(ClickstreamError):
    """Airflow refused a request, or did not answer it."""

    code = "CS-602"


class AirflowApi:
    """Client of the Airflow at `url` with a user's login; a context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)
        self._login = {"username": user, "password": password}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def health(self) -> dict[str, str]:
        """Return component → `healthy` or `unhealthy`, without components that never ran."""
        components = self._get("/monitor/health")
        return {name: c["status"] for name, c in components.items() if c and c["status"]}

    def dag_exists(self, dag_id: str) -> bool:
        """Whether Airflow has parsed the DAG's file."""
        answer = self._get("/dags", dag_id_pattern=dag_id, exclude_stale="true")
        return any(dag["dag_id"] == dag_id for dag in answer["dags"])

    def import_errors(self) -> dict[str, str]:
        """Return file → stack trace of its import error."""
        errors = self._get("/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def create_backfill(
        self,
        dag_id: str,
        first: Hour,
        last: Hour,
        max_active_runs: int = 4,
        reprocess: str = "failed",
        backwards: bool = False,
    ) -> int | None:
        """Create a backfill with a run for each hour from `first` to `last`; return its id.

        `reprocess` says which existing runs are repeated, as in Airflow's form: `none`, `failed` or
        `completed`. Active runs are not changed. Return None if an earlier backfill of the DAG is
        active: Airflow allows one at a time.
        """
        body = {
            "dag_id": dag_id,
            "from_date": first.start.isoformat(),
            "to_date": last.start.isoformat(),
            "max_active_runs": max_active_runs,
            "reprocess_behavior": reprocess,
            "run_backwards": backwards,
        }
        answer = self._send("POST", "/backfills", json=body, timeout=BACKFILL_SECONDS)
        if answer.status_code == httpx.codes.CONFLICT:
            return None
        return int(self._check_answer(answer)["id"])

    def close_backfills(self, dag_id: str) -> None:
        """Close the open backfills of the DAG.

        Airflow itself closes a backfill up to 30 s after its last run, and starts no other before.
        Queued runs of a closed backfill fail; active runs continue.
        """
        for backfill in self._all("/backfills", "backfills", dag_id=dag_id):
            if backfill["completed_at"] is None:
                answer = self._send("PUT", f"/backfills/{backfill['id']}/cancel")
                if answer.status_code != httpx.codes.CONFLICT:  # 409: Airflow has closed it
                    self._check_answer(answer)

    def run_ids(self, dag_id: str, first: Hour, last: Hour) -> dict[Hour, str]:
        """Return the run id of each hour from `first` to `last` that has a run."""
        return {hour: run["dag_run_id"] for hour, run in self._runs(dag_id, first, last)}

    def run_states(self, dag_id: str, first: Hour, last: Hour) -> dict[Hour, str]:
        """Return the run's state of each hour from `first` to `last` that has a run."""
        return {hour: run["state"] for hour, run in self._runs(dag_id, first, last)}

    def count_runs(self, dag_id: str, *states: str, run_type: str = "") -> int:
        """Count the runs in any of the given states, optionally of a type such as `backfill`."""
        wanted = {"run_type": run_type} if run_type else {}
        answer = self._get(f"/dags/{dag_id}/dagRuns", state=states, limit="1", **wanted)
        return int(answer["total_entries"])

    def _runs(self, dag_id: str, first: Hour, last: Hour) -> list[tuple[Hour, dict[str, Any]]]:
        runs = self._all(
            f"/dags/{dag_id}/dagRuns",
            "dag_runs",
            logical_date_gte=first.start.isoformat(),
            logical_date_lte=last.start.isoformat(),
        )
        return [(Hour.of(datetime.fromisoformat(run["logical_date"])), run) for run in runs]

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """Return the task instances of a run, as Airflow describes them."""
        return self._all(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def error_lines(self, task: Mapping[str, Any]) -> list[str]:
        """Return the errors in the log of a task instance's last try, one line each.

        The line of an exception is its message.
        """
        run, name, number = task["dag_run_id"], task["task_id"], task["try_number"]
        path = f"/dags/{task['dag_id']}/dagRuns/{run}/taskInstances/{name}/logs/{number}"
        log = self._get(path, map_index=str(task["map_index"]))["content"]
        lines = (_error_line(entry) for entry in log if isinstance(entry, dict))
        return [line for line in lines if line]

    def _all(self, path: str, key: str, **parameters: str) -> list[dict[str, Any]]:
        """Return all rows of a paged listing."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._get(path, **parameters, limit=str(PAGE), offset=str(len(rows)))
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    def _get(self, path: str, **parameters: str | Sequence[str]) -> Any:
        return self.request("GET", path, params=parameters)

    def request(self, method: str, path: str, **content: Any) -> Any:
        """Send a request and return its answer. Raises AirflowError."""
        return self._check_answer(self._send(method, path, **content))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, f"/api/v2{path}", **content)
            if answer.status_code == httpx.codes.UNAUTHORIZED:  # no token yet, or it has expired
                login = self._check_answer(self._client.post("/auth/token", json=self._login))
                self._client.headers["Authorization"] = f"Bearer {login['access_token']}"
                answer = self._client.request(method, f"/api/v2{path}", **content)
        except httpx.TransportError as error:
            raise AirflowError(
                f"Airflow did not answer {method} {path} on {self._client.base_url} ({error}); the "
                "machine may be too busy. See the log of the API server, and start again."
            ) from None
        return answer

    def _check_answer(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            request = answer.request
            raise AirflowError(
                f"Airflow refused {request.method} {request.url.path} "
                f"({answer.status_code}): {answer.text[:500]}"
            )
        return answer.json()


def _error_line(entry: Mapping[str, Any]) -> str:
    """Return the message of an entry of a task's log; empty if it is not an error."""
    if entry.get("level") not in ("error", "critical"):
        return ""
    raised = entry.get("error_detail") or []
    message = raised[0].get("exc_value") if raised else entry["event"]
    return " ".join(str(message).split())
