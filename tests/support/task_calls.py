"""Calls of tasks' functions in the process of a test, with the context that a worker gives them.

A call takes milliseconds. A run of a DAG, or an attempt in a worker, takes seconds of CPU time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any


@dataclass(frozen=True)
class Call:
    """The end of a call: the task's state, its result, and the last line of a failure's log."""

    state: str
    result: Any = None
    last_line: str = ""


def build_run(run_type: str = "manual", run_id: str = "", **fields: Any) -> Any:
    """Return a run of a DAG without a database; a manual run is due now and has no interval."""
    values: dict[str, Any] = {
        **dict.fromkeys(("logical_date", "data_interval_start", "data_interval_end")),
        **{"run_after": datetime.now(UTC), "conf": None, "dag_id": "", "partition_key": None},
        **{"run_type": run_type, "run_id": run_id or f"{run_type}__tests"},
    } | fields
    return SimpleNamespace(**{"start_date": values["run_after"], **values})


def call_task(
    task: Any, run: Any, arguments: Mapping[str, Any] | None = None, **context: Any
) -> Call:
    """Call the function of a task, which may be mapped, with the form of a run."""
    mapped = getattr(task, "partial_kwargs", {})
    function = mapped.get("python_callable") or task.python_callable
    params = deepcopy(task.dag.params)
    params.update(run.conf or {})
    given = {"task": task, "dag_run": run, "run_id": run.run_id, "params": params.validate()}
    return call(function, given | context, **(arguments or {}))


def call(function: Callable[..., Any], context: Mapping[str, Any], /, **arguments: Any) -> Call:
    """Call a function in the context of a task, and return the state that a worker would store."""
    from airflow.providers.common.compat.sdk import AirflowFailException, AirflowSkipException
    from airflow.sdk.execution_time.context import set_current_context

    from clickstream_airflow.failures import describe_failure

    with set_current_context(context):  # type: ignore[arg-type]
        try:
            return Call("success", function(**arguments))
        except AirflowSkipException:
            return Call("skipped")
        except Exception as error:
            state = "failed" if isinstance(error, AirflowFailException) else "up_for_retry"
            return Call(state, None, " ".join(describe_failure(error, context).split()))
