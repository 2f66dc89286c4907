"""The rules of this project for DAG files, checked on every file in dags/."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.cases import each_case

ROOT = Path(__file__).parents[2]

FILES = sorted((ROOT / "dags").glob("*.py"))
HEADINGS = ["What it does", "How urgent a red run is", "Where to look", "How to rerun"]
EMR_OPERATOR = {"boto3", "botocore"}
"""Packages that the operator of EMR Serverless imports; docs/decisions/0023 allows them."""
SETTINGS_ONLY = {"clickstream"}
"""The settings, for the schedule in the site's time zone: 25 ms, and no heavy package."""
ALLOWED = {"clickstream_reprocess": EMR_OPERATOR, "clickstream_digest": SETTINGS_ONLY}
HEAVY = {"boto3", "botocore", "clickstream", "numpy", "pandas", "pyarrow", "pyiceberg"}

pytestmark = pytest.mark.airflow


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def dag(request, bag):
    return bag.dags[request.param.stem]


def test_every_file_is_read_without_error(bag) -> None:
    assert FILES
    assert bag.import_errors == {}


def test_a_file_holds_one_dag_and_bears_its_name(bag) -> None:
    held = sorted((Path(dag.fileloc).stem, dag.dag_id) for dag in bag.dags.values())
    assert held == [(path.stem, path.stem) for path in FILES]


def test_the_documentation_of_a_dag_answers_four_questions(dag) -> None:
    assert re.findall(r"^### (.+)$", dag.doc_md, re.MULTILINE) == HEADINGS


def test_tags_come_from_the_closed_list_with_one_tier(dag) -> None:
    from clickstream_airflow.defaults import TAGS

    assert dag.tags <= set(TAGS)
    assert len([tag for tag in dag.tags if tag.startswith("tier-")]) == 1


def test_owner_retries_delay_and_timeout_are_set(dag) -> None:
    for task in dag.tasks:
        assert task.owner == "data-engineering", task.task_id
        assert task.retries >= 2, task.task_id
        assert task.retry_delay >= timedelta(minutes=1), task.task_id
        assert task.execution_timeout is not None, task.task_id


def test_every_failure_ends_the_log_in_one_line(dag) -> None:
    from clickstream_airflow.defaults import report_failure
    from clickstream_airflow.failures import log_cause

    for task in dag.tasks:
        assert task.on_failure_callback == [report_failure, log_cause], task.task_id
        # A mapped task keeps the value as given; Airflow converts it to a list when the task runs.
        assert task.on_retry_callback in (log_cause, [log_cause]), task.task_id
        if function := getattr(task, "python_callable", None):
            assert function.__code__.co_filename.endswith("clickstream_airflow/failures.py"), (
                task.task_id
            )


def test_the_list_of_dags_says_what_each_is_for(dag) -> None:
    assert dag.description
    assert dag.description.endswith(".")


def test_every_task_says_what_it_does(dag) -> None:
    for task in dag.tasks:
        assert task.doc_md or inspect.getdoc(getattr(task, "python_callable", None)), task.task_id


def test_no_run_waits_for_the_previous_one_or_catches_up(dag) -> None:
    assert not dag.catchup
    assert not any(task.depends_on_past for task in dag.tasks)


def test_each_task_of_an_hour_passes_one_value(bag) -> None:
    """From `-> dict`, Airflow infers that it should also store each key, by a request per key."""
    tasks = bag.dags["clickstream_hourly"].tasks
    assert [task.task_id for task in tasks if getattr(task, "multiple_outputs", False)] == []


@pytest.mark.parametrize(
    ("dag_id", "task_id"),
    [
        ("clickstream_hourly", "build_hour.register_tables"),
        ("clickstream_reprocess", "rebuild_day"),
    ],
)
def test_one_task_of_a_dag_publishes_at_a_time(bag, dag_id, task_id) -> None:
    assert bag.dags[dag_id].get_task(task_id).max_active_tis_per_dag == 1


@pytest.mark.parametrize("dag_id", ["clickstream_hourly", "clickstream_reprocess"])
def test_refreshes_run_one_at_a_time_after_the_builds_of_other_runs(bag, dag_id) -> None:
    dag = bag.dags[dag_id]
    refresh = dag.get_task("refresh_facts")
    assert refresh.max_active_tis_per_dag == 1
    assert refresh.trigger_rule == "all_done"

    def priority(task) -> int:
        """Airflow's rule `downstream`: with the weights of all tasks that wait for the task."""
        later = task.get_flat_relative_ids(upstream=False)
        return task.priority_weight + sum(dag.get_task(name).priority_weight for name in later)

    builds = [task for task in dag.tasks if waiting_for(task)]
    assert builds
    assert all(priority(refresh) < priority(task) for task in builds)


@pytest.mark.parametrize(
    ("dag_id", "marker"),
    [
        ("clickstream_hourly", "every_hour_published"),
        ("clickstream_reprocess", "every_day_rebuilt"),
    ],
)
def test_a_run_whose_hours_failed_is_red_although_facts_were_refreshed(bag, dag_id, marker) -> None:
    """Airflow computes the state of a run from its last tasks."""
    dag = bag.dags[dag_id]
    assert dag.get_task(marker).trigger_rule == "all_success"
    assert dag.get_task(marker).upstream_task_ids == {"refresh_views", "find_suspects"}
    assert waiting_for(dag.get_task(marker)) == []


@each_case(
    "dag_id, task_id, after, marker",
    [
        ("clickstream_hourly", "hours_to_build", {"pull_logs"}, "every_source_pulled"),
        (
            "clickstream_sales",
            "dates_to_replace",
            {"compare_source", "compare_older_dates"},
            "every_source_compared",
        ),
    ],
)
def test_a_source_that_fails_delays_no_other_and_leaves_the_run_red(
    bag, dag_id, task_id, after, marker
) -> None:
    dag = bag.dags[dag_id]
    assert dag.get_task(task_id).trigger_rule == "all_done"
    assert dag.get_task(marker).trigger_rule == "all_success"
    for name in (task_id, marker):
        assert dag.get_task(name).upstream_task_ids == after
    assert waiting_for(dag.get_task(marker)) == []


def waiting_for(task) -> list[Any]:
    """Return the tasks that follow a task, without the report, which is a teardown."""
    return [one for one in task.downstream_list if not one.is_teardown]


def test_a_scheduled_run_is_reported_after_all_its_tasks_and_its_state_is_theirs(dag) -> None:
    reports = [task for task in dag.tasks if task.is_teardown]
    assert [task.task_id for task in reports] == (["report_run"] if dag.schedule else [])
    for report in reports:
        others = {task.task_id for task in dag.tasks} - {"report_run"}
        assert report.get_flat_relative_ids(upstream=True) == others
        assert not report.on_failure_fail_dagrun


def test_every_task_s_pool_is_one_that_every_airflow_has(dag) -> None:
    assert {task.pool for task in dag.tasks} == {"default_pool"}


def test_the_page_of_airflow_lists_every_dag(dag) -> None:
    page = (ROOT / "docs" / "airflow.md").read_text(encoding="utf-8")
    assert f"| `{dag.dag_id}` |" in page


PARSE = """
import json, os, runpy, sys
import airflow.sdk
for path in sys.argv[2:]:
    if child := os.fork():
        assert os.waitpid(child, 0)[1] == 0, path
        continue
    runpy.run_path(path)
    print(json.dumps([path, sorted({*sys.argv[1].split()} & {*sys.modules})]), flush=True)
    os._exit(0)
"""
"""Parses each file in a process of its own, which has imported only Airflow."""


def test_a_file_is_parsed_fast_and_without_requests(tmp_path) -> None:
    """Every task process parses the file again, and repeats heavy imports and look-ups.

    There is no database here, so a connection or variable asked for at the top fails.
    """
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{tmp_path}/nowhere/airflow.db",
    }
    command = [sys.executable, "-c", PARSE, " ".join(HEAVY), *map(str, FILES)]
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr
    parsed = [json.loads(line) for line in ran.stdout.splitlines() if line.startswith("[")]
    assert {Path(path).stem: {*modules} for path, modules in parsed} == {
        path.stem: ALLOWED.get(path.stem, set()) for path in FILES
    }


def test_the_hourly_run_is_for_whole_hours_and_can_be_backfilled(bag) -> None:
    from airflow.timetables.interval import CronDataIntervalTimetable

    hourly = bag.dags["clickstream_hourly"]
    assert isinstance(hourly.timetable, CronDataIntervalTimetable)
    assert hourly.timetable.summary == "0 * * * *"
    assert hourly.max_active_runs == 4
