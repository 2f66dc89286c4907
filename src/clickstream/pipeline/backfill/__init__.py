"""Backfills: build ranges of hours again, also with new visitor ids past their replay window."""

from clickstream.pipeline.backfill.backfill import (
    Backfill,
    Progress,
    Steps,
    left_to_the_run,
    outdated_views,
    plan_backfill,
    rebuild,
    track_progress,
)
from clickstream.pipeline.backfill.new_ids import (
    NewIds,
    give_new_visitor_ids,
    open_periods,
    plan_new_visitor_ids,
)

__all__ = [
    "Backfill",
    "NewIds",
    "Progress",
    "Steps",
    "give_new_visitor_ids",
    "left_to_the_run",
    "open_periods",
    "outdated_views",
    "plan_backfill",
    "plan_new_visitor_ids",
    "rebuild",
    "track_progress",
]
