"""What the lake has of sales: newest dates, tables without dates, and matches of orders.

`clickstream sales status` and `clickstream verify` call this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from clickstream.core.hours import Hour
from clickstream.core.wording import amount, quantity
from clickstream.lake import Lake, aws_errors
from clickstream.lake.compared_dates import (
    compared_dates,
    describe_changed,
    describe_unread,
    still_changed,
    still_unread,
)
from clickstream.lake.iceberg import iceberg_tables
from clickstream.lake.publication import ledger_rows
from clickstream.pipeline.sales.listings import stored_versions
from clickstream.sales.fields import count_rows
from clickstream.sales.listings import latest_versions
from clickstream.tables import Table
from clickstream.tables.sales import OF_SALES_DAYS, SALES_REJECTS
from clickstream.tables.sales_listings import LISTING_LEDGER, VERSIONED_TABLES
from clickstream.tables.sales_matches import CONFIRMATION_VIEWS, ORDER_MATCHES

LONGEST_LOOK = 400
"""Days before today in which dates of sales are looked for."""


@dataclass(frozen=True)
class StoredSales:
    """A row of a ledger, and the number of the rows that the lake has of each table."""

    ledger: dict[str, Any]
    rows: dict[str, int]

    @property
    def source(self) -> str:
        """The name of the source."""
        return str(self.ledger["sales_source"])

    @property
    def lost(self) -> list[str]:
        """The tables whose rows are not those that the ledger counts."""
        counted = {**self.ledger, SALES_REJECTS.name: self.ledger["rejected"]}
        return [name for name, number in self.rows.items() if counted[name] != number]

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        times = {name: str(self.ledger[name]) for name in ("event_date", "hour_at", "published_at")}
        return {
            **self.ledger,
            **times,
            "rows_in_tables": self.rows,
            "tables_that_differ": self.lost,
        }


class SalesDate(StoredSales):
    """A date of a source: its row in the ledger, and the number of its rows in each table."""

    @property
    def day(self) -> date:
        """The UTC date."""
        return _date_of(self.ledger)

    @property
    def has_problems(self) -> bool:
        """Whether rows were rejected, do not reconcile, or are not those of the ledger."""
        ledger = self.ledger
        return bool(ledger["rejected"] or ledger["differing_orders"] or self.lost)

    @property
    def cells(self) -> tuple[str, ...]:
        """The values as texts, for a table."""
        ledger = self.ledger
        net = ledger["gross_cents"] - ledger["refunded_cents"]
        spend = ledger["spend_cents"]
        money = map(amount, (ledger["gross_cents"], ledger["refunded_cents"], net, spend))
        differing = "–" if ledger["differing_orders"] is None else str(ledger["differing_orders"])
        return (
            str(ledger["event_date"]),
            self.source,
            f"{ledger['orders']:,}",
            *money,
            ledger["currency"],
            str(ledger["rejected"]),
            differing,
        )


@aws_errors.translate_errors()
def newest_dates(lake: Lake, sources: Collection[str], days: int, today: date) -> list[SalesDate]:
    """Return the newest dates of some sources, at most `days` of each, in order."""
    first = today - timedelta(days=LONGEST_LOOK)
    ledgers = [
        row
        for row in ledger_rows(lake, first, today + timedelta(days=1)).to_pylist()
        if row["sales_source"] in sources
    ]
    kept: list[dict[str, Any]] = []
    for source in sources:
        own = sorted((r for r in ledgers if r["sales_source"] == source), key=_date_of)
        kept += own[-days:]
    if not kept:
        return []
    kept.sort(key=lambda row: (row["event_date"], row["sales_source"]))
    rows = _rows(lake, kept[0]["event_date"], kept[-1]["event_date"])
    return [
        SalesDate(
            ledger,
            {
                table.name: rows[table.name, ledger["sales_source"], ledger["event_date"]]
                for table in OF_SALES_DAYS
            },
        )
        for ledger in kept
    ]


def _date_of(row: dict[str, Any]) -> date:
    day: date = row["event_date"]
    return day


def _rows(lake: Lake, first: date, last: date) -> Counter[tuple[str, str, date]]:
    """Count the rows of each table by source and date."""
    counts: Counter[tuple[str, str, date]] = Counter()
    for table in OF_SALES_DAYS:
        loaded = iceberg_tables.load(lake, table)
        columns = ["sales_source", "event_date"]
        rows = loaded.read(Hour.midnight(first), Hour.midnight(last), columns)
        sources, dates = (rows[name].to_pylist() for name in columns)
        counts.update((table.name, *key) for key in zip(sources, dates, strict=True))
    return counts


@aws_errors.translate_errors()
def describe_comparison(lake: Lake, source: str) -> Iterator[str]:
    """Yield when the dates of a source were compared, what has changed, and what was never read."""
    compared = compared_dates(lake, source)
    yield f"{source}: {compared.sentence}"
    if changed := still_changed(lake, source, compared):
        yield f"{source}: {describe_changed(source, changed)}"
    if unread := still_unread(lake, source, compared):
        yield f"{source}: {describe_unread(source, unread)}"


class StoredListings(StoredSales):
    """The tables without dates of a source: its last row in their ledger, and their rows now."""

    @property
    def has_problems(self) -> bool:
        """Whether rows were rejected, or are not those of the ledger."""
        return bool(self.ledger["rejected"] or self.lost)

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        ledger = self.ledger
        rows = count_rows({name: number for name, number in self.rows.items() if number})
        rejected = f"; {quantity(ledger['rejected'], 'row')} rejected" if ledger["rejected"] else ""
        lost = f"; {', '.join(self.lost)} differ from the ledger" if self.lost else ""
        return f"{self.source}: {rows or 'no rows'}, since {ledger['event_date']}{rejected}{lost}."


@aws_errors.translate_errors()
def stored_listings(lake: Lake, sources: Collection[str]) -> list[StoredListings]:
    """Return what the lake has of the tables without dates of some sources."""
    ledger = iceberg_tables.load(lake, LISTING_LEDGER).read_between(None, None).to_pylist()
    newest = {row["sales_source"]: row for row in sorted(ledger, key=_date_of)}
    chosen = {source: newest[source] for source in sources if source in newest}
    tables = (
        {table: iceberg_tables.load(lake, table) for table in VERSIONED_TABLES} if chosen else {}
    )
    return [
        StoredListings(
            row,
            {
                table.name: len(latest_versions(table, stored_versions(loaded, source)))
                for table, loaded in tables.items()
            },
        )
        for source, row in chosen.items()
    ]


@dataclass(frozen=True)
class MatchSummary:
    """The orders of some dates by the method of their match and by the reason of having none.

    `unknown` counts views of people with a number that no order has, and `differing` views that
    show another amount than their order has.
    """

    methods: Counter[str]
    reasons: Counter[str]
    unknown: int
    differing: int

    @property
    def sentence(self) -> str:
        """One line for the terminal."""
        orders = sum(self.methods.values())
        matched = orders - self.methods["none"]
        by_time = f", {self.methods['time']:,} of them by time" if self.methods["time"] else ""
        reasons = ", ".join(f"{number:,} {why}" for why, number in self.reasons.most_common())
        parts = [f"{matched:,} of {quantity(orders, 'order')} matched to visits{by_time}"]
        if reasons:
            parts.append(f"without a visit: {reasons}")
        parts += [
            f"{quantity(self.unknown, 'view')} with an unknown number",
            f"{quantity(self.differing, 'order')} with another amount on the page",
        ]
        return f"{'; '.join(parts)}."


@aws_errors.translate_errors()
def summarize_matches(
    lake: Lake, days: Sequence[date], sources: Collection[str]
) -> MatchSummary | None:
    """Count the matches of sources from the first to the last of some dates; None without any."""
    if not days:
        return None
    orders = [
        row
        for row in _read_rows(lake, ORDER_MATCHES, days, ["sales_source", "method", "why_none"])
        if row["sales_source"] in sources
    ]
    views = _read_rows(lake, CONFIRMATION_VIEWS, days, ["kind", "shown_cents", "order_cents"])
    if not orders and not views:
        return None
    return MatchSummary(
        Counter(row["method"] for row in orders),
        Counter(row["why_none"] for row in orders if row["why_none"]),
        sum(row["kind"] == "unknown number" for row in views),
        sum(
            row["kind"] == "order" and row["shown_cents"] not in (None, row["order_cents"])
            for row in views
        ),
    )


def _read_rows(
    lake: Lake, table: Table, days: Sequence[date], columns: list[str]
) -> list[dict[str, Any]]:
    first, last = Hour.midnight(min(days)), Hour.midnight(max(days)).plus(23)
    rows: list[dict[str, Any]] = (
        iceberg_tables.load(lake, table).read(first, last, columns).to_pylist()
    )
    return rows
