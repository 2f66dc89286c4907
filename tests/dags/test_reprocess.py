"""The DAG for ranges with a real local AWS and a real Airflow: its form and its results."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.dag_runs import states
from tests.support.key_periods import destroy_key
from tests.support.lake_settings import ROOT
from tests.support.lakes import build_all

from clickstream.hours import Hour
from clickstream.lake import Lake, hour_ledger
from clickstream.pipeline.backfill.backfill import Steps, outdated_views
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source

pytestmark = pytest.mark.airflow

ANA = Client("203.0.113.7")
FIRST, LAST = Hour.parse("2026-11-20T23"), Hour.parse("2026-11-21T00")
ASKED = {"from": "2026-11-20T23", "to": "2026-11-21T00", "reason": "a test"}


@pytest.fixture
def read_dag(airflow_home, home, monkeypatch) -> Callable[[], Any]:
    """Return a function that parses the DAG again: a test run stores its form in the params."""
    from airflow.dag_processing.dagbag import DagBag

    from clickstream_airflow.defaults import DEFAULT_ARGS

    monkeypatch.setitem(DEFAULT_ARGS, "retries", 0)
    return lambda: DagBag(dag_folder=ROOT / "dags").dags["clickstream_reprocess"]


@pytest.fixture
def dag(read_dag) -> Any:
    return read_dag()


@pytest.fixture
def lake(home: Path) -> Lake:
    """Return a lake with two published hours, on two days, which one session spans."""
    from clickstream_airflow.lake import open_lake

    append(
        home / "web-1" / "access.log",
        [ANA.get("2026-11-20T23:50:00", "/"), ANA.get("2026-11-21T00:10:00", "/menu")],
    )
    opened = open_lake()
    pull_source(opened, opened.settings.sources[0])
    build_all(opened, FIRST, LAST, "by hand")
    return opened


def publishers(lake: Lake) -> list[str]:
    return list(hour_ledger.ledger(lake)["published_by"])


DAYS = {("rebuild_day", "2026-11-20"), ("rebuild_day", "2026-11-21")}
ONCE = {("plan_days", ""), ("is_for_spark", ""), ("refresh_views", "")} | {
    ("find_suspects", ""),
    ("refresh_facts", ""),
    ("every_day_rebuilt", ""),
}
HERE = dict.fromkeys(DAYS | ONCE, "success") | {("clean_on_spark", ""): "skipped"}


def test_a_dry_run_says_what_it_would_do_and_then_it_is_done(read_dag, lake, caplog) -> None:
    caplog.set_level(logging.INFO)
    dry = read_dag().test(run_conf={**ASKED, "dry_run": True})
    assert states(dry) == HERE
    assert (
        "Would build 1 hour already up to date, because the range includes them: 2026-11-20T23."
        in caplog.text
    )
    assert "1 hour, 1 up to date; 1 line published" in caplog.text
    assert publishers(lake) == ["by hand"] * 2

    run = read_dag().test(run_conf=ASKED)
    assert states(run) == HERE
    assert "1 of 1 hour done" in caplog.text
    assert "Why: a test" in caplog.text
    assert "Loaded FileIO" not in caplog.text
    assert publishers(lake) == [run.run_id] * 2
    assert verify(lake).is_proven


@pytest.mark.lake
def test_hours_past_their_replay_window_are_refused_and_built_when_the_form_says_so(
    read_dag, lake, caplog
) -> None:
    destroy_key(lake, FIRST)
    refused = read_dag().test(run_conf=ASKED)
    assert states(refused)["plan_days", ""] == "failed"
    assert f"Hour {FIRST} is past its replay window" in caplog.text
    assert "Also refused: 2026-11-21T00" in caplog.text
    assert publishers(lake) == ["by hand"] * 2
    caplog.set_level(logging.INFO)
    asked = {**ASKED, "new_visitor_ids": True}
    read_dag().test(run_conf={**asked, "dry_run": True})
    assert "2 hours, 2 of them published with 2 lines. 1 session of 1 visitor" in caplog.text
    assert publishers(lake) == ["by hand"] * 2
    run = read_dag().test(run_conf=asked)
    assert states(run) == HERE
    assert publishers(lake) == [run.run_id] * 2
    assert verify(lake).is_proven


def test_views_only_builds_no_hour(dag, lake) -> None:
    assert outdated_views(lake) != []
    run = dag.test(run_conf={**ASKED, "steps": "views"})
    assert run.state == "success"
    assert states(run)["rebuild_day", ""] == "skipped"
    assert publishers(lake) == ["by hand"] * 2
    assert outdated_views(lake) == []


def test_an_impossible_range_fails_at_once(dag, home, caplog) -> None:
    for wrong, says in (
        ({"from": "2026-11-21", "to": "2026-11-20"}, "swap the two"),
        ({"from": "2026-11-20", "to": "2999-12-25"}, "The hour 2999-12-25T23 is not over yet"),
        ({"from": "2001-01-01", "to": "2026-11-20"}, "9,455 days are too many for one run"),
        ({"engine": "spark"}, "[spark] role is not set: the ARN of"),
    ):
        run = dag.test(run_conf={**ASKED, **wrong})
        assert states(run)["plan_days", ""] == "failed"
        assert says in caplog.text


@pytest.mark.parametrize(
    "wrong",
    [
        *({"from": "yesterday"}, {"to": "2026-11-20T05:30"}, {"reason": ""}, {"steps": "some"}),
        {"engine": "dask"},
    ],
)
def test_the_form_refuses_what_it_can_t_use(dag, wrong) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    (name,) = wrong
    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve(wrong[name])


@pytest.mark.parametrize("name", ["from", "to", "reason"])
def test_the_form_requires_fields_without_a_default(dag, name) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param(name).resolve()


def test_the_form_offers_all_steps(dag) -> None:
    assert dag.params.get_param("steps").schema["enum"] == [*Steps]


@pytest.mark.parametrize("only_outdated", [True, False])
def test_the_job_on_spark_gets_the_values_of_the_form_and_the_settings(
    dag, home, monkeypatch, only_outdated: bool
) -> None:
    """Parse its arguments with the command line that receives them, and with AWS's own model."""
    import typer
    from botocore.session import Session
    from botocore.validate import validate_parameters

    from clickstream import spark
    from clickstream_airflow.lake import refer_to_lake

    spark_settings = {"APPLICATION": "00abc", "ROLE": "arn:aws:iam::1:role/spark"}
    spark_settings |= {"EXECUTOR_CORES": "8", "EXECUTOR_GB": "48", "LOG_PREFIX": "'logs/jobs/'"}
    for name, value in spark_settings.items():
        monkeypatch.setenv(f"CLICKSTREAM_SPARK__{name}", value)
    job = dag.get_task("clean_on_spark")
    params = {"from": "2026-11-20", "to": "2026-11-21T00", "only_outdated": only_outdated}
    job.render_template_fields({"params": params, "run_id": "manual__1"})
    assert (job.application_id, job.name) == ("00abc", "clickstream 2026-11-20 to 2026-11-21T00")
    assert job.execution_role_arn == "arn:aws:iam::1:role/spark"
    request = {
        "applicationId": job.application_id,
        "clientToken": "token",
        "executionRoleArn": job.execution_role_arn,
        "jobDriver": job.job_driver,
        "configurationOverrides": job.configuration_overrides,
    }
    model = Session().get_service_model("emr-serverless").operation_model("StartJobRun")
    validate_parameters(request, model.input_shape)
    bucket = refer_to_lake().bucket
    monitoring = job.configuration_overrides["monitoringConfiguration"]
    assert monitoring["s3MonitoringConfiguration"]["logUri"] == f"s3://{bucket}/logs/jobs/"
    submitted = job.job_driver["sparkSubmit"]
    assert submitted["entryPoint"] == "local:///opt/clickstream/src/clickstream/spark.py"
    script = typer.Typer(add_completion=False)
    script.command()(spark.main)
    read = typer.main.get_command(script).make_context("spark", submitted["entryPointArguments"])
    assert read.params == {
        "first": Hour.parse("2026-11-20T00"),
        "last": LAST,
        "run_id": "manual__1",
        "publish": False,
        "only_outdated": only_outdated,
    }
    words = shlex.split(submitted["sparkSubmitParameters"])
    assert {*words[::2]} == {"--conf"}
    options = dict(word.split("=", 1) for word in words[1::2])
    assert options["spark.executor.cores"] == "8"
    assert options["spark.executor.memory"] == options["spark.executor.memoryOverhead"] == "24g"
    assert options["spark.emr-serverless.driverEnv.CLICKSTREAM_LAKE__BUCKET"] == bucket
    image = (ROOT / "infra" / "emr.Dockerfile").read_text()
    driver = {name.rpartition(".")[2]: value for name, value in options.items()}
    settings, python = Path(driver["CLICKSTREAM_SETTINGS"]), Path(driver["PYSPARK_PYTHON"])
    assert f"COPY pyproject.toml README.md LICENSE {settings.name} {settings.parent}/\n" in image
    assert f"-m venv {python.parents[1]}\n" in image
