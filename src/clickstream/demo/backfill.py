"""Builds a range of hours by a backfill in the local Airflow, and explains failed runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from clickstream.demo.progress import DemoStep
from clickstream.demo.stack import AirflowApi, Stack, StackError
from clickstream.hours import Hour, HourSpan

DAG = "clickstream_hourly"
PARSED_SECONDS = 120
POLL_SECONDS = 2.0
"""Pause between two questions about the runs, because each one costs Airflow's API CPU time."""

MOST_REASONS = 5
"""How many reasons of failed runs are shown."""

LONGEST_REASON = 400
"""How many characters of a failed task's message are shown; its log has the rest."""

FINISHED = ("success", "failed")


class AirflowBackfill:
    """A backfill of the hourly DAG, for each hour of a span.

    All runs are active at once, so that few refreshes of the facts, which are 15 s apart, cover all
    of them. Airflow's limit of parallel tasks bounds the memory. Hours whose runs succeeded before
    are not built again.
    """

    def __init__(self, stack: Stack, api: AirflowApi, span: HourSpan) -> None:
        self._stack, self._api, self._span = stack, api, span

    def start(self, step: DemoStep) -> None:
        """Start it, after the end of an earlier one: Airflow allows one at a time.

        If an earlier start of the demo was interrupted, Airflow first finishes that backfill.
        Raises StackError if Airflow can't read a DAG file.
        """
        step.show("Waiting until Airflow has read the DAG")
        self._stack.wait_until("The DAG", lambda: _is_parsed(self._api), PARSED_SECONDS)
        self._stack.wait(lambda: self._no_run_is_left(step), POLL_SECONDS)
        self._stack.wait_until("The backfill", lambda: self._is_created(step))

    def wait(self, step: DemoStep) -> dict[Hour, str]:
        """Wait until all runs have ended, and return the state of each hour's run."""
        states: dict[Hour, str] = {}

        def is_done() -> bool:
            nonlocal states
            states = self._api.run_states(DAG, self._span.first, self._span.last)
            done = sum(state in FINISHED for state in states.values())
            # All runs advance together, so the time left does not follow from those that ended.
            step.show_done(done, len(self._span), "runs", shows_left=False)
            return done >= len(self._span)

        self._stack.wait(is_done, POLL_SECONDS)
        return states

    def _no_run_is_left(self, step: DemoStep) -> bool:
        left = self._api.count_runs(DAG, "queued", "running", run_type="backfill")
        if left:
            step.show("Airflow finishes the backfill of the last start")
        return not left

    def _is_created(self, step: DemoStep) -> bool:
        step.show("Airflow creates the runs")
        self._api.close_backfills(DAG)
        created = self._api.create_backfill(
            DAG, self._span.first, self._span.last, max_active_runs=len(self._span)
        )
        return created is not None


def _is_parsed(api: AirflowApi) -> bool:
    for file, trace in api.import_errors().items():
        raise StackError(f"Airflow can't read {file}; correct it and start again:\n{trace}")
    return api.dag_exists(DAG)


def failures(stack: Stack, states: Mapping[Hour, str], first: Hour, last: Hour) -> list[str]:
    """Describe why runs failed: a sentence for each reason and its hours, earliest first."""
    failed = [hour for hour, state in sorted(states.items()) if state != "success"]
    if not failed:
        return []
    by_reason: dict[str, list[Hour]] = defaultdict(list)
    with stack.airflow() as api:
        runs = api.run_ids(DAG, first, last)
        for hour in failed:
            by_reason[failure_of(api, DAG, runs[hour])].append(hour)
    sentences = [f"{_runs_of(hours)} failed. {reason}" for reason, hours in by_reason.items()]
    others = sum(map(len, [*by_reason.values()][MOST_REASONS:]))
    more = (
        [f"{others} more runs failed, for other reasons; see Airflow's web UI."] if others else []
    )
    return sentences[:MOST_REASONS] + more


def _runs_of(hours: list[Hour]) -> str:
    if len(hours) == 1:
        return f"The run of {hours[0]}"
    return f"{len(hours)} runs, {hours[0]} to {hours[-1]},"


def failure_of(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Describe the failure of a run: its first failed task and the last error in its log."""
    failed = [task for task in api.tasks(dag_id, run_id) if task["state"] == "failed"]
    if not failed:
        return "No task of the run failed: it was marked as failed, or has no tasks."
    first = min(failed, key=lambda task: task["start_date"] or "")
    lines = api.error_lines(first)
    message = lines[-1] if lines else "Its log has no error; see the task in Airflow's web UI."
    return f"{_name_of(first)}: {message[:LONGEST_REASON]}"


def _name_of(task: Mapping[str, Any]) -> str:
    """Return a task's name; of a mapped task also the item that it is mapped over."""
    mapped = task.get("rendered_map_index")
    return f"{task['task_id']} ({mapped})" if mapped else str(task["task_id"])
