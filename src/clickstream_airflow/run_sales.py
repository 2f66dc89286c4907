"""The dates that a run of `clickstream_sales` compares, for all kinds of runs."""

from __future__ import annotations

from datetime import date
from typing import Any

DateRange = tuple[date | None, date | None]
"""The first and the last UTC date; None is an open end."""


def range_of_run(run: Any) -> DateRange:
    """Return the dates of a run: those of its form, or the one of a backfill's data interval.

    Any other run compares all dates that the settings choose. Raises InputError for a date of the
    form that does not exist, and for a range that ends before it begins.
    """
    from clickstream.errors import InputError
    from clickstream.hours import parse_date

    if run.run_type == "backfill":
        day = run.data_interval_start.date()
        return day, day
    first, last = (
        parse_date(text) if (text := (run.conf or {}).get(name)) else None
        for name in ("from", "to")
    )
    if first and last and first > last:
        raise InputError(f"The range begins on {first}, after its end {last}: exchange them.")
    return first, last
