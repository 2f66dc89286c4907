"""Notes of the runs of `clickstream_hourly`: they name the hour that a run builds.

Airflow's UI names a run by the time at which it is due. The run of 13:00 builds the hour from 12:00
to 13:00, and only its note shows this.
"""

from __future__ import annotations

from typing import Any

from airflow.listeners import hookimpl

from clickstream_airflow.defaults import HOURLY
from clickstream_airflow.run_hour import NOTE_BEGINS, describe_hour


class NoteWriter:
    """Listener in the scheduler for runs that start, cleared runs included."""

    @hookimpl
    def on_dag_run_running(self, dag_run: Any) -> None:
        """Write the note of the run, unless a person has written one."""
        if dag_run.dag_id != HOURLY:
            return
        if not dag_run.note or dag_run.note.startswith(NOTE_BEGINS):
            dag_run.note = describe_hour(dag_run)
