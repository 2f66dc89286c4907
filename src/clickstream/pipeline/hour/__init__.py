"""One hour, from raw lines to checked rows in the staging area, and a range of hours in memory.

    clean_hits ─▶ build_sessions ─▶ check_hour

Each step passes a `CleanedHour` or a `StitchedHour` to the next one: keys and counts, no rows.
"""

from clickstream.pipeline.hour.build import (
    build_sessions,
    check_hour,
    clean_hits,
    clean_unless_staged,
    is_staged,
)
from clickstream.pipeline.hour.replay_window import check_replay_window
from clickstream.pipeline.hour.states import CleanedHour, Published, StitchedHour

__all__ = [
    "CleanedHour",
    "Published",
    "StitchedHour",
    "build_sessions",
    "check_hour",
    "check_replay_window",
    "clean_hits",
    "clean_unless_staged",
    "is_staged",
]
