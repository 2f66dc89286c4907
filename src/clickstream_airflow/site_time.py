"""The site's time zone for the schedules of DAG files.

It is read when a DAG file is parsed, which costs 25 ms: the settings import nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass

UTC = "UTC"


@dataclass(frozen=True)
class SiteTime:
    """The name of the time zone, and why it could not be read; `problem` is empty if it could."""

    zone: str
    problem: str = ""


def read_site_time() -> SiteTime:
    """Read `[site] time_zone`; UTC and the reason if the settings can't be read.

    A DAG whose file fails disappears from Airflow's list. So the DAG stays, its page says what is
    wrong, and its task fails with the same reason.
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
