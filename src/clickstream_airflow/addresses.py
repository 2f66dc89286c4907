"""Addresses of this project's pages in Airflow's web UI.

The plugin uses it at its top, so it imports nothing heavy there.
"""

from __future__ import annotations

import inspect
from urllib.parse import urlsplit

import airflow
from airflow.configuration import conf
from airflow.plugins_manager import AirflowPlugin
from packaging.version import Version

URL_PREFIX = "/clickstream"
"""The path of the pages below Airflow's own."""

DASHBOARD_PREFIX = "/clickstream-dashboard"
"""The path of the dashboard below Airflow's own."""

FIRST_WITH_FRAMED_PAGES = Version("3.3.2")

VIEW_ROUTE = "cafe-dashboard"
"""The name of the dashboard's view in Airflow's UI, which frames it."""


def airflow_path() -> str:
    """The path at which Airflow is served, without a slash at its end; mostly empty."""
    return urlsplit(conf.get("api", "base_url", fallback="")).path.rstrip("/")


def page_address(page: str) -> str:
    """The address of one of the pages; empty if no link can lead there."""
    return f"{airflow_path()}{URL_PREFIX}/{page}" if _browsers_can_log_in() else ""


def dashboard_address(page: str) -> str:
    """The address of a page of the dashboard, with Airflow's navigation around it if it can.

    The UI takes what follows the view's name for the address of the page in the frame.
    """
    alone = f"{airflow_path()}{DASHBOARD_PREFIX}/{page}"
    return f"{airflow_path()}/plugin/{VIEW_ROUTE}{alone}" if names_framed_pages() else alone


def has_external_views() -> bool:
    """Whether Airflow's UI can show pages of plugins, as Airflow 3.1 and later do."""
    return hasattr(AirflowPlugin, "external_views")


def names_framed_pages() -> bool:
    """Whether the address of a plugin's view names the page in its frame.

    Airflow 3.3.2 is the first whose UI has such addresses (apache/airflow, #72776).
    """
    return Version(Version(airflow.__version__).base_version) >= FIRST_WITH_FRAMED_PAGES


def _browsers_can_log_in() -> bool:
    """Whether the check that guards the pages reads the browser's cookie.

    In Airflow 3.0 it reads a header only, which no link can send. The links are left out there.
    """
    try:
        from airflow.api_fastapi.core_api.security import get_user
    except ImportError:
        return False
    return "request" in inspect.signature(get_user).parameters
