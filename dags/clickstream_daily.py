"""Every day: compact past days, expire snapshots, delete unneeded files; verify the last days."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import DEFAULT_ARGS
from clickstream_airflow.failures import translate_errors
from clickstream_airflow.lake import open_lake
from clickstream_airflow.shared_tasks import report_run

log = logging.getLogger("clickstream")

DOC = """
### What it does
Maintains the tables of the lake, so that queries are fast and the bucket stays small:

* `compact_days` writes one data file for each table and each past day.
* `expire_snapshots` removes Iceberg snapshots older than `snapshot_days`.
* `verify_days` checks the hours, sales and matches of the last three days. It is green also if it
  finds something: a finding opens an incident (`docs/alerts.md`).
* `sweep_files` deletes files that no table refers to. If `raw_days` is set, it also deletes raw
  lines that are older. Their hours can't be built again.

Queries use statistics of the data files to skip files. Data files that an older version wrote
without them are written again, up to 31 days of each table in a run. Maintenance does not change
the result of any query. `docs/maintenance.md` has the rules.

### How urgent a red run is
* It can wait for days: queries get slower and the bucket larger, nothing else.
* If `compact_days` ends with `CS-307`, nothing was replaced, but run `clickstream verify --deep`
  the same day.

### Where to look
The last line of a task's log says what the task did, or what is wrong and what to do. It ends with
a code that `docs/runbook.md` explains. `clickstream maintain --dry-run` shows what the next run
would do.

### How to rerun
*Clear task* on the failed task, at any time, also while hourly runs and backfills are running. Days
that a build changes in the meantime are left for the next run. A missed day needs no backfill,
because every run does all the work that is due.
"""


@task
@translate_errors
def compact_days() -> dict[str, Any]:
    """Replace the small data files of each table and past day by one file."""
    from clickstream.pipeline.publish import maintenance

    compacted = maintenance.compact_days(open_lake(), _now(), progress=log.info)
    log.info(compacted.sentence)
    return compacted.as_dict()


@task
@translate_errors
def expire_snapshots() -> dict[str, Any]:
    """Remove snapshots of the tables that are older than `snapshot_days`."""
    from clickstream.pipeline.publish import maintenance

    expired = maintenance.expire_snapshots(open_lake(), _now())
    log.info(expired.sentence)
    return expired.as_dict()


@task
@translate_errors
def sweep_files() -> dict[str, Any]:
    """Delete old files that no table refers to, and raw lines older than `raw_days`."""
    from clickstream.pipeline.publish import maintenance

    swept = maintenance.sweep_files(open_lake(), _now(), progress=log.info)
    log.info(swept.sentence)
    return swept.as_dict()


@task
@translate_errors
def verify_days() -> None:
    """Verify the hours, sales and matches of the last days, and record what is wrong for alerts."""
    from clickstream.pipeline.proof import verify

    verified = verify.verify_days(open_lake(), _now())
    for sentence in verified.sentences:
        log.info(sentence)
    for failure in verified.failures:
        log.error(failure)
    log.info(
        "Nothing is wrong." if not verified.failures else "To repair hours: clickstream repair"
    )


def _now() -> datetime:
    """Return the present time. Ages are counted from it, not from the date of the run."""
    return datetime.now(UTC)


@dag(
    description="Every day: compact small files, expire snapshots, delete orphan files, verify.",
    schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["clickstream", "daily", "tier-3"],
    doc_md=DOC,
)
def clickstream_daily() -> None:
    """The DAG of the daily maintenance."""
    swept = compact_days() >> expire_snapshots() >> sweep_files()
    [swept, verify_days()] >> report_run().as_teardown()


clickstream_daily()
