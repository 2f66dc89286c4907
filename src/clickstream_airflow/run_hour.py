"""The hour that a run of `clickstream_hourly` builds, for all kinds of runs, and the run's note.

Airflow's UI names a run by the time at which it is due. The run of 13:00 builds the hour from 12:00
to 13:00, and only its note shows this.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from clickstream_airflow.defaults import HOURLY

if TYPE_CHECKING:
    from clickstream.core.hours import Hour

NOTE_BEGINS = "This run builds "


def resolve_hour(run: Any) -> Hour:
    """Return the UTC hour that a DAG run builds.

    The first of these values that the run has determines the hour:

    - the hour in the trigger form or in the run's configuration; ignored in a backfill, where each
      run builds its own hour
    - the partition key (Airflow 3.2 and later)
    - the start of the data interval: scheduled runs, backfills, and manual runs with a logical
      date, for which Airflow uses the last interval that was complete at that date
    - the last hour that was complete when the run was due

    Raises InputError if the named hour is not an hour.
    """
    from clickstream.core.hours import Hour

    asked_hour = None if run.run_type == "backfill" else _asked_hour(run)
    if named := asked_hour or getattr(run, "partition_key", None):
        return Hour.parse(named)
    if run.data_interval_start:
        return Hour.of(run.data_interval_start)
    return Hour.of(run.run_after).previous


def _asked_hour(run: Any) -> str | None:
    # The trigger form stores its fields in conf; params would add the defaults of empty fields.
    return (run.conf or {}).get("hour")


def describe_hour(run: Any) -> str:
    """Return the sentence that names the hour of a DAG run, for its note and its log."""
    from clickstream.core.errors import InputError

    try:
        hour = resolve_hour(run)
    except InputError as error:
        return f"{NOTE_BEGINS}nothing: {error.printed}"
    sentence = f"{NOTE_BEGINS}hour {hour}, from {hour.start:%H:%M} to {hour.end:%H:%M} UTC."
    if run.run_type == "backfill" and (ignored := _asked_hour(run)):
        sentence += (
            f" The field 'Hour to build' ({ignored}) is ignored, because this is a backfill."
        )
    return sentence


class NoteWriter:
    """Listener in the scheduler for runs that start, cleared runs included."""

    @hookimpl
    def on_dag_run_running(self, dag_run: Any) -> None:
        """Write the note of the run, unless a person has written one."""
        if dag_run.dag_id != HOURLY:
            return
        if not dag_run.note or dag_run.note.startswith(NOTE_BEGINS):
            dag_run.note = describe_hour(dag_run)
