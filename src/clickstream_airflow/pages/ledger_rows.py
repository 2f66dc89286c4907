"""The hours that a task instance builds and their rows in `hour_ledger`, for the ledger page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow.utils.session import create_session
from sqlalchemy import select

from clickstream_airflow.defaults import HOURLY
from clickstream_airflow.lake import connect_lake
from clickstream_airflow.run_hour import resolve_hour

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance

    from clickstream.hours import Hour
    from clickstream.tables import Column

MOST_HOURS = 48
"""The limit of hours on one page. A task whose day is not known yet may have a longer range."""

UNPUBLISHED = {
    "success": "The run has succeeded without this hour. The log of hours_to_build shows why. To "
    "build the hour, trigger clickstream_hourly with it in “Hour to build”.",
    "failed": "The run has failed. Read the last line of the red task's log, look up its code in "
    "the runbook, and clear the task.",
}
IN_PROGRESS = "The run has not ended. Reload this page when the task that publishes is green."


@dataclass(frozen=True)
class Asked:
    """The first and last hour that a task instance builds, and the state of its run."""

    first: Hour
    last: Hour
    run_state: str

    @property
    def hours(self) -> list[Hour]:
        """The hours that the page shows, at most MOST_HOURS."""
        from clickstream.hours import hour_range

        return list(hour_range(self.first, min(self.last, self.first.plus(MOST_HOURS - 1))))


@dataclass(frozen=True)
class LedgerPage:
    """The hours of a task instance with their rows, or an error message.

    The row of an hour that is not published is empty; `advice` says what to do about it.
    """

    title: str
    rows: Mapping[Hour, Mapping[str, Any]]
    columns: Sequence[Column] = ()
    advice: str = ""
    error: str = ""


def find(dag_id: str, task_id: str, run_id: str, map_index: int) -> LedgerPage | None:
    """Read the rows of the hours that a task instance builds; None if no such instance exists."""
    from clickstream.errors import ClickstreamError
    from clickstream.lake.aws_errors import translate_errors

    try:
        asked = _asked(dag_id, task_id, run_id, map_index)
        if asked is None:
            return None
        with translate_errors():
            return _read(asked)
    except ClickstreamError as error:
        return LedgerPage("Hour in the ledger", {}, error=error.printed)


def _asked(dag_id: str, task_id: str, run_id: str, map_index: int) -> Asked | None:
    from airflow.models.taskinstance import TaskInstance

    chosen = select(TaskInstance).where(
        TaskInstance.dag_id == dag_id,
        TaskInstance.task_id == task_id,
        TaskInstance.run_id == run_id,
        TaskInstance.map_index == map_index,
    )
    with create_session() as session:
        instance = session.scalar(chosen)
        if instance is None:
            return None
        run = instance.dag_run
        return Asked(*span_of(instance, run), str(run.state))


def _read(asked: Asked) -> LedgerPage:
    from clickstream.hours import describe_hours
    from clickstream.lake import hour_ledger
    from clickstream.tables import HOUR_LEDGER

    published = hour_ledger.rows_of_hours(connect_lake(), asked.hours)
    return LedgerPage(
        f"{describe_hours(asked.hours)} in the ledger",
        {hour: published[hour].values if hour in published else {} for hour in asked.hours},
        HOUR_LEDGER.columns,
        UNPUBLISHED.get(asked.run_state, IN_PROGRESS),
    )


def span_of_instance(
    dag_id: str, task_id: str, run_id: str, map_index: int
) -> tuple[Hour, Hour] | None:
    """Return the first and last hour that a task instance builds; None if it does not exist.

    Raises InputError if its run names no hours.
    """
    asked = _asked(dag_id, task_id, run_id, map_index)
    return (asked.first, asked.last) if asked else None


def span_of(instance: TaskInstance, run: DagRun) -> tuple[Hour, Hour]:
    """Return the first and last hour that a task instance builds.

    A mapped task that has started is named by its hour or its day. All other tasks of the hourly
    DAG belong to the hour of their run. A day's task that has not started yet has no name, so the
    result is the whole range of its run.
    """
    from clickstream.hours import Hour

    name = instance.rendered_map_index or ""
    if instance.dag_id == HOURLY:
        is_named = instance.task_id.startswith("build_hour.") and "T" in name
        hour = Hour.parse(name) if is_named else resolve_hour(run)
        return hour, hour
    asked = run.conf or {}
    first, last = Hour.first_of(asked["from"]), Hour.last_of(asked["to"])
    if "-" in name:  # a day
        day = Hour.first_of(name), Hour.last_of(name)
        is_cut = not asked.get("new_visitor_ids")  # new visitor ids build whole key periods
        first, last = (max(first, day[0]), min(last, day[1])) if is_cut else day
    return first, last


def column_text(value: Any) -> str:
    """Format a value of the ledger for the page."""
    if value is None:
        return "–"
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M:%S} UTC"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    return str(value)
