"""Refresh the dashboard's facts at the end of a run, for the DAGs that publish every hour."""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import Any

from clickstream_airflow.lake import open_lake

log = logging.getLogger("clickstream")

BACKFILL_APART = timedelta(seconds=15)
"""The pause between refreshes of the facts in a backfill. Without it, almost every one of 48 runs
refreshed the facts of the same two dates, which took longer than building the hours."""


def refresh_after_run(run: Any) -> dict[str, Any]:
    """Compute the fact files of the dates that changed, and return the result for XCom.

    In a backfill it pauses between refreshes, so that one refresh covers the changes of many runs.
    """
    from clickstream.pipeline.publish import facts

    apart = BACKFILL_APART if run.run_type == "backfill" else timedelta()
    refreshed = facts.refresh_facts(open_lake(), log.info, apart=apart)
    log.info(refreshed.sentence)
    return refreshed.as_dict()
