"""The Airflow home of the tests: a temporary folder with a SQLite database, migrated once.

The conftest.py of a package whose tests need Airflow imports the fixtures. Airflow reads its
configuration when it is first imported, so importing this module sets the environment.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import tests.support.service_descriptions  # noqa: F401, shared by the sessions of all tasks
from tests.support.lake_settings import write_settings

ROOT = Path(__file__).parents[2]
PROBE = ROOT / "tests" / "dags" / "probe"
HOME = Path(tempfile.mkdtemp(prefix="clickstream-airflow-"))
atexit.register(shutil.rmtree, HOME, ignore_errors=True)


def _bundle(name: str, path: Path) -> dict[str, object]:
    return {
        "name": name,
        "classpath": "airflow.dag_processing.bundles.local.LocalDagBundle",
        "kwargs": {"path": str(path)},
    }


os.environ |= {
    "AIRFLOW_HOME": str(HOME),
    "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
    "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
    "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    "AIRFLOW__CORE__UNIT_TEST_MODE": "False",
    "AIRFLOW__DATABASE__LOAD_DEFAULT_CONNECTIONS": "False",
    # A supervisor may notice the end of a task only at the next heartbeat; the default is 5 s.
    "AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL": "1",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{HOME}/airflow.db",
    "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(
        [_bundle("dags", ROOT / "dags"), _bundle("probe", PROBE)]
    ),
}


@pytest.fixture(scope="session")
def airflow_home() -> Path:
    """The folder of an Airflow whose database exists."""
    _migrate()
    return HOME


@pytest.fixture(scope="session")
def bag(airflow_home: Path) -> Any:
    """All DAGs, parsed once; a test reads them and calls functions of their tasks."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=ROOT / "dags")


@cache
def _migrate() -> None:
    from airflow.utils.db import initdb

    initdb()


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in [name for name in os.environ if name.startswith(("CLICKSTREAM_", "AWS_"))]:
        monkeypatch.delenv(variable)


@pytest.fixture
def connection(local_aws, monkeypatch) -> None:
    """The connection that an operator sets in Airflow, here from the environment."""
    facts = {
        "conn_type": "aws",
        "login": "test",
        "password": "test",
        "extra": {"region_name": "eu-west-1", "endpoint_url": local_aws.endpoint},
    }
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(facts))


@pytest.fixture
def home(tmp_path, request, connection, monkeypatch) -> Path:
    """A folder with settings and one log directory for each of two web servers."""
    name = request.node.name.removeprefix("test_")[:40].rstrip("_")
    settings = write_settings(tmp_path, name, ["web-1", "web-2"])
    monkeypatch.setenv("CLICKSTREAM_SETTINGS", str(settings))
    return tmp_path


@pytest.fixture
def few_views(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave a few views of few tables; all views and facts cost 4 s of CPU time more."""
    from clickstream.pipeline.publish import facts

    (tmp_path / "sql").mkdir()
    facts_of = ("hour", "location", "order", "refund", "place", "demographic", "store")
    for name in ("movements", *(f"{name}_facts" for name in facts_of)):
        for path in (ROOT / "include" / "sql").glob(f"{name}.*"):
            shutil.copy(path, tmp_path / "sql")
    monkeypatch.setenv("CLICKSTREAM_BUILD__SQL_DIRECTORY", str(tmp_path / "sql"))
    monkeypatch.setattr(facts, "FACT_VIEWS", ("hour_facts",))
    monkeypatch.setattr(facts, "ALL_FACT_VIEWS", ("hour_facts", "location_facts"))
