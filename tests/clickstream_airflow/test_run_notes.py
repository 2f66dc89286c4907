"""The note of an hourly run, which the scheduler writes when the run starts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

pytestmark = pytest.mark.airflow

DUE = datetime(2026, 11, 20, 13, tzinfo=UTC)


@pytest.fixture(scope="module", autouse=True)
def dags(airflow_home) -> None:
    from tests.support.airflow_worker import end_runs, sync_dags, unpause

    sync_dags()
    end_runs()
    unpause("clickstream_hourly")
    unpause("clickstream_daily")


def start(**values: Any) -> str:
    """Create a queued run, let a real scheduler start it, and return its note."""
    from airflow.models.dagrun import DagRun
    from airflow.models.serialized_dag import SerializedDagModel
    from airflow.utils.session import create_session
    from airflow.utils.types import DagRunTriggeredByType, DagRunType
    from tests.support.airflow_worker import scheduler

    kind = {"run_type": DagRunType.MANUAL, "run_after": DUE, "dag_id": "clickstream_hourly"}
    asked = kind | values
    stored = SerializedDagModel.get_dag(asked.pop("dag_id"))
    run = stored.create_dagrun(
        triggered_by=DagRunTriggeredByType.REST_API,
        state="queued",
        **asked,
    )
    with scheduler() as runner, create_session() as session:
        runner._start_queued_dagruns(session)
    with create_session() as session:
        started = session.get(DagRun, run.id)
        assert started.state == "running"
        note = started.note
        started.state = "success"  # the next run can start
        return note


def test_the_note_says_that_the_run_of_13_builds_hour_12() -> None:
    note = start(run_id="manual__1")
    assert note == "This run builds hour 2026-11-20T12, from 12:00 to 13:00 UTC."


def test_the_note_names_the_hour_that_the_form_asks_for() -> None:
    assert "hour 2019-02-03T04," in start(run_id="manual__2", conf={"hour": "2019-02-03T04"})


def test_the_note_says_why_nothing_is_built() -> None:
    note = start(run_id="manual__3", conf={"hour": "2026-13-01T05"})
    assert note.startswith("This run builds nothing: '2026-13-01T05' is not an hour")


def test_a_note_of_a_person_stays() -> None:
    assert start(run_id="manual__4", note="after the outage") == "after the outage"


def test_other_dags_have_no_note() -> None:
    assert start(run_id="manual__5", dag_id="clickstream_daily") is None
