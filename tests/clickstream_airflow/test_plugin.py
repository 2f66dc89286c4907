"""What the plugin registers, and what loading it costs every process of Airflow."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
from tests.support.lake_settings import ROOT

pytestmark = pytest.mark.airflow

HEAVY = {
    "boto3",
    "clickstream",
    "fastapi",
    "markdown_it",
    "numpy",
    "pandas",
    "pyarrow",
    "pyiceberg",
}


def test_airflow_finds_the_extensions(airflow_home) -> None:
    from airflow import plugins_manager

    (plugin,) = [one for one in plugins_manager._get_plugins()[0] if one.name == "clickstream"]
    assert [link.name for link in plugin.global_operator_extra_links] == [
        "Runbook",
        "Hour in the ledger",
    ]
    assert [app["url_prefix"] for app in plugin.fastapi_apps] == ["/clickstream"]
    assert plugins_manager._get_plugins()[1] == {}


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
