"""Links on the page of a task instance: to the runbook, and to its hour in ledger and dashboard.

Airflow's API server calls them for every task of every DAG; an empty link is not shown.
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
    """The section of docs/runbook.md on the task."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the section; empty for tasks of other projects."""
        if ti_key.dag_id not in (HOURLY, DAILY, REPROCESS, DIGEST):
            return ""
        return page_address(f"docs/runbook.md#{runbook_section(ti_key.task_id)}")


class LedgerLink(BaseOperatorLink):
    """The rows of `hour_ledger` of the hours that the task instance builds."""

    name = "Hour in the ledger"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the page; empty for tasks that build no hour."""
        return page_address(f"ledger/{_instance(ti_key)}") if _builds_hours(ti_key) else ""


class DashboardLink(BaseOperatorLink):
    """The hours that the task instance builds, on the dashboard's Trust page."""

    name = "Hour on the dashboard"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return an address that leads to the hours; empty for tasks that build none.

        Where Airflow can't show the dashboard it is that of the stand-alone one, if it is set.
        """
        if not _builds_hours(ti_key):
            return ""
        if has_external_views():
            return page_address(f"dashboard/{_instance(ti_key)}")
        return stand_alone_dashboard("trust")


def runbook_section(task_id: str) -> str:
    """The anchor of a task's section: its id without its task group."""
    return task_id.rpartition(".")[2]


def stand_alone_dashboard(page: str) -> str:
    """The address of a page of the stand-alone dashboard; empty if `[dashboard] url` is not set."""
    from clickstream import settings
    from clickstream.errors import ClickstreamError

    try:
        url = settings.load().dashboard.url
    except ClickstreamError:  # the tasks themselves say what is wrong with the settings
        return ""
    return f"{url.rstrip('/')}/{page}" if url else ""


def _builds_hours(ti_key: TaskInstanceKey) -> bool:
    return ti_key.dag_id == HOURLY or (ti_key.dag_id, ti_key.task_id) == (REPROCESS, "rebuild_day")


def _instance(ti_key: TaskInstanceKey) -> str:
    """The part of an address that names a task instance."""
    instance = {"run_id": ti_key.run_id, "map_index": ti_key.map_index}
    return f"{ti_key.dag_id}/{ti_key.task_id}?{urlencode(instance)}"
