"""The extensions of Airflow's UI: notes of runs, links of task instances, and the linked pages."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from clickstream_airflow.pages import Pages
from clickstream_airflow.run_notes import NoteWriter
from clickstream_airflow.task_links import URL_PREFIX, LedgerLink, RunbookLink


class ClickstreamPlugin(AirflowPlugin):
    """Registers the extensions; the code is in the package `clickstream_airflow`."""

    name = "clickstream"
    listeners = [NoteWriter()]  # noqa: RUF012  as Airflow declares it
    global_operator_extra_links = [RunbookLink(), LedgerLink()]  # noqa: RUF012
    fastapi_apps = [{"app": Pages(), "url_prefix": URL_PREFIX, "name": "clickstream"}]  # noqa: RUF012
