"""One alert for all red tasks of a scheduled run, one recovery; none for other and cleared runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.task_calls import build_run, call_task
from tests.support.webhook_server import WebhookServer, webhook_server

pytestmark = pytest.mark.airflow

HOURLY = "clickstream_hourly"
DUE = datetime(2026, 11, 22, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
RETRIES = 2


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookServer]:
    with webhook_server() as server:
        monkeypatch.setenv("CLICKSTREAM_ALERTS__WEBHOOK", server.url)
        yield server


@dataclass
class Instance:
    """The instance of `report_run` in a run: it knows the states and the results of other tasks."""

    run_id: str
    states: dict[str, str]
    is_cleared: bool = False
    results: dict[str, Any] = field(default_factory=dict)
    dag_id: str = HOURLY
    task: Any = field(default_factory=lambda: SimpleNamespace(retries=RETRIES))

    @property
    def max_tries(self) -> int:
        """The limit of attempts, which Airflow raises when a task is cleared."""
        return RETRIES + 3 if self.is_cleared else RETRIES

    def get_task_states(self, dag_id: str, run_ids: list[str]) -> dict[str, dict[str, str]]:
        return {run_id: self.states for run_id in run_ids if dag_id == self.dag_id}

    def xcom_pull(self, task_ids: str | list[str]) -> Any:
        names = [task_ids] if isinstance(task_ids, str) else task_ids
        found = [value for name in names for value in self.results.get(name, ())]
        return found if isinstance(task_ids, list) else next(iter(found), None)


@pytest.fixture
def report(bag, home: Path) -> Callable[..., None]:
    """Return a function that calls the task of a run whose other tasks have ended."""
    task = bag.dags[HOURLY].get_task("report_run")

    def call(
        number: int, states: dict[str, str], run_type: str = "scheduled", is_cleared: bool = False
    ) -> None:
        due = DUE + number * HOUR
        run = build_run(run_type, f"{run_type}__{number}", logical_date=due, dag_id=HOURLY)
        instance = Instance(run.run_id, states, is_cleared)
        called = call_task(task, run, {"has_metrics": True}, ti=instance)
        assert called.state == "success", called.last_line

    return call


RED = {"list_hosts": "failed", "hours_to_build": "upstream_failed"}
GREEN = {"list_hosts": "success", "hours_to_build": "success"}


def test_a_worker_reports_the_failure_and_the_recovery_of_a_dag_and_the_figures_of_a_run(
    airflow_home, home: Path, tmp_path: Path, webhook: WebhookServer, monkeypatch
) -> None:
    from tests.support.airflow_worker import attempt, create_run, end_runs, sync_dags

    from clickstream.alerts.metrics import RUNS, RunFigures
    from clickstream_airflow.lake import refer_to_lake

    sync_dags()
    red, green = (create_run(HOURLY, DUE + n * HOUR, run_type="scheduled") for n in (0, 1))
    with monkeypatch.context() as patch:
        patch.setenv("CLICKSTREAM_SOURCES", "[]")
        assert "CS-201" in attempt(red, "list_hosts", tmp_path).last_line
    assert len(webhook.texts) == 1
    assert "a run of clickstream_hourly failed" in webhook.titles[0]
    assert "No source is set" in webhook.texts[0]
    assert "runbook.md#cs-201" in webhook.texts[0]

    for place, lines in enumerate([7, 20, 3]):
        push(green, "pull_logs", {"lines": lines}, place)
    for run, state in ((red, "upstream_failed"), (green, "success")):
        end_tasks(run, state)
        made = attempt(run, "report_run", tmp_path)
        assert made.state == "success", "\n".join(made.shown)
    assert len(webhook.texts) == 2
    assert "over: a run of clickstream_hourly failed" in webhook.titles[1]
    stored = RUNS.read(refer_to_lake(), "run")
    assert stored is not None
    assert stored.value.seconds > 0
    assert replace(stored.value, seconds=0.0) == RunFigures(30, 0, 0, 0.0)
    end_runs()


def push(run: Any, task_id: str, value: Any, map_index: int) -> None:
    """Add an instance of a mapped task, with its result."""
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.xcom import XComModel
    from airflow.utils.session import create_session

    task = SerializedDagModel.get_dag(run.dag_id).get_task(task_id)
    names = {"dag_id": run.dag_id, "task_id": task_id, "run_id": run.run_id}
    with create_session() as session:
        version = session.merge(run).get_task_instance(task_id, session=session).dag_version_id
        session.add(TaskInstance(task, version, run.run_id, map_index=map_index))
        session.flush()
        stored = {**names, "map_index": map_index, "serialize": False}
        XComModel.set("return_value", value, **stored, session=session)


def end_tasks(run: Any, state: str) -> None:
    """Let the tasks of a run end that have not ended, but for its report."""
    from airflow.utils.session import create_session

    with create_session() as session:
        for one in session.merge(run).get_task_instances(session=session):
            if one.task_id != "report_run" and one.state not in ("failed", "success"):
                one.state = state


def test_an_incident_of_a_dag_lasts_until_a_scheduled_run_succeeds(
    report: Callable[..., None], webhook: WebhookServer
) -> None:
    report(3, RED, "manual")
    report(4, RED, "backfill")
    report(5, RED, is_cleared=True)
    assert webhook.texts == []

    report(0, RED)
    report(1, RED)
    assert len(webhook.texts) == 1
    assert "a run of clickstream_hourly failed" in webhook.titles[0]
    assert "hours_to_build, list_hosts did not" in webhook.texts[0]

    report(1, RED, is_cleared=True)
    report(0, GREEN, is_cleared=True)
    assert len(webhook.texts) == 1, "an older run is repaired, and the newest is still red"
    report(2, GREEN)
    assert len(webhook.texts) == 2
    assert "over: a run of clickstream_hourly failed" in webhook.titles[1]


def test_the_callback_reports_only_tasks_of_scheduled_runs_that_were_not_cleared(
    home: Path, webhook: WebhookServer
) -> None:
    from clickstream_airflow.defaults import report_failure

    for run_type, is_cleared in (("manual", False), ("backfill", False), ("scheduled", True)):
        run = build_run(run_type, logical_date=DUE, dag_id=HOURLY)
        instance = Instance(run.run_id, RED, is_cleared)
        report_failure({"dag_run": run, "ti": instance, "exception": KeyError("x"), "task": None})
    assert webhook.texts == []


def test_a_host_that_can_not_be_pulled_is_no_incident_of_the_dag(
    report: Callable[..., None], webhook: WebhookServer
) -> None:
    from clickstream.lake import pull_states
    from clickstream_airflow.lake import open_lake

    pull_states.record_failure(open_lake(), "web-1", "Can't list the logs. (CS-206)")
    of_host = {"pull_logs": "failed", "every_source_pulled": "upstream_failed"}
    report(6, of_host)
    report(7, {**of_host, "refresh_views": "failed"})
    assert ["host web-1" in one or "a run of" in one for one in webhook.titles] == [True, True]
    assert "every_source_pulled, pull_logs, refresh_views did not" in webhook.texts[1]
