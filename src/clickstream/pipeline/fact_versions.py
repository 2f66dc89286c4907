"""Versions of fact files: digests of the SQL of a view and of the published hours it reads.

Only metadata are read: the ledger's list of data files by date. So the cost does not depend on the
size of the lake. `facts` calls this.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta

from clickstream.errors import InputError
from clickstream.lake import Lake, hour_ledger
from clickstream.lake.fact_files import FACT_VIEWS
from clickstream.lake.views import DateFilter, View

Key = tuple[str, date]
"""A view and a UTC date: one fact file has their rows."""


def source_versions(lake: Lake, views: Collection[View], first: date) -> dict[Key, str]:
    """Return the version of each fact file that should exist, of dates from `first` on.

    These are the dates with published hours. Raises InputError if a fact view is missing.
    """
    by_name = {view.name: view for view in views}
    filters = {name: date_filter(by_name, name) for name in FACT_VIEWS}
    reach = max(chosen.days_before for chosen in filters.values())
    files = hour_ledger.files_by_date(lake, first - timedelta(days=reach))
    sql = {name: _digest(_all_sql(by_name, name)) for name in FACT_VIEWS}
    return {
        (name, day): f"{sql[name]}-{_digest(_files_of(files, _dates_read(day, chosen)))}"
        for name, chosen in filters.items()
        for day in files
        if day >= first
    }


def date_filter(views: Mapping[str, View], name: str) -> DateFilter:
    """Return the date filter of a fact view. Raises InputError without the view or its filter."""
    chosen = views[name].filter_by if name in views else None
    if chosen is None:
        raise InputError(
            f"The views lack {name}, or its .yml lacks filter_by; the dashboard needs it. Copy it "
            "from include/sql into sql_directory under [build]."
        )
    return chosen


def is_same_sql(version: str, other: str) -> bool:
    """Return whether two versions are of the same SQL, whichever hours were published."""
    return version.partition("-")[0] == other.partition("-")[0]


def _all_sql(views: Mapping[str, View], name: str) -> Iterator[str]:
    """Yield the SQL of a view and of all views that it reads."""
    if name in views:
        yield views[name].sql
        for read in views[name].reads:
            yield from _all_sql(views, read)


def _dates_read(day: date, chosen: DateFilter) -> Iterator[date]:
    days = range(-chosen.days_before, chosen.days_after + 1)
    return (day + timedelta(days=number) for number in days)


def _files_of(files: Mapping[date, Sequence[str]], days: Iterable[date]) -> Iterator[str]:
    for day in days:
        yield str(day)
        yield from files.get(day, ())


def _digest(texts: Iterable[str]) -> str:
    return hashlib.blake2b("\0".join(texts).encode(), digest_size=8).hexdigest()
