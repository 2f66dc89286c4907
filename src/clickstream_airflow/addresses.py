"""Addresses of the dashboard in Airflow's web UI.

The plugin imports this module at its top, so it imports no heavy package.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import airflow
from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin
from packaging.version import Version

DASHBOARD_PREFIX = "/clickstream-dashboard"
"""The path of the dashboard, relative to the path of Airflow."""

FIRST_WITH_FRAMED_PAGES = Version("3.3.2")

VIEW_ROUTE = "cafe-dashboard"
"""The name of the dashboard's view in Airflow's UI, which frames it."""


def airflow_path() -> str:
    """Return the path at which Airflow is served, without a trailing slash; usually empty."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")


def dashboard_address(page: str) -> str:
    """Return the address of a page of the dashboard, inside Airflow's navigation if possible.

    The UI uses the part of the address after the view's name as the address of the framed page.
    """
    alone = f"{airflow_path()}{DASHBOARD_PREFIX}/{page}"
    return f"{airflow_path()}/plugin/{VIEW_ROUTE}{alone}" if names_framed_pages() else alone


def has_external_views() -> bool:
    """Whether Airflow's UI can show pages of plugins, as in Airflow 3.1 and later."""
    return hasattr(AirflowPlugin, "external_views")


def names_framed_pages() -> bool:
    """Whether the address of a plugin's view names the page in its frame.

    Airflow has such addresses since version 3.3.2 (apache/airflow, #72776).
    """
    return Version(Version(airflow.__version__).base_version) >= FIRST_WITH_FRAMED_PAGES
