"""One alert for all red tasks of a scheduled run, one recovery; none for other and cleared runs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.webhook_server import WebhookServer, webhook_server

pytestmark = pytest.mark.airflow

DUE = datetime(2026, 11, 22, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def webhook(monkeypatch: pytest.MonkeyPatch) -> Iterator[WebhookServer]:
    with webhook_server() as server:
        monkeypatch.setenv("CLICKSTREAM_ALERTS__WEBHOOK", server.url)
        yield server


class Worker:
    """Creates runs of `clickstream_hourly` and makes attempts of their tasks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def run(self, number: int, run_type: str = "scheduled") -> Any:
        from tests.support.airflow_worker import create_run

        return create_run("clickstream_hourly", DUE + number * HOUR, run_type=run_type)

    def attempt(self, run: Any, task_id: str) -> Any:
        from tests.support.airflow_worker import attempt

        return attempt(run, task_id, self.folder)

    def push(self, run: Any, task_id: str, value: Any, map_index: int) -> None:
        """Add an instance of a mapped task, with what it returned."""
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

    def set_states(self, run: Any, task_ids: Sequence[str], state: str) -> None:
        from airflow.utils.session import create_session

        with create_session() as session:
            for one in session.merge(run).get_task_instances(session=session):
                if one.task_id in task_ids:
                    one.state = state

    def end(self, run: Any, state: str) -> None:
        """Let the other tasks of a run end, and report the run."""
        from airflow.utils.session import create_session

        with create_session() as session:
            for one in session.merge(run).get_task_instances(session=session):
                if one.task_id != "report_run" and one.state not in ("failed", "success"):
                    one.state = state
        made = self.attempt(run, "report_run")
        assert made.state == "success", "\n".join(made.shown)

    def clear(self, run: Any) -> None:
        from airflow.models.taskinstance import clear_task_instances
        from airflow.utils.session import create_session

        with create_session() as session:
            clear_task_instances(session.merge(run).get_task_instances(session=session), session)


@pytest.fixture
def worker(airflow_home, home: Path, tmp_path: Path) -> Iterator[Worker]:
    from tests.support.airflow_worker import end_runs, sync_dags

    sync_dags()
    yield Worker(tmp_path)
    end_runs()


def test_an_incident_of_a_dag_lasts_until_a_scheduled_run_succeeds(
    worker: Worker, webhook: WebhookServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CLICKSTREAM_SOURCES", "[]")
    for other in (worker.run(3, "manual"), worker.run(4, "backfill")):
        assert worker.attempt(other, "list_hosts").state == "failed"
        worker.end(other, "upstream_failed")
    assert webhook.texts == []

    first, second = worker.run(0), worker.run(1)
    for run in (first, second):
        made = worker.attempt(run, "list_hosts")
        assert "CS-201" in made.last_line
        worker.end(run, "upstream_failed")
    assert len(webhook.texts) == 1
    assert "a run of clickstream_hourly failed" in webhook.titles[0]
    assert "No source is set" in webhook.texts[0]
    assert "runbook.md#cs-201" in webhook.texts[0]

    worker.clear(second)
    assert worker.attempt(second, "list_hosts").state == "failed"
    worker.end(second, "upstream_failed")
    assert len(webhook.texts) == 1

    worker.clear(first)
    worker.end(first, "success")
    assert len(webhook.texts) == 1, "an older run is repaired, and the newest is still red"
    worker.end(worker.run(2), "success")
    assert len(webhook.texts) == 2
    assert "over: a run of clickstream_hourly failed" in webhook.titles[1]


def test_a_host_that_can_not_be_pulled_is_no_incident_of_the_dag(
    worker: Worker, webhook: WebhookServer
) -> None:
    from clickstream.lake import collection
    from clickstream_airflow.lake import open_lake

    collection.record_failure(open_lake(), "web-1", "Can't list the logs. (CS-206)")
    for number, failed in ((6, ["pull_logs"]), (7, ["pull_logs", "refresh_views"])):
        run = worker.run(number)
        worker.set_states(run, [*failed, "every_source_pulled"], "failed")
        worker.end(run, "success")
    assert ["host web-1" in one or "a run of" in one for one in webhook.titles] == [True, True]
    assert "every_source_pulled, pull_logs, refresh_views did not" in webhook.texts[1]


def test_a_run_sends_its_metrics_and_stores_them(worker: Worker, home: Path) -> None:
    from clickstream.lake import objects
    from clickstream.pipeline.proof.metrics import RUN_KEY
    from clickstream_airflow.lake import refer_to_lake

    for number, lines in enumerate(([], [7], [7, 20, 3]), 10):  # of no host, of one, and of three
        run = worker.run(number)
        for place, of_host in enumerate(lines):
            worker.push(run, "pull_logs", {"lines": of_host}, place)
        worker.end(run, "success")
        stored = objects.get(refer_to_lake(), RUN_KEY)
        assert stored is not None
        found = json.loads(stored.body)
        assert found.pop("seconds") > 0
        assert found == {"lines_pulled": sum(lines), "lines_rejected": 0, "late_lines": 0}
