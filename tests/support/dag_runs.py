"""What became of a run of a DAG in the Airflow of the tests."""

from __future__ import annotations

from typing import Any


def states(run: Any) -> dict[tuple[str, str], str]:
    """Return the state of each task, by its id and, for a mapped task, its name in the UI."""
    from airflow.utils.session import create_session

    with create_session() as session:
        tasks = session.merge(run).get_task_instances(session=session)
        return {(ti.task_id, ti.rendered_map_index or ""): ti.state for ti in tasks}
