"""The pool is there once one of Airflow's own processes has started, as its operator wants it."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.airflow


def slots() -> dict[str, int]:
    from airflow.models.pool import Pool

    return {pool.pool: pool.slots for pool in Pool.get_pools()}


def start_of_a_process() -> None:
    """What scheduler, triggerer and DAG processor begin with."""
    from airflow.jobs.job import Job

    Job()


def test_the_pool_makes_itself_and_keeps_what_the_operator_changes(airflow_home) -> None:
    from airflow.models.pool import Pool

    from clickstream_airflow.defaults import PUBLISH_POOL, PUBLISH_SLOTS

    assert PUBLISH_POOL not in slots()
    start_of_a_process()
    assert slots()[PUBLISH_POOL] == PUBLISH_SLOTS
    Pool.create_or_update_pool(PUBLISH_POOL, 7, "more of them", include_deferred=False)
    start_of_a_process()
    assert slots()[PUBLISH_POOL] == 7
    Pool.delete_pool(PUBLISH_POOL)


def test_a_task_s_process_asks_no_database(airflow_home) -> None:
    from airflow.sdk.execution_time.task_runner import TaskRunnerMarker

    from clickstream_airflow.pool import MakesThePool

    MakesThePool().on_starting(TaskRunnerMarker())
    assert set(slots()) == {"default_pool"}


def test_every_task_s_pool_is_one_that_exists(airflow_home) -> None:
    from airflow.dag_processing.dagbag import DagBag
    from tests.support.lake_settings import ROOT

    from clickstream_airflow.defaults import PUBLISH_POOL

    dags = DagBag(dag_folder=ROOT / "dags").dags.values()
    used = {task.pool for dag in dags for task in dag.tasks}
    assert used == {"default_pool", PUBLISH_POOL}
