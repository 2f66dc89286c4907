"""Late hours: published hours with late lines, and the lines that wait past the replay window.

Hourly runs, `status` and the retention of raw lines use it.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from clickstream import parse
from clickstream.core.hours import Hour
from clickstream.core.wording import quantity
from clickstream.lake import Lake, hour_ledger, raw
from clickstream.lake.hour_ledger import LedgerRow
from clickstream.pipeline.hour.replay_window import ReplayWindow
from clickstream.step_config import log_format_of


@dataclass(frozen=True)
class LateHour:
    """A published hour with raw objects that it was not built from.

    `raw_objects` is the number of these objects. `lines` is their number of lines, if the ledger
    has it: lines are counted only for hours past their replay window, because the other hours are
    built again soon. An hour whose raw lines are deleted (`has_lost_raw`) can't be built, and may
    be unpublished.
    """

    hour: Hour
    raw_objects: int
    lines: int | None
    is_past_window: bool
    has_lost_raw: bool = False
    is_published: bool = True

    @property
    def sentence(self) -> str:
        """The lines that wait for an hour past its window, and the command that builds them."""
        lines = quantity(self.lines, "line") if self.lines is not None else "Lines"
        what_to_do = (
            "They stay in the raw store: its other raw lines are deleted, so it can't be built."
            if self.has_lost_raw
            else f"To add them: clickstream build {self.hour} {self.hour} --new-visitor-ids."
        )
        return (
            f"Hour {self.hour} is past its replay window: {lines} in "
            f"{quantity(self.raw_objects, 'raw object')} came late and wait. {what_to_do}"
        )


def late_hours(lake: Lake, hours: Collection[Hour]) -> list[LateHour]:
    """Return which of the hours with waiting lines are published, or have lost raw lines.

    They are in order. Only the ledger's rows of these hours are read, however far apart they are.
    """
    window = ReplayWindow(lake)
    rows = hour_ledger.rows_of_hours(lake, hours)
    lost = {hour for hour in hours if window.has_lost_raw(hour)}
    rows |= {hour: LedgerRow({}) for hour in lost - rows.keys()}
    past = {hour for hour, _ in window.refused(rows)}
    marks = raw.pending_by_hour(lake, min(past), max(past)) if past else {}
    late = []
    for hour, row in sorted(rows.items()):
        number = len(marks.get(hour, ()))
        is_counted = bool(row.values) and row.values["waiting_objects"] == number
        lines = row.values["waiting_lines"] if is_counted else None
        late.append(LateHour(hour, number, lines, hour in past, hour in lost, bool(row.values)))
    return late


def record_waiting_lines(lake: Lake, late: Sequence[LateHour]) -> list[LateHour]:
    """Count the lines of late hours past their window, and write the numbers to the ledger.

    Each raw object is read once: an hour whose number is recorded is skipped. If another process
    changes the ledger's date meanwhile, the next run records it. An unpublished hour has no row, so
    its lines are not counted.
    """
    counted = [
        late_hour
        if late_hour.lines is not None or not late_hour.is_published
        else _count(lake, late_hour)
        for late_hour in late
    ]
    new = [
        late_hour for late_hour, before in zip(counted, late, strict=True) if late_hour != before
    ]
    for _, of_date in groupby(new, lambda late_hour: late_hour.hour.event_date):
        _record(lake, [*of_date])
    return counted


def _count(lake: Lake, late: LateHour) -> LateHour:
    """Count the lines that wait; a pending marker without its raw object is ignored."""
    marked = set(raw.pending_by_hour(lake, late.hour, late.hour).get(late.hour, ()))
    longest, lines = lake.settings.clean.longest_line_bytes, 0
    for raw_object in raw.list_raw(lake, late.hour):
        if raw_object.key in marked:
            log_format = log_format_of(lake.settings, raw_object.log_format)
            text = raw.read(lake, raw_object)
            lines += parse.parse(text, log_format, longest=longest).lines
    return replace(late, raw_objects=len(marked), lines=lines)


def _record(lake: Lake, late: Sequence[LateHour]) -> None:
    """Write the numbers of hours of one date to their rows of the ledger, in one commit."""
    numbers = {late_hour.hour.naive: late_hour for late_hour in late}

    def with_number(row: dict[str, Any]) -> dict[str, Any]:
        late_hour = numbers.get(row["hour_at"])
        if late_hour is None:
            return row
        return {**row, "waiting_lines": late_hour.lines, "waiting_objects": late_hour.raw_objects}

    hour_ledger.rewrite_rows(lake, late[0].hour, late[-1].hour, with_number)
