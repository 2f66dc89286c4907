"""The wait of scheduled runs until web servers have written the last lines of the hour.

The hourly DAG imports this module at its top, so it imports no heavy package. A waiting task is
deferred: the triggerer waits for all of them, and they use no worker.
"""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.standard.triggers.temporal import DateTimeTrigger
from airflow.sdk import BaseOperator

from clickstream_airflow.failures import translate_errors

GRACE = timedelta(minutes=1)
"""The time after which Airflow ends a wait that its triggerer has not ended. The next attempt
continues at once. So a triggerer that is down delays an hour by a few minutes, but stops no run."""

log = logging.getLogger("clickstream")


class WaitUntilSettled(BaseOperator):
    """Wait until `[collect] settle_minutes` after the end of the hour, in scheduled runs only.

    A server writes a line after it has answered the request, and may keep lines in a buffer. So a
    pull right after the hour would miss most lines of its last minutes, and the next run would
    build the hour again. Manual runs and backfills build hours that ended long ago, so they do not
    wait. A task that is cleared later does not wait either.
    """

    @translate_errors
    def execute(self, context: Any) -> None:
        """Defer the task until the end of the wait, if it is in the future."""
        from clickstream import settings

        minutes = settings.load().collect.settle_minutes
        until = settles_at(context["dag_run"], minutes)
        if until is None:
            log.info("No wait: only scheduled runs wait.")
            return
        remaining = until - datetime.now(UTC)
        if remaining <= timedelta():
            log.info(f"No wait: the wait would have ended at {until:%H:%M} UTC.")
            return
        log.info(
            f"Waits until {until:%H:%M} UTC: web servers may still write lines of the last hour "
            f"({minutes} minutes, [collect] settle_minutes)."
        )
        trigger = DateTimeTrigger(moment=until)
        self.defer(trigger=trigger, method_name="resume", timeout=remaining + GRACE)

    def resume(self, context: Any, event: Any) -> None:  # noqa: ARG002, Airflow passes them
        """Continue after the wait."""
        log.info("The wait is over.")


def settles_at(run: Any, minutes: int) -> datetime | None:
    """Return the end of a run's wait; None for runs that do not wait."""
    if run.run_type != "scheduled":
        return None
    ended = run.data_interval_end or run.run_after
    settled: datetime = ended.astimezone(UTC) + timedelta(minutes=minutes)
    return settled
