"""Links on the page of a task instance: to the runbook, and to its hours on the Trust page.

Airflow's API server calls them for every task of every DAG. It does not show an empty link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperatorLink

from clickstream_airflow.addresses import dashboard_address, has_external_views
from clickstream_airflow.defaults import DAILY, DIGEST, HOURLY, LOCATIONS, REPROCESS, SALES
from clickstream_airflow.run_hour import resolve_hour

if TYPE_CHECKING:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.sdk.types import TaskInstanceKey

    from clickstream.core.hours import Hour
    from clickstream.settings import DashboardSettings


# The hours that a task instance builds, for the links on its page in Airflow's UI.


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
    from clickstream.core.hours import Hour

    name = instance.rendered_map_index or ""
    if instance.dag_id == HOURLY:
        is_named = instance.task_id.startswith("build_hour.") and "T" in name
        hour = Hour.parse(name) if is_named else resolve_hour(run)
        return hour, hour
    form = run.conf or {}
    first, last = Hour.first_of(form["from"]), Hour.last_of(form["to"])
    if "-" in name:  # a day
        day = Hour.first_of(name), Hour.last_of(name)
        is_cut = not form.get("new_visitor_ids")  # new visitor ids build whole key periods
        first, last = (max(first, day[0]), min(last, day[1])) if is_cut else day
    return first, last


class RunbookLink(BaseOperatorLink):
    """Link to the section of docs/runbook.md about the task."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the section.

        It is empty for tasks of other projects, and without `[dashboard] docs_url`.
        """
        if ti_key.dag_id not in (HOURLY, DAILY, REPROCESS, DIGEST, SALES, LOCATIONS):
            return ""
        docs = dashboard_settings().docs_url.rstrip("/")
        return f"{docs}/runbook.md#{ti_key.task_id.rpartition('.')[2]}" if docs else ""


class DashboardLink(BaseOperatorLink):
    """Link to the hours that the task instance builds, on the dashboard's Trust page."""

    name = "Hour on the dashboard"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the hours; empty for tasks that build no hour.

        If Airflow can't show the dashboard, return the address of the separate dashboard, if
        `[dashboard] url` is set.
        """
        from clickstream.core.errors import InputError

        if not builds_hours(ti_key):
            return ""
        if not has_external_views():
            return separate_dashboard("trust")
        try:
            span = hours_of_instance(ti_key)
        except (InputError, KeyError):  # the run names no hours, and its tasks report this
            return ""
        if span is None:
            return ""
        first, last = span
        return dashboard_address(f"hours/{first}" if first == last else f"hours/{first}/{last}")


def separate_dashboard(page: str) -> str:
    """Return the address of a page of the separate dashboard; empty without `[dashboard] url`."""
    url = dashboard_settings().url.rstrip("/")
    return f"{url}/{page}" if url else ""


def dashboard_settings() -> DashboardSettings:
    """Return the settings of the dashboard; the defaults if the settings can't be read."""
    from clickstream import settings
    from clickstream.core.errors import ClickstreamError

    try:
        return settings.load().dashboard
    except ClickstreamError:  # the tasks report what is wrong with the settings
        return settings.DashboardSettings()
