"""DAGs as a worker parses them, and what became of a run in the Airflow of the tests."""

from __future__ import annotations

from typing import Any

from tests.support.lake_settings import ROOT


def read_dag(dag_id: str) -> Any:
    """Parse a DAG file with the settings of the test; a run stores its form in the DAG."""
    from airflow.dag_processing.dagbag import DagBag

    return DagBag(dag_folder=ROOT / "dags" / f"{dag_id}.py").dags[dag_id]


def states(run: Any) -> dict[tuple[str, str], str]:
    """Return the state of each task, by its id and, for a mapped task, its name in the UI."""
    from airflow.utils.session import create_session

    with create_session() as session:
        tasks = session.merge(run).get_task_instances(session=session)
        return {(ti.task_id, ti.rendered_map_index or ""): ti.state for ti in tasks}
