"""A small client of Airflow's REST API: what the demo and the tests ask of a running Airflow."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Self

import httpx

from clickstream.errors import ClickstreamError
from clickstream.hours import Hour

PAGE = 100
TIMEOUT_SECONDS = 60
BACKFILL_SECONDS = 600
"""Airflow answers after it has made every run of a backfill, and cleared those it makes again."""


class AirflowError(ClickstreamError):
    """Airflow refused a request, or did not answer it."""

    code = "CS-602"


class AirflowApi:
    """Airflow at `url`, as the user with the given login; use as a context manager."""

    def __init__(self, url: str, user: str, password: str) -> None:
        self._client = httpx.Client(base_url=url, timeout=TIMEOUT_SECONDS)
        self._login = {"username": user, "password": password}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def health(self) -> dict[str, str]:
        """Component → `healthy` or `unhealthy`; components that never ran are left out."""
        components = self._get("/monitor/health")
        return {name: c["status"] for name, c in components.items() if c and c["status"]}

    def dag_exists(self, dag_id: str) -> bool:
        """Whether the DAG's file has been parsed by now."""
        found = self._get("/dags", dag_id_pattern=dag_id, exclude_stale="true")
        return any(dag["dag_id"] == dag_id for dag in found["dags"])

    def import_errors(self) -> dict[str, str]:
        """File → why it is no DAG."""
        errors = self._get("/importErrors")["import_errors"]
        return {error["filename"]: error["stack_trace"] for error in errors}

    def unpause(self, dag_id: str) -> None:
        """Let the DAG be scheduled."""
        self._request("PATCH", f"/dags/{dag_id}", json={"is_paused": False})

    def create_backfill(
        self,
        dag_id: str,
        first: Hour,
        last: Hour,
        max_active_runs: int = 4,
        reprocess: str = "failed",
        backwards: bool = False,
    ) -> int | None:
        """Ask for one run per hour from `first` to `last`, both included; returns its id.

        `reprocess` says which runs that exist are made again, as the form does: `none`, `failed`
        or `completed`; runs under way are left alone. None when an earlier backfill of the DAG
        still runs: Airflow allows one at a time.
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
        return int(self._checked(answer)["id"])

    def close_backfills(self, dag_id: str) -> None:
        """End the backfills of the DAG that are not closed yet.

        Airflow closes one up to 30 s after its last run, and starts no other meanwhile. Runs of it
        that are still queued are failed; those under way go on.
        """
        for backfill in self._all("/backfills", "backfills", dag_id=dag_id):
            if backfill["completed_at"] is None:
                answer = self._send("PUT", f"/backfills/{backfill['id']}/cancel")
                if answer.status_code != httpx.codes.CONFLICT:  # it has closed by itself
                    self._checked(answer)

    def backfill_completed_at(self, backfill_id: int) -> datetime | None:
        """When the scheduler found the backfill's last run finished; None before that."""
        completed = self._get(f"/backfills/{backfill_id}")["completed_at"]
        return datetime.fromisoformat(completed) if completed else None

    def trigger(self, dag_id: str, conf: dict[str, Any] | None = None) -> str:
        """Start a run by hand; returns its run id."""
        body = {"logical_date": None, "conf": conf or {}}
        return str(self._request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])

    def clear(self, dag_id: str, run_id: str, task_id: str, **options: bool) -> int:
        """Clear a task of a run, as the form does; returns how many task instances that takes in.

        `options` are the form's: include_upstream, include_downstream, include_past,
        include_future, only_failed.
        """
        chosen = {"only_failed": False, **options}
        body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], **chosen}
        answer = self._request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)
        return int(answer["total_entries"])

    def set_run_state(self, dag_id: str, run_id: str, state: str) -> None:
        """Call a run failed or successful, as a person may."""
        self._request("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})

    def set_task_state(self, dag_id: str, run_id: str, task_id: str, state: str) -> None:
        """Call a task failed or successful, as a person may; if it runs, its process is killed."""
        path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
        self._request("PATCH", path, json={"new_state": state})

    def run_ids(self, dag_id: str, first: Hour, last: Hour) -> dict[Hour, str]:
        """The id of the run of each hour from `first` to `last` that has one."""
        return {hour: run["dag_run_id"] for hour, run in self._runs(dag_id, first, last)}

    def run_states(self, dag_id: str, first: Hour, last: Hour) -> dict[Hour, str]:
        """The state of the run of each hour from `first` to `last` that has one."""
        return {hour: run["state"] for hour, run in self._runs(dag_id, first, last)}

    def count_runs(self, dag_id: str, *states: str, run_type: str = "") -> int:
        """How many runs, of a type such as `backfill`, are in one of some states."""
        wanted = {"run_type": run_type} if run_type else {}
        found = self._get(f"/dags/{dag_id}/dagRuns", state=states, limit="1", **wanted)
        return int(found["total_entries"])

    def _runs(self, dag_id: str, first: Hour, last: Hour) -> list[tuple[Hour, dict[str, Any]]]:
        runs = self._all(
            f"/dags/{dag_id}/dagRuns",
            "dag_runs",
            logical_date_gte=first.start.isoformat(),
            logical_date_lte=last.start.isoformat(),
        )
        return [(Hour.of(datetime.fromisoformat(run["logical_date"])), run) for run in runs]

    def run_state(self, dag_id: str, run_id: str) -> str:
        """queued, running, success or failed."""
        return str(self._get(f"/dags/{dag_id}/dagRuns/{run_id}")["state"])

    def task_states(self, dag_id: str, run_id: str) -> Counter[str]:
        """How many task instances of a run are in each state."""
        return Counter(str(task["state"]) for task in self.tasks(dag_id, run_id))

    def tasks(self, dag_id: str, run_id: str) -> list[dict[str, Any]]:
        """The task instances of a run, as Airflow describes them."""
        return self._all(f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances", "task_instances")

    def error_lines(self, task: Mapping[str, Any]) -> list[str]:
        """What the log of a task instance's last try says of errors, line by line.

        An exception is one line: its own message.
        """
        run, name, number = task["dag_run_id"], task["task_id"], task["try_number"]
        path = f"/dags/{task['dag_id']}/dagRuns/{run}/taskInstances/{name}/logs/{number}"
        log = self._get(path, map_index=str(task["map_index"]))["content"]
        said = (_error_line(entry) for entry in log if isinstance(entry, dict))
        return [line for line in said if line]

    def _all(self, path: str, key: str, **parameters: str) -> list[dict[str, Any]]:
        """Every row of a listing, page after page."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self._get(path, **parameters, limit=str(PAGE), offset=str(len(rows)))
            rows += page[key]
            if not page[key] or len(rows) >= page["total_entries"]:
                return rows

    def _get(self, path: str, **parameters: str | Sequence[str]) -> Any:
        return self._request("GET", path, params=parameters)

    def _request(self, method: str, path: str, **content: Any) -> Any:
        return self._checked(self._send(method, path, **content))

    def _send(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._client.request(method, f"/api/v2{path}", **content)
            if answer.status_code == httpx.codes.UNAUTHORIZED:  # no token yet, or it has expired
                self._log_in()
                answer = self._client.request(method, f"/api/v2{path}", **content)
        except httpx.TransportError as error:
            raise AirflowError(
                f"Airflow did not answer {method} {path} on {self._client.base_url} ({error}); the "
                "machine may be too busy. Look into the log of the API server, and start again."
            ) from None
        return answer

    def _log_in(self) -> None:
        answer = self._client.post("/auth/token", json=self._login)
        token = self._checked(answer)["access_token"]
        self._client.headers["Authorization"] = f"Bearer {token}"

    def _checked(self, answer: httpx.Response) -> Any:
        if answer.is_error:
            request = answer.request
            raise AirflowError(
                f"Airflow refused {request.method} {request.url.path} "
                f"({answer.status_code}): {answer.text[:500]}"
            )
        return answer.json()


def _error_line(entry: Mapping[str, Any]) -> str:
    """The message of an entry of a task's log; empty if it is no error."""
    if entry.get("level") not in ("error", "critical"):
        return ""
    raised = entry.get("error_detail") or []
    message = raised[0].get("exc_value") if raised else entry["event"]
    return " ".join(str(message).split())
