"""Fact files in a real lake, from the rows of tests: what a refresh would have written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pyarrow as pa
from tests.clickstream.dashboard.builders import Visit, fact_tables, hours_between

from clickstream.dashboard.ask.periods import start_of
from clickstream.dashboard.mail import Week
from clickstream.lake import Lake, fact_files
from clickstream.lake.fact_files import FactFile, Manifest

SUNDAY = 7


def store_facts(lake: Lake, tables: Mapping[tuple[str, date], pa.Table], zone: str = "UTC") -> None:
    """Write the rows of each fact view and date, and the manifest that names them.

    A view has no file for a date without rows, unless it has no rows at all: then it has those of
    each Sunday and of the newest date, so that each week has one.
    """
    stored = fact_files.read_manifest(lake)
    files: dict[str, dict[date, FactFile]] = {}
    with_rows = {view for (view, _), rows in tables.items() if len(rows)}
    newest = max(day for _, day in tables)
    for (view, day), rows in tables.items():
        is_kept = view not in with_rows and (day == newest or day.isoweekday() == SUNDAY)
        if len(rows) or is_kept:
            file = fact_files.write_file(lake, view, day, rows, "version")
            files.setdefault(view, {})[day] = file
    manifest = Manifest(1, datetime.now(UTC), zone, files)
    if stored:
        manifest = replace(manifest, version=stored.value.version + 1)
    assert fact_files.write_manifest(lake, manifest, stored.etag if stored else None)


def weeks_of_visits(week: Week, weeks: int = 2, visits: int = 40) -> dict:
    """Rows of a week and of those before it: whole hours, and so many visits in each."""
    first = start_of(week.first) - timedelta(weeks=weeks - 1)
    end = start_of(week.last) + timedelta(days=1)
    some = [
        Visit(first + timedelta(weeks=number, hours=3 * place), place, ("/", "/menu"))
        for number in range(weeks)
        for place in range(visits)
    ]
    return fact_tables(some, hours_between(first, end))
