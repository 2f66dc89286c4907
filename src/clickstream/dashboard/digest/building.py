"""Builds the content of a week's mail from a lake."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from clickstream.dashboard.digest.content import Digest, build_content
from clickstream.dashboard.digest.facts import open_page
from clickstream.dashboard.digest.week import Week
from clickstream.errors import InputError
from clickstream.lake import Lake


def check_week(week: Week, moment: datetime, zone: ZoneInfo) -> None:
    """Raise InputError for a week that is not over at `moment` (with time zone)."""
    if moment < week.ends_at(zone):
        last = Week.last_complete(moment, zone)
        raise InputError(
            f"{week} is not over yet. Name a week up to {last}, the last complete one."
        )


def build_digest(lake: Lake, week: Week, moment: datetime) -> Digest:
    """Build the content of a week's mail as of `moment` (with time zone).

    Raises InputError for a week that is not over, EmptyWeek if none of its hours is published.
    """
    check_week(week, moment, ZoneInfo(lake.settings.site.time_zone))
    with open_page(lake, week, moment) as page:
        return build_content(page, week)
