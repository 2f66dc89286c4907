"""Publication of built hours, and what follows it: views, facts, maintenance and retention."""

from clickstream.pipeline.publish.facts import FactsRefreshed, refresh_facts
from clickstream.pipeline.publish.late import LateHour
from clickstream.pipeline.publish.maintenance import compact_days, expire_snapshots, sweep_files
from clickstream.pipeline.publish.publish import (
    Due,
    build_hour,
    hours_to_build,
    refresh_views,
    register_tables,
)

__all__ = [
    "Due",
    "FactsRefreshed",
    "LateHour",
    "build_hour",
    "compact_days",
    "expire_snapshots",
    "hours_to_build",
    "refresh_facts",
    "refresh_views",
    "register_tables",
    "sweep_files",
]
