"""The one order of steps for an hour and for a range of hours.

    pull ─▶ clean_hits ─▶ build_sessions ─▶ check_hour ─▶ register_tables ─▶ refresh_views

This is the only place that joins the pure steps with the lake. Every step may be killed and run
again at any point; what one step hands to the next is a `Staged`: addresses and counts, no rows.
"""

from clickstream.pipeline.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.findings import Finding
from clickstream.pipeline.mend import mend
from clickstream.pipeline.order import (
    build_hour,
    build_range,
    hours_left_waiting,
    hours_to_build,
    refresh_views,
    register_tables,
)
from clickstream.pipeline.pull import Pulled, pull
from clickstream.pipeline.records import Published, Staged
from clickstream.pipeline.verify import verify

__all__ = [
    "Finding",
    "Published",
    "Pulled",
    "Staged",
    "build_hour",
    "build_range",
    "build_sessions",
    "check_hour",
    "clean_hits",
    "hours_left_waiting",
    "hours_to_build",
    "mend",
    "pull",
    "refresh_views",
    "register_tables",
    "verify",
]
