"""Parts of a real Airflow for tests: a worker's attempt at a task with its log, and a scheduler."""

from __future__ import annotations

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from airflow.dag_processing.bundles.manager import DagBundlesManager
from airflow.dag_processing.dagbag import BundleDagBag, sync_bag_to_db
from airflow.models.dag import DagModel
from airflow.models.dagrun import DagRun
from airflow.models.serialized_dag import SerializedDagModel
from airflow.utils.session import create_session
from airflow.utils.types import DagRunTriggeredByType, DagRunType
from sqlalchemy import update


@dataclass(frozen=True)
class Attempt:
    """The end of one attempt: the task instance's state, and the lines of the log.

    A line is a dictionary as Airflow writes it, with `event`, `level`, `error_detail` and others.
    """

    state: str
    try_number: int
    lines: list[dict[str, Any]]

    @property
    def last_line(self) -> str:
        """The last line that Airflow's UI shows; marks of groups are none."""
        return self.shown[-1]

    @property
    def shown(self) -> list[str]:
        """What the UI shows, line by line: each event, then its exceptions with their frames."""
        shown = []
        for line in self.lines:
            if "group::" in line["event"]:
                continue
            shown.append(line["event"])
            for error in line.get("error_detail", []):
                shown.append(f"{error['exc_type']}: {error['exc_value']}")
                shown += [f"{frame['filename']}:{frame['lineno']}" for frame in error["frames"]]
        return shown

    @property
    def errors(self) -> list[str]:
        """The exceptions that the log shows, chained ones included."""
        return [e["exc_value"] for line in self.lines for e in line.get("error_detail", [])]


def sync_dags(bundle_name: str = "dags") -> dict[str, Any]:
    """Parse a bundle's DAGs and store them in Airflow's database, as the DAG processor does."""
    manager = DagBundlesManager()
    manager.sync_bundles_to_db()
    bundle = manager.get_bundle(bundle_name)
    bag = BundleDagBag(dag_folder=bundle.path, bundle_path=bundle.path, bundle_name=bundle.name)
    sync_bag_to_db(bag, bundle.name, None)
    return bag.dags


def unpause(dag_id: str) -> None:
    """Let a DAG be scheduled."""
    with create_session() as session:
        session.get(DagModel, dag_id).is_paused = False


def end_runs() -> None:
    """End the runs of other tests, which count as active."""
    with create_session() as session:
        active = DagRun.state.in_(["queued", "running"])
        session.execute(update(DagRun).where(active).values(state="failed"))


@contextmanager
def scheduler() -> Iterator[Any]:
    """A scheduler that is not running."""
    from airflow.jobs.job import Job
    from airflow.jobs.scheduler_job_runner import SchedulerJobRunner

    yield SchedulerJobRunner(job=Job())


def create_run(
    dag_id: str, due: datetime, conf: dict[str, Any] | None = None, run_type: str = "manual"
) -> DagRun:
    """Create a run as the trigger form does, or of another type, already running."""
    stored = SerializedDagModel.get_dag(dag_id)
    is_manual = run_type == "manual"
    by = DagRunTriggeredByType.REST_API if is_manual else DagRunTriggeredByType.TIMETABLE
    return stored.create_dagrun(
        run_id=f"{run_type}__{due.isoformat()}",
        logical_date=None if is_manual else due,
        data_interval=None if is_manual else (due, due),
        run_after=due,
        conf=conf,
        run_type=DagRunType(run_type),
        triggered_by=by,
        state="running",
    )


def attempt(run: DagRun, task_id: str, folder: Path, bundle: str = "dags") -> Attempt:
    """Let a worker make the next attempt of a task of a run; `folder` gets the log."""
    from airflow.executors.workloads import BundleInfo
    from airflow.executors.workloads import TaskInstance as Workload
    from airflow.sdk.execution_time.supervisor import InProcessTestSupervisor, supervise_task

    with create_session() as session:
        ti = session.merge(run).get_task_instance(task_id, session=session)
        ti.try_number += 1
        ti.state = "queued"
        session.commit()
        workload = Workload.model_validate(ti, from_attributes=True)
    log = folder / f"{run.run_id}.{task_id}.{ti.try_number}.log"
    with _no_garbage_collection():
        supervise_task(
            ti=workload,
            bundle_info=BundleInfo(name=bundle),
            dag_rel_path=f"{run.dag_id}.py",
            token="",
            log_path=str(log),
            client=InProcessTestSupervisor._api_client(),
        )
    with create_session() as session:
        # A task that is tried again has got another id.
        after = session.merge(run).get_task_instance(task_id, session=session)
        lines = [json.loads(line) for line in log.read_text().splitlines()]
        return Attempt(str(after.state), after.try_number, lines)


@contextmanager
def _no_garbage_collection() -> Iterator[None]:
    """Keep forks from collecting garbage of this process.

    The end of a DuckDB connection of an earlier test waits for its threads, which a fork lacks.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
