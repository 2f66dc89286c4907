"""Runs of DAGs in the stack: started as Airflow's web UI does, and waited for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from clickstream.core.hours import Hour
from clickstream.demo.stack import AirflowApi, Stack

HOURLY, REPROCESS, DIGEST = "clickstream_hourly", "clickstream_reprocess", "clickstream_digest"
SALES = "clickstream_sales"
FINISHED = {"success", "failed"}
DEADLINE_SECONDS = 900


def trigger(api: AirflowApi, dag_id: str, conf: dict[str, Any] | None = None) -> str:
    """Trigger a manual run and return its run id."""
    body = {"logical_date": None, "conf": conf or {}}
    return str(api.request("POST", f"/dags/{dag_id}/dagRuns", json=body)["dag_run_id"])


def clear(api: AirflowApi, dag_id: str, run_id: str, task_id: str, **options: bool) -> int:
    """Clear a task of a run, and return how many task instances were cleared.

    `options` are those of Airflow's form: include_upstream, include_downstream, include_past,
    include_future, only_failed.
    """
    chosen = {"only_failed": False, **options}
    body = {"dry_run": False, "dag_run_id": run_id, "task_ids": [task_id], **chosen}
    answer = api.request("POST", f"/dags/{dag_id}/clearTaskInstances", json=body)
    return int(answer["total_entries"])


def set_run_state(api: AirflowApi, dag_id: str, run_id: str, state: str) -> None:
    """Mark a run as failed or successful, as a user can in Airflow's UI."""
    api.request("PATCH", f"/dags/{dag_id}/dagRuns/{run_id}", json={"state": state})


def set_task_state(api: AirflowApi, dag_id: str, run_id: str, task_id: str, state: str) -> None:
    """Mark a task as failed or successful; the process of a running task is killed."""
    path = f"/dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}"
    api.request("PATCH", path, json={"new_state": state})


def run_state(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Return the state of a run: queued, running, success or failed."""
    return str(api.request("GET", f"/dags/{dag_id}/dagRuns/{run_id}")["state"])


def backfill(api: AirflowApi, hours: Sequence[Hour], dag_id: str = HOURLY, **options: Any) -> None:
    """Start a backfill, right after an earlier one: Airflow itself closes one up to 30 s late."""
    api.close_backfills(dag_id)
    assert api.create_backfill(dag_id, hours[0], hours[-1], **options) is not None


def settled(stack: Stack, api: AirflowApi, hours: Sequence[Hour]) -> dict[Hour, str]:
    """The states of the hours' runs, once all are finished."""

    def are_finished() -> bool:
        states = api.run_states(HOURLY, hours[0], hours[-1])
        return len(states) == len(hours) and {*states.values()} <= FINISHED

    stack.wait_until("The runs", are_finished, DEADLINE_SECONDS)
    return api.run_states(HOURLY, hours[0], hours[-1])


def ended(stack: Stack, api: AirflowApi, run_id: str, dag_id: str = HOURLY) -> str:
    """The state that a run ends in."""
    stack.wait_until(
        "The run", lambda: run_state(api, dag_id, run_id) in FINISHED, DEADLINE_SECONDS
    )
    return run_state(api, dag_id, run_id)


def states_of(api: AirflowApi, run_id: str, dag_id: str = HOURLY) -> dict[tuple[str, str], str]:
    """The state of each task of a run, by its name and the item that it is mapped over."""
    return {
        (task["task_id"], task["rendered_map_index"] or ""): task["state"]
        for task in api.tasks(dag_id, run_id)
    }


def wait_for_state(
    stack: Stack,
    api: AirflowApi,
    run_id: str,
    task: tuple[str, str],
    state: str,
    dag_id: str = HOURLY,
) -> None:
    """Wait until a task of a run, given like the keys of `states_of`, has a state."""

    def has_state() -> bool:
        return states_of(api, run_id, dag_id).get(task) == state

    stack.wait_until(f"The task {task[0]}", has_state, DEADLINE_SECONDS)
