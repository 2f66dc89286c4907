"""The daily DAG with a real local AWS and a real Airflow: a smaller lake with the same rows."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.support.access_log import Client, append
from tests.support.dag_runs import read_dag
from tests.support.lake_settings import write_settings

from clickstream.core.hours import Hour
from clickstream.lake.iceberg import iceberg_tables
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.proof.verify_record import read_verify_record
from clickstream.pipeline.publish.publish import build_hour
from clickstream.pipeline.pull.host import pull_source
from clickstream.tables import HITS

pytestmark = pytest.mark.airflow


def test_a_day_that_is_over_becomes_one_file(
    airflow_home: Path,
    local_aws,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    from clickstream_airflow.lake import open_lake

    caplog.set_level(logging.INFO, logger="clickstream")
    settings = write_settings(tmp_path, "daily", ["web-1"])
    monkeypatch.setenv("CLICKSTREAM_SETTINGS", str(settings))
    for name, value in local_aws.environment().items():
        monkeypatch.setenv(name, value)
    hours = [Hour.parse("2026-11-20T05"), Hour.parse("2026-11-20T06")]
    lines = [Client("192.0.2.1").get(f"{hour}:10:00", "/") for hour in hours]
    append(tmp_path / "web-1" / "access.log", lines)
    lake = open_lake()
    pull_source(lake, lake.settings.sources[0])
    for hour in hours:
        build_hour(lake, hour, "test")

    run = read_dag("clickstream_daily").test()

    assert run.state == "success"
    assert "small data files became" in caplog.text
    assert "hits of 2026-11-20: 2 files, 2 rows, are one file now." in caplog.text
    assert len(list(iceberg_tables.load(lake, HITS).iceberg.scan().plan_files())) == 1
    assert verify(lake).is_proven
    assert "Checked " in caplog.text
    assert read_verify_record(lake).findings == 0
