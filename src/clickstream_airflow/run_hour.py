"""The hour that a run of `clickstream_hourly` builds, however the run was started."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from clickstream.hours import Hour

NOTE_BEGINS = "This run builds "


def resolve_hour(run: Any) -> Hour:
    """Return the UTC hour that a DAG run builds.

    The first of these that the run has: the hour that the trigger form or the run's configuration
    names, except in a backfill, whose runs build an hour each; its partition key (Airflow 3.2 and
    later); the start of its data interval (scheduled and backfill runs, and manual runs with a
    logical date, for which Airflow takes the last interval that is complete by then); else the last
    hour complete when the run was due. Raises InputError if the named hour is not an hour.
    """
    from clickstream.hours import Hour

    asked = None if run.run_type == "backfill" else _asked_hour(run)
    if named := asked or getattr(run, "partition_key", None):
        return Hour.parse(named)
    if run.data_interval_start:
        return Hour.of(run.data_interval_start)
    return Hour.of(run.run_after).previous


def _asked_hour(run: Any) -> str | None:
    # The trigger form stores its fields in conf; params would only add their defaults.
    return (run.conf or {}).get("hour")


def describe_hour(run: Any) -> str:
    """Say which hour a DAG run builds, for its note and the first line of its log."""
    from clickstream.errors import InputError

    try:
        hour = resolve_hour(run)
    except InputError as error:
        return f"{NOTE_BEGINS}nothing: {error.printed}"
    sentence = f"{NOTE_BEGINS}hour {hour}, from {hour.start:%H:%M} to {hour.end:%H:%M} UTC."
    if run.run_type == "backfill" and (ignored := _asked_hour(run)):
        sentence += f" The field 'Hour to build' ({ignored}) is ignored: it is a run of a backfill."
    return sentence
