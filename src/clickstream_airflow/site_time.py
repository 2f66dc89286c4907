"""The site's time zone, for the schedules of DAG files.

A DAG file reads it at each parse, which costs 25 ms: the settings import no heavy package.
"""

from __future__ import annotations

from dataclasses import dataclass

UTC = "UTC"


@dataclass(frozen=True)
class SiteTime:
    """The name of a time zone, and the reason if it could not be read (else empty)."""

    zone: str
    problem: str = ""


def read_site_time() -> SiteTime:
    """Read `[site] time_zone`; return UTC and the reason if the settings can't be read.

    If a DAG file raised an error, its DAG would disappear from Airflow's list. This way the DAG
    stays, its page shows the reason, and its task fails with the same reason.
    """
    from clickstream import settings
    from clickstream.errors import ClickstreamError

    try:
        return SiteTime(settings.load().site.time_zone)
    except (ClickstreamError, OSError) as error:
        text = error.printed if isinstance(error, ClickstreamError) else str(error)
        reason = " ".join(text.split())
        return SiteTime(
            UTC, f"**The settings can't be read, so the schedule is in UTC.** `{reason}`\n"
        )
