"""The extensions that the plugin registers, and the cost of loading it in every process."""

from __future__ import annotations

import json
import runpy
import subprocess
import sys
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest
from tests.support.lake_settings import ROOT

pytestmark = pytest.mark.airflow

HEAVY = {
    "boto3",
    "clickstream",
    "duckdb",
    "fastapi",
    "numpy",
    "pandas",
    "pyarrow",
    "pyiceberg",
}


def test_airflow_finds_the_extensions(airflow_home) -> None:
    from airflow import plugins_manager

    (plugin,) = [one for one in plugins_manager._get_plugins()[0] if one.name == "clickstream"]
    names = [link.name for link in plugin.global_operator_extra_links]
    assert names == ["Runbook", "Hour on the dashboard"]
    (app,) = plugin.fastapi_apps
    assert app["url_prefix"] == "/clickstream-dashboard"
    assert plugins_manager._get_plugins()[1] == {}


def test_the_dashboard_is_an_entry_of_the_navigation(airflow_home) -> None:
    from airflow import plugins_manager

    (view,) = [
        one for one in plugins_manager._get_ui_plugins()[0] if one["url_route"] == "cafe-dashboard"
    ]
    assert view["href"] == "/clickstream-dashboard/"
    assert view["nav_top_level"]
    for name in ("icon", "icon_dark_mode"):
        kind, _, svg = view[name].partition(",")
        assert kind == "data:image/svg+xml"
        assert ElementTree.fromstring(unquote(svg)).tag == "{http://www.w3.org/2000/svg}svg"


def test_airflow_before_3_1_gets_no_dashboard(airflow_home, monkeypatch) -> None:
    from clickstream_airflow import addresses

    monkeypatch.setattr(addresses, "has_external_views", lambda: False)
    path = ROOT / "plugins" / "clickstream_plugin.py"
    plugin = runpy.run_path(str(path))["ClickstreamPlugin"]
    assert plugin.fastapi_apps == []
    assert plugin.external_views == []


def test_loading_the_plugin_imports_nothing_heavy(airflow_home) -> None:
    report = (
        "import json, sys, airflow.plugins_manager, airflow.sdk; before = set(sys.modules);"
        "import clickstream_plugin;"
        f"print(json.dumps(sorted({HEAVY!r} & (set(sys.modules) - before))))"
    )
    command = [sys.executable, "-c", report]
    ran = subprocess.run(command, cwd=ROOT / "plugins", capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    assert json.loads(ran.stdout.splitlines()[-1]) == []
