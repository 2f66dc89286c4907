"""The hour a run is for, asked by a task inside runs that Airflow itself made."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace

import pendulum
import pytest

from clickstream.errors import InputError

pytestmark = pytest.mark.airflow


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture(scope="module")
def dag(airflow_home):
    from airflow.dag_processing.bundles.manager import DagBundlesManager
    from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db

    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    bundle = manager.get_bundle("probe")
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, None)
    return bag.dags["which_hour"]


def work_off(dag, run) -> str:
    """Run the run's one task the way a worker does, and read what it answered."""
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
    """The run that the scheduler makes after the one whose interval began at `last`."""
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


def backfill_runs(first: datetime, last: datetime):
    from airflow.models.backfill import ReprocessBehavior, _create_backfill
    from airflow.models.dagrun import DagRun
    from airflow.utils.session import create_session
    from sqlalchemy import select

    backfill = _create_backfill(
        dag_id="which_hour",
        from_date=first,
        to_date=last,
        max_active_runs=1,
        reverse=False,
        dag_run_conf=None,
        triggering_user_name="tests",
        reprocess_behavior=ReprocessBehavior.NONE,
    )
    with create_session() as session:
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
def test_the_hour_someone_asks_for_goes_before_every_date(dag, logical_date) -> None:
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


def context(**run) -> dict[str, object]:
    """The context of a run as Airflow 3.2 and later make it for a partitioned schedule."""
    empty = {"conf": None, "data_interval_start": None, "run_after": at("2026-11-24T12:00")}
    return {"dag_run": SimpleNamespace(**(empty | run))}


def test_a_partitioned_run_is_for_its_key() -> None:
    from clickstream_dags import resolve_hour

    assert str(resolve_hour(context(partition_key="2026-11-24T03:00:00"))) == "2026-11-24T03"


def test_a_key_that_is_no_hour_is_refused() -> None:
    from clickstream_dags import resolve_hour

    with pytest.raises(InputError, match="write it like"):
        resolve_hour(context(partition_key="cafe"))


def test_an_interval_that_starts_within_an_hour_is_aligned() -> None:
    from clickstream_dags import resolve_hour

    moment = at("2026-11-24T09:30")
    assert str(resolve_hour(context(data_interval_start=moment))) == "2026-11-24T09"
