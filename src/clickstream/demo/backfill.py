"""Builds a range of hours by a backfill in the local Airflow, and explains failed runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from rich.console import Console

from clickstream.demo.progress import CountedProgress
from clickstream.demo.stack import AirflowApi, Stack, StackError
from clickstream.hours import Hour, hour_range

DAG = "clickstream_hourly"
PARSED_SECONDS = 120
MOST_REASONS = 5
"""How many reasons of failed runs are shown."""

LONGEST_REASON = 400
"""How many characters of a failed task's message are shown; its log has the rest."""

FINISHED = ("success", "failed")


def build_hours(
    stack: Stack,
    first: Hour,
    last: Hour,
    console: Console,
    after_some: tuple[int, Callable[[], None]],
) -> dict[Hour, str]:
    """Have Airflow build the hours, wait for it, and return the state of each hour's run.

    `after_some` has a number of hours and a function, which is called once when that many hours are
    built, unless all hours are built by then. Hours whose runs succeeded before are not built
    again.
    """
    total = len([*hour_range(first, last)])
    enough, then = after_some
    with stack.airflow() as api, CountedProgress(console, total) as progress:
        progress.show_phase("Waiting until Airflow has read the DAG")
        stack.wait_until("The DAG", lambda: _is_parsed(api), PARSED_SECONDS)

        def are_done(enough: int) -> bool:
            states = api.run_states(DAG, first, last)
            done = sum(state in FINISHED for state in states.values())
            progress.show_done(done)
            return done >= enough

        _start_backfill(stack, api, first, last, progress, are_done)
        progress.show_phase(f"Building {first} to {last}")
        stack.wait(partial(are_done, min(enough, total)))
        if not are_done(total):
            then()
        stack.wait(partial(are_done, total))
        return api.run_states(DAG, first, last)


def _start_backfill(
    stack: Stack,
    api: AirflowApi,
    first: Hour,
    last: Hour,
    progress: CountedProgress,
    are_done: Callable[[int], bool],
) -> None:
    """Start a backfill, after the end of an earlier one: Airflow allows one at a time.

    If an earlier start of the demo was interrupted, Airflow first finishes that backfill.
    """

    def no_run_is_left() -> bool:
        are_done(0)
        left = api.count_runs(DAG, "queued", "running", run_type="backfill")
        if left:
            progress.show_phase("Airflow finishes the backfill of the last start")
        return not left

    def is_started() -> bool:
        progress.show_phase("Airflow creates the runs of the hours")
        api.close_backfills(DAG)
        return api.create_backfill(DAG, first, last) is not None

    stack.wait(no_run_is_left)
    stack.wait_until("The backfill", is_started)


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
