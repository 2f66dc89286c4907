"""The hour that a run builds, computed by a task inside runs that Airflow creates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pendulum
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clickstream.core.errors import InputError
from clickstream.core.hours import Hour

pytestmark = pytest.mark.airflow

ONE_HOUR = timedelta(hours=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def dag(airflow_home):
    from tests.support.airflow_worker import sync_dags

    return sync_dags("probe")["which_hour"]


def work_off(dag, run) -> str:
    """Run the only task of a run as a worker does, and return its result."""
    from airflow.sdk.definitions.dag import _run_task
    from airflow.utils.session import create_session

    with create_session() as session:
        run = session.merge(run)
        run.dag = dag_in_database()
        run.verify_integrity(dag_version_id=run.created_dag_version_id, session=session)
        (ti,) = run.get_task_instances(session=session)
        ti.try_number = 1
        session.commit()
        _run_task(ti=ti, task=dag.get_task("resolve"))
    return answer(run)


def answer(run) -> str:
    from airflow.utils.session import create_session

    with create_session() as session:
        (ti,) = session.merge(run).get_task_instances(session=session)
        assert ti.state == "success"
        return ti.xcom_pull(task_ids="resolve", session=session)


def dag_in_database():
    from airflow.models.serialized_dag import SerializedDagModel

    return SerializedDagModel.get_dag("which_hour")


def scheduled_run(last: datetime):
    """Return the run that the scheduler creates after the one whose interval began at `last`."""
    from airflow.timetables.base import DataInterval, TimeRestriction
    from airflow.utils.types import DagRunTriggeredByType, DagRunType

    stored = dag_in_database()
    last = pendulum.instance(last)
    info = stored.timetable.next_dagrun_info(
        last_automated_data_interval=DataInterval(last, last.add(hours=1)),
        restriction=TimeRestriction(None, None, catchup=True),
    )
    return stored.create_dagrun(
        run_id=f"scheduled__{info.run_after.isoformat()}",
        logical_date=info.logical_date,
        data_interval=info.data_interval,
        run_after=info.run_after,
        run_type=DagRunType.SCHEDULED,
        triggered_by=DagRunTriggeredByType.TIMETABLE,
        state="running",
    )


def backfill_runs(first: datetime, last: datetime, **options):
    from airflow.models.backfill import Backfill, ReprocessBehavior, _create_backfill
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    asked = {"dag_run_conf": None, "reprocess_behavior": ReprocessBehavior.NONE} | options
    backfill = _create_backfill(
        dag_id="which_hour",
        from_date=first,
        to_date=last,
        max_active_runs=1,
        reverse=False,
        triggering_user_name="tests",
        **asked,
    )
    with create_session() as session:
        closed = session.get(Backfill, backfill.id)
        closed.completed_at = at("2026-11-25T00:00")  # Airflow allows one at a time
        chosen = select(DagRun).where(DagRun.backfill_id == backfill.id)
        return session.scalars(chosen.order_by(DagRun.logical_date)).all()


def test_a_scheduled_run_is_for_the_hour_that_just_ended(dag) -> None:
    run = scheduled_run(last=at("2026-11-20T08:00"))
    assert run.run_after == at("2026-11-20T10:00")
    assert work_off(dag, run) == "2026-11-20T09"


def test_each_run_of_a_backfill_is_for_its_own_hour(dag) -> None:
    runs = backfill_runs(at("2026-10-01T22:00"), at("2026-10-02T01:00"))
    hours = ["2026-10-01T22", "2026-10-01T23", "2026-10-02T00", "2026-10-02T01"]
    assert [work_off(dag, run) for run in runs] == hours


def test_each_run_of_a_backfill_is_for_its_own_hour_whatever_the_form_says(dag) -> None:
    asked = {"hour": "2019-02-03T04"}
    runs = backfill_runs(at("2026-10-03T22"), at("2026-10-03T23"), dag_run_conf=asked)
    assert [run.conf for run in runs] == [asked] * 2
    assert [work_off(dag, run) for run in runs] == ["2026-10-03T22", "2026-10-03T23"]


def test_a_manual_run_that_a_backfill_repeats_is_for_the_hour_of_the_backfill(dag) -> None:
    from airflow.models.backfill import ReprocessBehavior

    hour = at("2026-10-04T05:00")
    by_hand = dag.test(logical_date=hour, run_conf={"hour": "2019-02-03T04"})
    (run,) = backfill_runs(hour, hour, reprocess_behavior=ReprocessBehavior.COMPLETED)
    assert (run.run_id, run.conf) == (by_hand.run_id, {"hour": "2019-02-03T04"})
    assert resolve(run) == "2026-10-04T04"


@pytest.mark.parametrize(
    ("logical_date", "expected"),
    [
        ("2026-11-21T10:30", "2026-11-21T09"),
        ("2026-11-21T10:00", "2026-11-21T09"),
        ("2026-11-21T00:59:59", "2026-11-20T23"),
    ],
)
def test_a_manual_or_test_run_takes_the_last_hour_complete_by_its_logical_date(
    dag, logical_date, expected
) -> None:
    run = dag.test(logical_date=at(logical_date))
    assert answer(run) == expected


def test_a_run_without_logical_date_takes_the_last_hour_complete_when_it_was_due(dag) -> None:
    run = dag.test(logical_date=None, run_after=at("2026-11-22T00:20"))
    assert run.data_interval_start is None
    assert answer(run) == "2026-11-21T23"


@pytest.mark.parametrize("logical_date", [None, at("2026-11-23T10:30")])
def test_the_hour_of_the_form_has_priority_over_every_date(dag, logical_date) -> None:
    run = dag.test(
        logical_date=logical_date,
        run_after=at("2026-11-23T12:00"),
        run_conf={"hour": "2019-02-03T04"},
    )
    assert answer(run) == "2019-02-03T04"


@pytest.mark.parametrize("wrong", ["yesterday", "2026-11-20", "2026-11-20T05:30", 5])
def test_the_trigger_form_refuses_what_is_no_hour(dag, wrong) -> None:
    from airflow.sdk.exceptions import ParamValidationError

    with pytest.raises(ParamValidationError):
        dag.params.get_param("hour").resolve(wrong)


def resolve(run) -> str:
    from clickstream_airflow.run_hour import resolve_hour

    return str(resolve_hour(run))


def a_run(**values):
    """Return a run as in Airflow's scheduler, without a database."""
    from airflow.models.dagrun import DagRun

    empty = {"run_type": "manual", "run_after": at("2026-11-24T12:00"), "data_interval": None}
    values = empty | values
    interval = values["data_interval"]
    return DagRun(dag_id="which_hour", logical_date=interval and interval[0], **values)


def test_a_partitioned_run_is_for_its_key() -> None:
    assert resolve(a_run(partition_key="2026-11-24T03:00:00")) == "2026-11-24T03"


def test_a_key_that_is_no_hour_is_refused() -> None:
    with pytest.raises(InputError, match="write it like"):
        resolve(a_run(partition_key="cafe"))


def test_an_interval_that_starts_within_an_hour_is_aligned() -> None:
    moment = at("2026-11-24T09:30")
    assert resolve(a_run(data_interval=(moment, moment + ONE_HOUR))) == "2026-11-24T09"


HOURS = st.datetimes(datetime(2000, 1, 1), datetime(2035, 1, 1)).map(
    lambda moment: moment.replace(minute=0, second=0, microsecond=0, tzinfo=UTC)
)


@given(
    run_type=st.sampled_from(["manual", "scheduled", "backfill", "asset_triggered"]),
    asked=st.none() | HOURS,
    conf=st.dictionaries(st.just("reason"), st.text()),
    start=st.none() | HOURS,
    due=HOURS,
    minutes=st.integers(0, 59),
)
def test_the_hour_follows_one_rule_for_every_run(
    run_type, asked, conf, start, due, minutes
) -> None:
    if asked:
        conf = conf | {"hour": str(Hour.of(asked))}
    run = a_run(
        run_type=run_type,
        conf=conf,
        run_after=due + timedelta(minutes=minutes),
        data_interval=(start, start + ONE_HOUR) if start else None,
    )
    is_asked = asked and run_type != "backfill"
    expected = asked if is_asked else start or due - ONE_HOUR
    assert resolve(run) == str(Hour.of(expected))
    from clickstream_airflow.run_hour import describe_hour

    note = describe_hour(run)
    assert f"This run builds hour {Hour.of(expected)}, from {expected:%H}:00" in note
    assert ("is ignored" in note) == bool(asked and run_type == "backfill")
