"""Links on the page of a task instance: to the runbook, and to its hour in ledger and dashboard.

Airflow's API server calls them for every task of every DAG. It does not show an empty link.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from airflow.sdk import BaseOperatorLink

from clickstream_airflow.addresses import has_external_views, page_address
from clickstream_airflow.defaults import DAILY, DIGEST, HOURLY, REPROCESS

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey


class RunbookLink(BaseOperatorLink):
    """Link to the section of docs/runbook.md about the task."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the section; empty for tasks of other projects."""
        if ti_key.dag_id not in (HOURLY, DAILY, REPROCESS, DIGEST):
            return ""
        return page_address(f"docs/runbook.md#{runbook_section(ti_key.task_id)}")


class LedgerLink(BaseOperatorLink):
    """Link to the rows of `hour_ledger` of the hours that the task instance builds."""

    name = "Hour in the ledger"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the page; empty for tasks that build no hour."""
        return page_address(f"ledger/{_instance(ti_key)}") if _builds_hours(ti_key) else ""


class DashboardLink(BaseOperatorLink):
    """Link to the hours that the task instance builds, on the dashboard's Trust page."""

    name = "Hour on the dashboard"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the hours; empty for tasks that build no hour.

        If Airflow can't show the dashboard, return the address of the separate dashboard, if
        `[dashboard] url` is set.
        """
        if not _builds_hours(ti_key):
            return ""
        if has_external_views():
            return page_address(f"dashboard/{_instance(ti_key)}")
        return separate_dashboard("trust")


def runbook_section(task_id: str) -> str:
    """Return the anchor of a task's section: the task id without the task group."""
    return task_id.rpartition(".")[2]


def separate_dashboard(page: str) -> str:
    """Return the address of a page of the separate dashboard; empty without `[dashboard] url`."""
    from clickstream import settings
    from clickstream.errors import ClickstreamError

    try:
        url = settings.load().dashboard.url
    except ClickstreamError:  # the tasks report what is wrong with the settings
        return ""
    return f"{url.rstrip('/')}/{page}" if url else ""


def _builds_hours(ti_key: TaskInstanceKey) -> bool:
    return ti_key.dag_id == HOURLY or (ti_key.dag_id, ti_key.task_id) == (REPROCESS, "rebuild_day")


def _instance(ti_key: TaskInstanceKey) -> str:
    """Return the part of an address that names a task instance."""
    instance = {"run_id": ti_key.run_id, "map_index": ti_key.map_index}
    return f"{ti_key.dag_id}/{ti_key.task_id}?{urlencode(instance)}"
