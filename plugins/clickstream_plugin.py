"""Extensions of Airflow's UI: notes of runs, links on tasks, and the dashboard."""

from __future__ import annotations

from airflow.plugins_manager import AirflowPlugin

from clickstream_airflow.addresses import DASHBOARD_PREFIX, has_external_views
from clickstream_airflow.dashboard import DashboardApp, nav_entry
from clickstream_airflow.run_hour import NoteWriter
from clickstream_airflow.task_links import DashboardLink, RunbookLink

DASHBOARD = {"app": DashboardApp(), "url_prefix": DASHBOARD_PREFIX, "name": "clickstream-dashboard"}


class ClickstreamPlugin(AirflowPlugin):
    """Registration of the extensions. Their code is in the package `clickstream_airflow`."""

    name = "clickstream"
    listeners = [NoteWriter()]  # noqa: RUF012  as Airflow declares it
    global_operator_extra_links = [RunbookLink(), DashboardLink()]  # noqa: RUF012
    # Before Airflow 3.1 the UI can't show pages of plugins.
    fastapi_apps = [DASHBOARD] if has_external_views() else []
    external_views = [nav_entry()] if has_external_views() else []
