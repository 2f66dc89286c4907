"""The DAG for ranges with a real local AWS and a real Airflow: its form and its results."""

from __future__ import annotations

import logging
import shlex
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.support.access_log import Client, append
from tests.support.cases import each_case
from tests.support.dag_runs import read_dag, states
from tests.support.key_periods import destroy_key
from tests.support.lake_settings import ROOT
from tests.support.lakes import build_all
from tests.support.task_calls import Call, build_run, call_task

from clickstream.core.hours import Hour
from clickstream.lake import Lake, fact_files, hour_ledger
from clickstream.pipeline.backfill.backfill import Steps, outdated_views
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.pull.host import pull_source

pytestmark = [pytest.mark.airflow, pytest.mark.usefixtures("few_views")]

REPROCESS = "clickstream_reprocess"
ANA = Client("203.0.113.7")
FIRST, LAST = Hour.parse("2026-11-20T23"), Hour.parse("2026-11-21T00")
ASKED = {"from": "2026-11-20T23", "to": "2026-11-21T00", "reason": "a test"}


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


@pytest.fixture
def call(bag, lake, caplog) -> Callable[..., Call]:
    """Return a function that calls a task in a run with the form of the tests and other fields."""
    caplog.set_level(logging.INFO, logger="clickstream")

    def call_with(task_id: str, arguments: Mapping[str, str] | None = None, **conf: Any) -> Call:
        task = bag.dags[REPROCESS].get_task(task_id)
        return call_task(task, build_run(run_id="tests", conf=ASKED | conf), arguments)

    return call_with


def rebuild(call: Callable[..., Call], **conf: Any) -> None:
    """Call the tasks that plan a range and build its days."""
    for day in call("plan_days", **conf).result:
        assert call("rebuild_day", day, **conf).state == "success"


def publishers(lake: Lake) -> list[str]:
    return list(hour_ledger.ledger(lake)["published_by"])


DAYS = {("rebuild_day", "2026-11-20"), ("rebuild_day", "2026-11-21")}
ONCE = {("plan_days", ""), ("is_for_spark", ""), ("refresh_views", "")} | {
    ("find_suspects", ""),
    ("refresh_facts", ""),
    ("every_day_rebuilt", ""),
}
HERE = dict.fromkeys(DAYS | ONCE, "success") | {("clean_on_spark", ""): "skipped"}


def test_a_run_builds_each_day_of_the_range_again(airflow_home, lake, caplog) -> None:
    caplog.set_level(logging.INFO)
    run = read_dag(REPROCESS).test(run_conf=ASKED)
    assert states(run) == HERE
    assert "1 of 1 hour done" in caplog.text
    assert "Why: a test" in caplog.text
    assert "Loaded FileIO" not in caplog.text
    assert publishers(lake) == [run.run_id] * 2
    assert verify(lake).is_proven


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(call, lake, caplog) -> None:
    rebuild(call, dry_run=True)
    assert (
        "Would build 1 hour already up to date, because the range includes them: 2026-11-20T23."
        in caplog.text
    )
    assert "1 hour, 1 up to date; 1 line published" in caplog.text
    outdated = outdated_views(lake)
    for task_id in ("refresh_views", "find_suspects", "refresh_facts"):
        assert call(task_id, dry_run=True).state == "success"
    assert f"Would create or replace these views: {', '.join(outdated)}." in caplog.text
    assert publishers(lake) == ["by hand"] * 2
    assert outdated_views(lake) == outdated != []
    assert fact_files.read_manifest(lake) is None


@pytest.mark.lake
def test_hours_past_their_replay_window_are_refused_and_built_when_the_form_says_so(
    call, lake, caplog
) -> None:
    destroy_key(lake, FIRST)
    refused = call("plan_days")
    assert refused.state == "failed"
    assert f"Hour {FIRST} is past its replay window" in refused.last_line
    assert "Also refused: 2026-11-21T00" in refused.last_line
    rebuild(call, new_visitor_ids=True, dry_run=True)
    assert "2 hours, 2 of them published with 2 lines. 1 session of 1 visitor" in caplog.text
    assert publishers(lake) == ["by hand"] * 2
    rebuild(call, new_visitor_ids=True)
    assert publishers(lake) == ["tests"] * 2
    assert verify(lake).is_proven


def test_views_only_builds_no_hour(call, lake) -> None:
    assert outdated_views(lake) != []
    assert call("plan_days", steps="views").result == []
    assert call("refresh_views", steps="views").state == "success"
    assert outdated_views(lake) == []


@each_case(
    "wrong, says",
    [
        ({"from": "2026-11-21", "to": "2026-11-20"}, "swap the two"),
        ({"from": "2026-11-20", "to": "2999-12-25"}, "The hour 2999-12-25T23 is not over yet"),
        ({"from": "2001-01-01", "to": "2026-11-20"}, "9,455 days are too many for one run"),
        ({"engine": "spark"}, "[spark] application is not set: the id of"),
    ],
)
def test_an_impossible_range_fails_at_once(bag, home, wrong, says) -> None:
    run = build_run(conf=ASKED | wrong)
    planned = call_task(bag.dags[REPROCESS].get_task("plan_days"), run)
    assert planned.state == "failed"
    assert says in planned.last_line


@each_case(
    "wrong",
    [
        *({"from": "yesterday"}, {"to": "2026-11-20T05:30"}, {"reason": ""}, {"steps": "some"}),
        *({"engine": "dask"}, {"from": None}, {"to": None}, {"reason": None}),
    ],
)
def test_the_form_refuses_what_it_can_t_use_and_requires_fields_without_a_default(
    bag, wrong
) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    ((name, value),) = wrong.items()
    given = () if value is None else (value,)
    with pytest.raises(ParamValidationError):
        bag.dags[REPROCESS].params.get_param(name).resolve(*given)


def test_the_form_offers_all_steps(bag) -> None:
    assert bag.dags[REPROCESS].params.get_param("steps").schema["enum"] == [*Steps]


@pytest.mark.parametrize("only_outdated", [True, False])
def test_the_job_on_spark_gets_the_values_of_the_form_and_the_settings(
    airflow_home, home, monkeypatch, only_outdated: bool
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
    job = read_dag(REPROCESS).get_task("clean_on_spark")
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
    copied = f"pyproject.toml hatch_build.py README.md LICENSE {settings.name}"
    assert f"COPY {copied} {settings.parent}/\n" in image
    assert f"-m venv {python.parents[1]}\n" in image
