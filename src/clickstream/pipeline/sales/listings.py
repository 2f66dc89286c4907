"""Pull the tables without dates of a source: the menu, the stores and demographics.

They are read as a whole. If a row differs from the lake, the versions of the date are replaced:
what differs from the state before the date. So any repetition gives the same rows. `clickstream
sales pull` and the task `pull_listings` call this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from operator import itemgetter

import pyarrow as pa

from clickstream import __version__
from clickstream.core.errors import StaleHour
from clickstream.core.wording import quantity
from clickstream.lake import Lake, aws_errors
from clickstream.lake.iceberg.iceberg_tables import LoadedTable
from clickstream.lake.publication import NewRows, listings_of, publish, version_of
from clickstream.pipeline.sales.opening import FindConnection, open_source, rules_of_lake
from clickstream.sales.fields import LISTINGS, count_rows
from clickstream.sales.listings import Listings, build_listings, latest_versions, new_versions
from clickstream.sales.row_reader import Record
from clickstream.settings.sales import SalesSettings
from clickstream.tables import Table
from clickstream.tables.sales_listings import LISTING_LEDGER, LISTING_REJECTS, VERSIONED_TABLES

_ATTEMPTS = 5


@dataclass(frozen=True)
class PulledListings:
    """A publication of a source's tables without dates.

    `rows` counts the rows that the source has now, `versions` those with a new version.
    """

    source: str
    day: date
    rows: Mapping[str, int]
    versions: Mapping[str, int]
    rejected: int

    @property
    def sentence(self) -> str:
        """One line for the log."""
        parts = [
            f"{count_rows({name: number})} ({self.versions[name]:,} changed)"
            for name, number in self.rows.items()
        ]
        if self.rejected:
            parts.append(f"{quantity(self.rejected, 'row')} rejected")
        return f"{self.source}: {', '.join(parts)}."


def read_listings(
    lake: Lake, source: SalesSettings, find: FindConnection | None = None
) -> Listings:
    """Read the tables without dates that a source has now.

    Raises ShopUnreachable, ShopRefused, UnusableSales.
    """
    rules = rules_of_lake(lake, source)
    if not rules.columns.has_listings:
        return Listings()
    with open_source(lake.settings, source, rules, find, LISTINGS) as reader:
        return build_listings(reader.read_listings(), rules)


def is_published(lake: Lake, source: str, listings: Listings) -> bool:
    """Whether the lake has these rows; also if the source has no table without dates."""
    with aws_errors.translate_errors():
        return not listings.rows or version_of(lake, listings_of(source)) == listings.digest


def pull_listings(
    lake: Lake,
    source: SalesSettings,
    today: date,
    run_id: str,
    find: FindConnection | None = None,
    *,
    everything: bool = False,
) -> PulledListings | None:
    """Publish what differs between a source and the lake; return None if nothing does.

    `today` is the UTC date of the new versions. With `everything`, the versions of the date are
    published again also if nothing differs. If another process publishes meanwhile, the source is
    read again. Raises ShopUnreachable, ShopRefused, UnusableSales, StaleHour.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        listings = read_listings(lake, source, find)
        if not listings.rows or (not everything and is_published(lake, source.name, listings)):
            return None
        try:
            return _publish(lake, source, today, run_id, find)
        except StaleHour:
            if attempt == _ATTEMPTS:
                raise
    return None


@aws_errors.translate_errors()
def _publish(
    lake: Lake, source: SalesSettings, today: date, run_id: str, find: FindConnection | None
) -> PulledListings:
    """Publish the versions of a date, from rows that are read after the tables are loaded.

    So these rows are newer than all that is published, and a later publication is detected.
    """

    def read(tables: Mapping[Table, LoadedTable]) -> list[NewRows]:
        listings = read_listings(lake, source, find)
        stored = {table: stored_versions(tables[table], source.name) for table in VERSIONED_TABLES}
        dates = [row["event_date"] for rows in stored.values() for row in rows]
        day = max([today, *dates])  # clocks of machines differ
        # A table that the source does not have keeps its rows.
        current = {
            table.name: listings.rows.get(table, latest_versions(table, rows))
            for table, rows in stored.items()
        }
        ledger = {
            "sales_source": source.name,
            **{name: len(rows) for name, rows in current.items()},
            "rejected": len(listings.rejects),
            "source_digest": listings.digest,
            "library_version": __version__,
            "published_at": datetime.now(UTC).replace(tzinfo=None),
            "published_by": run_id,
        }
        versions = {t: new_versions(t, stored[t], rows, day) for t, rows in listings.rows.items()}
        rows = {**versions, LISTING_REJECTS: listings.rejects, LISTING_LEDGER: [ledger]}
        of_date = {"event_date": day, "hour_at": datetime(day.year, day.month, day.day)}
        arrow = {}
        for table, records in rows.items():
            in_order = sorted(records, key=itemgetter(*table.sort_by))
            complete = [{**row, **of_date} for row in in_order]
            arrow[table] = pa.Table.from_pylist(complete, table.arrow_schema())
        return [NewRows(day, arrow, listings.digest)]

    [new] = publish(lake, listings_of(source.name), run_id, read)
    [ledger] = new.rows[LISTING_LEDGER].to_pylist()
    tables = [table for table in VERSIONED_TABLES if table in new.rows]
    return PulledListings(
        source.name,
        new.day,
        {table.name: ledger[table.name] for table in tables},
        {table.name: len(new.rows[table]) for table in tables},
        ledger["rejected"],
    )


def stored_versions(loaded: LoadedTable, source: str) -> list[Record]:
    """Return all versions that a table has of a source."""
    rows: list[Record] = loaded.read_between(None, None).to_pylist()
    return [
        {name: value for name, value in row.items() if name != "hour_at"}
        for row in rows
        if row["sales_source"] == source
    ]
