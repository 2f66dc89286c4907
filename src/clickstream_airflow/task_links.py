"""Links on the page of a task instance: its section of the runbook, and its hour in the ledger.

Airflow's API server calls them for every task of every DAG; an empty link is not shown.
"""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from airflow.configuration import conf
from airflow.sdk import BaseOperatorLink

from clickstream_airflow.defaults import DAILY, DIGEST, HOURLY, REPROCESS

if TYPE_CHECKING:
    from airflow.sdk.types import TaskInstanceKey

URL_PREFIX = "/clickstream"
"""The path of the pages below Airflow's own."""


class RunbookLink(BaseOperatorLink):
    """The section of docs/runbook.md on the task."""

    name = "Runbook"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the section; empty for tasks of other projects."""
        if ti_key.dag_id not in (HOURLY, DAILY, REPROCESS, DIGEST):
            return ""
        return _page(f"docs/runbook.md#{runbook_section(ti_key.task_id)}")


class LedgerLink(BaseOperatorLink):
    """The rows of `hour_ledger` of the hours that the task instance builds."""

    name = "Hour in the ledger"

    def get_link(self, operator: Any, *, ti_key: TaskInstanceKey) -> str:  # noqa: ARG002
        """Return the address of the page; empty for tasks that build no hour."""
        if ti_key.dag_id != HOURLY and (ti_key.dag_id, ti_key.task_id) != (
            REPROCESS,
            "rebuild_day",
        ):
            return ""
        instance = {"run_id": ti_key.run_id, "map_index": ti_key.map_index}
        return _page(f"ledger/{ti_key.dag_id}/{ti_key.task_id}?{urlencode(instance)}")


def runbook_section(task_id: str) -> str:
    """The anchor of a task's section: its id without its task group."""
    return task_id.rpartition(".")[2]


def airflow_path() -> str:
    """The path at which Airflow is served, without a slash at its end; mostly empty."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")


def _page(address: str) -> str:
    return f"{airflow_path()}{URL_PREFIX}/{address}" if _browsers_can_log_in() else ""


def _browsers_can_log_in() -> bool:
    """Whether the check that guards the pages reads the browser's cookie.

    In Airflow 3.0 it reads a header only, which no link can send. The links are left out there.
    """
    try:
        from airflow.api_fastapi.core_api.security import get_user
    except ImportError:
        return False
    return "request" in inspect.signature(get_user).parameters
