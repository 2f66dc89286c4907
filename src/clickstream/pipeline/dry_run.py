"""Dry runs: which hours a build publishes again and why, and how far the change can reach."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import timedelta

from clickstream.hours import Hour, describe_hours, hour_range
from clickstream.lake import Lake, hour_ledger
from clickstream.pipeline.reprocess import Standing
from clickstream.wording import quantity

ASKED = "up to date, built because the range names them"


def describe_build(lake: Lake, found: Sequence[Standing], todo: Collection[Hour]) -> list[str]:
    """Say what building the hours `todo` of a range publishes, one sentence for each reason.

    Which hours after them change as well, only building can tell: the last sentence is the bound.
    """
    if not todo:
        return ["Would build no hour."]
    reasons: dict[str, list[Hour]] = defaultdict(list)
    for one in found:
        if one.hour in todo:
            reasons[one.outdated or ASKED].append(one.hour)
    sentences = [
        f"Would build {quantity(len(hours), 'hour')} {reason}: {describe_hours(hours)}."
        for reason, hours in sorted(reasons.items())
    ]
    return [*sentences, describe_reach(lake, todo)]


def describe_reach(lake: Lake, hours: Collection[Hour]) -> str:
    """The bound of what is published again beside some hours that are built, in a sentence."""
    within = {hour for changed in hours for hour in affected_hours(changed)} - {*hours}
    published = hour_ledger.rows_of_hours(lake, within).keys()
    if not published:
        return "No other hour can change: none is published up to the second midnight after them."
    return (
        "Where sessions that cross into other hours change, those are published again as well: at "
        f"most {describe_hours(published)}. Only building can tell which."
    )


def affected_hours(changed: Hour) -> Sequence[Hour]:
    """The hours after a changed one that it can change: those up to the second midnight."""
    last = Hour.last_of(str(changed.event_date + timedelta(days=1)))
    return [*hour_range(changed.next, last)]
