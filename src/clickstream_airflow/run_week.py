"""The week that a run of `clickstream_digest` mails, for all kinds of runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from clickstream.dashboard.digest import Week


def resolve_week(run: Any, zone: ZoneInfo) -> Week:
    """Return the week that a DAG run mails, by the dates of the site's time zone.

    The first of these values that the run has determines the week:

    - the week in the trigger form; ignored in a backfill, where each run has its own week
    - the last week that was complete at the end of the data interval (scheduled and backfill runs)
    - the last week that was complete when the run was due

    Raises InputError if the named week is not a week.
    """
    from clickstream.dashboard.digest import Week

    if named := asked_week(run):
        return Week.parse(named)
    is_manual = run.run_type == "manual"
    due: datetime = run.run_after if is_manual else run.data_interval_end or run.run_after
    return Week.last_complete(due, zone)


def asked_week(run: Any) -> str | None:
    """Return the week in the trigger form; None if it is empty, and in a backfill."""
    return None if run.run_type == "backfill" else (run.conf or {}).get("week")


def is_asked_again(run: Any) -> bool:
    """Whether the form requests a second mail although one was sent or may have been sent."""
    return run.run_type != "backfill" and bool((run.conf or {}).get("send_again"))
