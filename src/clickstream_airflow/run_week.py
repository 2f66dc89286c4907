"""The week that a run of `clickstream_digest` mails, however the run was started."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

if TYPE_CHECKING:
    from clickstream.dashboard.digest import Week


def resolve_week(run: Any, zone: ZoneInfo) -> Week:
    """Return the week that a DAG run mails, by the dates of the site's time zone.

    The first of these that the run has: the week that the trigger form names, except in a backfill,
    whose runs are for a week each; the last week complete at the end of its data interval
    (scheduled and backfill runs); else the last one complete when the run was due. Raises
    InputError if the named week is not a week.
    """
    from clickstream.dashboard.digest import Week

    if named := asked_week(run):
        return Week.parse(named)
    is_manual = run.run_type == "manual"
    due: datetime = run.run_after if is_manual else run.data_interval_end or run.run_after
    return Week.last_complete(due, zone)


def asked_week(run: Any) -> str | None:
    """The week that the form names; None in a backfill."""
    return None if run.run_type == "backfill" else (run.conf or {}).get("week")


def is_asked_again(run: Any) -> bool:
    """Whether the form asks to send the mail though it was sent, or may have been sent."""
    return run.run_type != "backfill" and bool((run.conf or {}).get("send_again"))
