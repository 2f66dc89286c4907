"""Scheduled runs wait, deferred, until the hour has settled; all other runs continue at once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

ENDED = datetime(2026, 11, 20, 13, tzinfo=UTC)
NUMBERS = count(1)


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


@pytest.fixture
def attempt_of_run(airflow_home, home, tmp_path) -> Any:
    """Return a function in which a worker attempts the wait of a scheduled run."""
    from airflow.models.serialized_dag import SerializedDagModel
    from tests.support.airflow_worker import attempt, end_runs, sync_dags

    sync_dags()

    def create(ended: datetime, run_type: str = "scheduled") -> Any:
        from airflow.utils.types import DagRunTriggeredByType, DagRunType

        begun = ended - timedelta(hours=1, microseconds=next(NUMBERS))
        return SerializedDagModel.get_dag("clickstream_hourly").create_dagrun(
            run_id=f"{run_type}__{ended.isoformat()}-{next(NUMBERS)}",
            logical_date=begun,
            data_interval=(begun, ended),
            run_after=ended,
            run_type=DagRunType(run_type),
            triggered_by=DagRunTriggeredByType.TIMETABLE,
            state="running",
        )

    def make(ended: datetime, run_type: str = "scheduled") -> tuple[Any, Any]:
        run = create(ended, run_type)
        return run, attempt(run, "wait_until_settled", tmp_path)

    yield make
    end_runs()


def trigger_of(run: Any) -> Any:
    from airflow.models.trigger import Trigger
    from airflow.utils.session import create_session

    with create_session() as session:
        ti = session.merge(run).get_task_instance("wait_until_settled", session=session)
        found = session.get(Trigger, ti.trigger_id)
        return ti, found.classpath, found.kwargs


def test_a_scheduled_run_is_deferred_to_the_triggerer_and_says_why(attempt_of_run) -> None:
    ended = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=1)
    run, made = attempt_of_run(ended)
    until = ended + timedelta(minutes=5)
    assert made.state == "deferred"
    assert (
        f"Waits until {until:%H:%M} UTC: web servers may still write lines of the last hour "
        "(5 minutes, [collect] settle_minutes)."
    ) in made.shown
    ti, classpath, arguments = trigger_of(run)
    assert classpath.endswith("DateTimeTrigger")
    assert arguments["moment"] == until
    assert ti.next_method == "resume"
    assert timedelta() < ti.trigger_timeout.replace(tzinfo=UTC) - until <= timedelta(minutes=1.1)


def test_the_wait_ends_when_the_triggerer_sees_the_moment(attempt_of_run, tmp_path) -> None:
    from airflow.models.trigger import Trigger
    from airflow.triggers.base import TriggerEvent
    from tests.support.airflow_worker import attempt

    run, _ = attempt_of_run(datetime.now(UTC))
    Trigger.submit_event(trigger_of_id(run), TriggerEvent("now"))
    made = attempt(run, "wait_until_settled", tmp_path)
    assert made.state == "success"
    assert "The wait is over." in made.shown


def trigger_of_id(run: Any) -> int:
    return int(trigger_of(run)[0].trigger_id)


def test_a_run_that_is_cleared_later_does_not_wait(attempt_of_run) -> None:
    _, made = attempt_of_run(datetime.now(UTC) - timedelta(minutes=6))
    assert made.state == "success"
    assert any(line.startswith("No wait: the wait would have ended at") for line in made.shown)


def test_a_manual_run_does_not_wait(attempt_of_run) -> None:
    _, made = attempt_of_run(datetime.now(UTC), "manual")
    assert made.state == "success"
    assert "No wait: only scheduled runs wait." in made.shown


def test_a_broken_setting_ends_the_wait_in_one_line(attempt_of_run, home) -> None:
    settings = home / "clickstream.toml"
    settings.write_text(f"{settings.read_text()}[collect]\nsettle_minutes = 90\n")
    _, made = attempt_of_run(datetime.now(UTC))
    assert made.state == "failed"
    assert "settle_minutes" in made.last_line
