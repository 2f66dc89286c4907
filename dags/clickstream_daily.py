"""Daily maintenance: compact past days, expire old snapshots, delete files that are not needed."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import dag, task
from airflow.timetables.interval import CronDataIntervalTimetable

from clickstream_airflow.defaults import DEFAULT_ARGS
from clickstream_airflow.failures import translate_errors
from clickstream_airflow.lake import open_lake

log = logging.getLogger("clickstream")

DOC = """
### What it makes
The same lake, smaller and quicker: one data file for each table and day that is over, no snapshots
older than queries can travel back to (`snapshot_days`), and none of the files that nothing refers
to. With `raw_days` in the settings, raw lines older than that go as well, and their hours are not
built any more. Files of older versions get the statistics by which queries skip files, 31 days of a
table in each run. No answer changes by it. `docs/maintenance.md` has the rules.

### When a red run may wait
* Always, for days: queries get slower and the bucket larger, nothing else.
* `compact_days` red with *holds other rows* or *should have … rows*: nothing was replaced, but run
  `clickstream verify` the same day.

### Where to look
The last line of a task's log says what it did, or what is wrong and what to do. `clickstream
maintain --dry-run` says what the next run would do.

### How to rerun
*Clear task* on the failed task, at any time, also beside hourly runs and backfills: what a build
changes meanwhile is left for the next run. A missed day needs no backfill, as every run does all
that is due.
"""


@task
@translate_errors
def compact_days() -> dict[str, Any]:
    """Replace the small data files of each table and past day by one file."""
    from clickstream import pipeline

    compacted = pipeline.compact_days(open_lake(), _now(), progress=log.info)
    log.info(compacted.sentence)
    return compacted.as_dict()


@task
@translate_errors
def expire_snapshots() -> dict[str, Any]:
    """Remove snapshots of the tables that are older than `snapshot_days`."""
    from clickstream import pipeline

    expired = pipeline.expire_snapshots(open_lake(), _now())
    log.info(expired.sentence)
    return expired.as_dict()


@task
@translate_errors
def sweep_files() -> dict[str, Any]:
    """Delete old files that no table refers to, and raw lines older than `raw_days`."""
    from clickstream import pipeline

    swept = pipeline.sweep_files(open_lake(), _now(), progress=log.info)
    log.info(swept.sentence)
    return swept.as_dict()


def _now() -> datetime:
    """Return the present time. Ages are counted from it, not from the date of the run."""
    return datetime.now(UTC)


@dag(
    description="Every day: compact small files, expire old snapshots, delete orphan files.",
    schedule=CronDataIntervalTimetable("30 3 * * *", timezone="UTC"),
    catchup=False,
    max_active_runs=1,
    default_args=dict(DEFAULT_ARGS),
    tags=["clickstream", "daily", "tier-3"],
    doc_md=DOC,
)
def clickstream_daily() -> None:
    """The DAG of the daily maintenance."""
    compact_days() >> expire_snapshots() >> sweep_files()


clickstream_daily()
