"""The hours that a task instance builds, for the links on its page in Airflow's UI."""

from __future__ import annotations

from typing import TYPE_CHECKING

from clickstream_airflow.defaults import HOURLY, REPROCESS
from clickstream_airflow.run_hour import resolve_hour

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk.types import TaskInstanceKey

    from clickstream.hours import Hour


def builds_hours(key: TaskInstanceKey) -> bool:
    """Whether the task builds hours."""
    return key.dag_id == HOURLY or (key.dag_id, key.task_id) == (REPROCESS, "rebuild_day")


def hours_of_instance(key: TaskInstanceKey) -> tuple[Hour, Hour] | None:
    """Read the first and last hour that a task instance builds; None if it does not exist.

    Raises InputError or KeyError if its run names no hours.
    """
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session
    from sqlalchemy import select

    chosen = select(TaskInstance).where(
        TaskInstance.dag_id == key.dag_id,
        TaskInstance.task_id == key.task_id,
        TaskInstance.run_id == key.run_id,
        TaskInstance.map_index == key.map_index,
    )
    with create_session(scoped=False) as session:
        instance = session.scalar(chosen)
        return None if instance is None else span_of(instance, instance.dag_run)


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
