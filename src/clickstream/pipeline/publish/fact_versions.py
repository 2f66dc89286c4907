"""Versions of fact files: digests of the SQL of a view and of the publications that it reads.

Only metadata are read: lists of data files by date, of the ledgers, and of the tables whose rows
are replaced by date. So the cost does not depend on the size of the lake. `facts` calls this.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import chain

from clickstream.errors import InputError
from clickstream.lake import Lake
from clickstream.lake.fact_files import ALL_FACT_VIEWS, FACT_VIEWS
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.views import AthenaView, DateFilter
from clickstream.settings import Settings
from clickstream.tables import (
    HOUR_LEDGER,
    OF_DATES,
    Table,
)
from clickstream.tables.dates import PEOPLE_ESTIMATES
from clickstream.tables.locations import LOCATION_CANDIDATES
from clickstream.tables.sales import SALES_LEDGER, SALES_TABLES
from clickstream.tables.sales_listings import LISTING_LEDGER, LISTING_TABLES
from clickstream.tables.sales_matches import MATCH_LEDGER, MATCH_TABLES
from clickstream.text_digests import digest_texts

_FIRST_DATE = date(1970, 1, 1)

FactKey = tuple[str, date]
"""A view and a UTC date: one fact file has their rows."""


@dataclass(frozen=True)
class SourceVersion:
    """What the rows of a fact file depend on: digests of the view's SQL, and of publications."""

    sql: str
    hours: str

    @property
    def text(self) -> str:
        """The version of a file that is computed now."""
        return f"{self.sql}-{self.hours}"

    def has_sql_of(self, version: str) -> bool:
        """Return whether a file of a version was computed by the SQL of today."""
        return version.partition("-")[0] == self.sql


def fact_views(settings: Settings) -> Sequence[str]:
    """Return the fact views of a lake: those of sales only with `[[sales]]`."""
    return ALL_FACT_VIEWS if settings.sales else FACT_VIEWS


def source_versions(
    lake: Lake, views: Collection[AthenaView], first: date
) -> dict[FactKey, SourceVersion]:
    """Return the version of each fact file that should exist, of dates from `first` on.

    These are the dates of the ledger that the view depends on. Raises InputError if a fact view is
    missing.
    """
    by_name = {view.name: view for view in views}
    names = fact_views(lake.settings)
    filters = {name: date_filter(by_name, name) for name in names}
    reach = max(chosen.days_before for chosen in filters.values())
    read = {name: _tables_read(by_name, name) for name in names}
    ledgers = {name: _ledger_of(read[name]) for name in names}
    first_of = {ledger: _first_date(ledger, first) for ledger in {*ledgers.values()}}
    files = {
        ledger: iceberg_tables.files_by_date(lake, ledger, begins - timedelta(days=reach))
        for ledger, begins in first_of.items()
    }
    of_dates = {one.name: iceberg_tables.files_by_date(lake, one, first) for one in OF_DATES}
    # An estimate is also written again when its date was only searched again.
    numbers = iceberg_tables.texts_by_date(lake, PEOPLE_ESTIMATES, first, ("numbers_version",))
    of_dates[PEOPLE_ESTIMATES.name] = {day: [*row.values()] for day, row in numbers.items()}
    if lake.settings.sales:
        matched = iceberg_tables.files_by_date(lake, MATCH_LEDGER, first)
        of_dates |= {one.name: matched for one in MATCH_TABLES}
    sql = {name: digest_texts(_all_sql(by_name, name)) for name in names}
    return {
        (name, day): SourceVersion(
            sql[name],
            digest_texts(
                [
                    *_files_of(files[ledgers[name]], _dates_read(day, chosen)),
                    *chain.from_iterable(
                        of_dates[table].get(day, ())
                        for table in sorted(read[name] & of_dates.keys())
                    ),
                ]
            ),
        )
        for name, chosen in filters.items()
        for day in files[ledgers[name]]
        if day >= first_of[ledgers[name]]
    }


def _first_date(ledger: Table, first: date) -> date:
    """Return the first date of a ledger's facts: a version stays valid, however old it is."""
    return _FIRST_DATE if ledger is LISTING_LEDGER else first


def _ledger_of(tables: Collection[str]) -> Table:
    """Return the ledger whose row of a date is written last, after the tables that a view reads."""
    if {*tables} <= {table.name for table in LISTING_TABLES}:
        return LISTING_LEDGER
    if {*tables} == {LOCATION_CANDIDATES.name}:
        return LOCATION_CANDIDATES
    of_sales = {table.name for table in SALES_TABLES}
    return HOUR_LEDGER if of_sales.isdisjoint(tables) else SALES_LEDGER


def _tables_read(views: Mapping[str, AthenaView], name: str) -> set[str]:
    """Return the names of the tables that a view reads, also by other views."""
    if name not in views:
        return {name}
    return set().union(*(_tables_read(views, read) for read in views[name].reads))


def date_filter(views: Mapping[str, AthenaView], name: str) -> DateFilter:
    """Return the date filter of a fact view. Raises InputError without the view or its filter."""
    chosen = views[name].filter_by if name in views else None
    if chosen is None:
        raise InputError(
            f"The views lack {name}, or its .yml lacks filter_by; the dashboard needs it. Copy it "
            "from include/sql into sql_directory under [build]."
        )
    return chosen


def _all_sql(views: Mapping[str, AthenaView], name: str) -> Iterator[str]:
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
