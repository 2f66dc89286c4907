"""Scheduled runs wait, deferred, until the hour has settled; all other runs continue at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from tests.support.task_calls import Call, build_run, call

pytestmark = pytest.mark.airflow

ENDED = datetime(2026, 11, 20, 13, tzinfo=UTC)


def settles_at(run_type: str, minutes: int = 5, ended: datetime | None = ENDED) -> datetime | None:
    from clickstream_airflow.settle import settles_at as decide

    run: Any = SimpleNamespace(run_type=run_type, data_interval_end=ended, run_after=ENDED)
    return decide(run, minutes)


def test_a_scheduled_run_waits_from_the_end_of_its_hour() -> None:
    assert settles_at("scheduled") == ENDED + timedelta(minutes=5)
    assert settles_at("scheduled", 0) == ENDED
    assert settles_at("scheduled", ended=None) == ENDED + timedelta(minutes=5)


@pytest.mark.parametrize("run_type", ["manual", "backfill", "asset_triggered"])
def test_other_runs_never_wait(run_type: str) -> None:
    assert settles_at(run_type) is None


def scheduled(ended: datetime) -> dict[str, Any]:
    """Return the times of a scheduled run whose hour ended at a moment."""
    begun = ended - timedelta(hours=1)
    return {"logical_date": begun, "data_interval": (begun, ended), "run_after": ended}


def test_a_scheduled_run_is_deferred_to_the_triggerer_says_why_and_continues(
    airflow_home, home, tmp_path
) -> None:
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.models.trigger import Trigger
    from airflow.triggers.base import TriggerEvent
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from tests.support.airflow_worker import attempt, end_runs, sync_dags

    sync_dags()
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    run = SerializedDagModel.get_dag("clickstream_hourly").create_dagrun(
        run_id=f"scheduled__{ended.isoformat()}",
        run_type=DagRunType.SCHEDULED,
        triggered_by=DagRunTriggeredByType.TIMETABLE,
        state="running",
        **scheduled(ended),
    )
    made = attempt(run, "wait_until_settled", tmp_path)
    until = ended + timedelta(minutes=5)
    assert made.state == "deferred"
    assert (
        f"Waits until {until:%H:%M} UTC: web servers may still write lines of the last hour "
        "(5 minutes, [collect] settle_minutes)."
    ) in made.shown
    with create_session() as session:
        ti = session.merge(run).get_task_instance("wait_until_settled", session=session)
        trigger = session.get(Trigger, ti.trigger_id)
        assert trigger.classpath.endswith("DateTimeTrigger")
        assert trigger.kwargs["moment"] == until
    assert ti.next_method == "resume"
    assert timedelta() < ti.trigger_timeout.replace(tzinfo=UTC) - until <= timedelta(minutes=1.1)

    Trigger.submit_event(ti.trigger_id, TriggerEvent("now"))
    made = attempt(run, "wait_until_settled", tmp_path)
    assert made.state == "success"
    assert "The wait is over." in made.shown
    end_runs()


@pytest.fixture
def wait(bag, home, caplog) -> Any:
    """Return a function that calls the wait in a run."""
    caplog.set_level("INFO", logger="clickstream")
    task = bag.dags["clickstream_hourly"].get_task("wait_until_settled")

    def execute(run_type: str, ended: datetime) -> Call:
        context = {"dag_run": build_run(run_type, data_interval_end=ended), "task": task}
        return call(task.execute, context, context=context)

    return execute


def test_only_a_scheduled_run_that_is_not_cleared_later_waits(wait, caplog) -> None:
    assert wait("scheduled", datetime.now(UTC) - timedelta(minutes=6)).state == "success"
    assert "No wait: the wait would have ended at" in caplog.text
    assert wait("manual", datetime.now(UTC)).state == "success"
    assert "No wait: only scheduled runs wait." in caplog.text


def test_a_broken_setting_ends_the_wait_in_one_line(wait, home) -> None:
    settings = home / "clickstream.toml"
    settings.write_text(f"{settings.read_text()}[collect]\nsettle_minutes = 90\n")
    made = wait("scheduled", datetime.now(UTC))
    assert made.state == "failed"
    assert "settle_minutes" in made.last_line
