"""Verify sales: the rows of each date of a source are those that its ledger counts.

`clickstream verify` calls this in a lake with `[[sales]]`. It reads the dates of the range, and all
versions of the tables without dates. It asks no source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from clickstream.core.errors import InputError, StateCode, with_code
from clickstream.core.wording import amount, quantity, shorten
from clickstream.lake import Lake, athena, aws_errors, publication, row_digests
from clickstream.lake.views import views_of
from clickstream.pipeline.sales.status import stored_listings
from clickstream.step_config import sources_with_dates
from clickstream.tables.sales import (
    CAMPAIGN_SPEND,
    CONSENTS,
    OF_SALES_DAYS,
    ORDER_ITEMS,
    ORDERS,
    REFUNDS,
    SALES_LEDGER,
)

_DIFFERENCES = "order_differences"

_COUNTS = f"""
select
    sales_source, event_date, 'orders' as counted, count(*) as number,
    count(*) - count(distinct order_id) as repeated,
    sum(if(status = 'paid', total_cents, 0)) as cents
from orders where {{within}} group by 1, 2
union all
select
    sales_source, event_date, 'order_items', count(*),
    count(*) - count(distinct order_id || ' ' || cast(line as varchar)),
    sum(amount_cents - discount_cents)
from order_items where {{within}} group by 1, 2
union all
select
    sales_source, event_date, 'refunds', count(*), count(*) - count(distinct refund_id),
    sum(amount_cents)
from refunds where {{within}} group by 1, 2
union all
select
    sales_source, event_date, 'campaign_spend', count(*),
    count(*) - count(distinct platform || ' ' || coalesce(account, '') || ' ' || campaign_id),
    sum(spend_cents)
from campaign_spend where {{within}} group by 1, 2
union all
select
    sales_source, event_date, 'consents', count(*),
    count(*) - count(
        distinct customer_key || ' ' || purpose || ' ' || cast(
            date_diff('millisecond', timestamp '1970-01-01 00:00:00', recorded_at) as varchar
        )
    ),
    0
from consents where {{within}} group by 1, 2
union all
select
    sales_source, event_date, 'rejects of ' || of_table, count(*),
    count(*) - count(distinct source_object || ' ' || cast(row_number as varchar)), 0
from sales_rejects where {{within}} group by 1, 2, of_table
union all
select
    sales_source, event_date, '{_DIFFERENCES}', count(*), 0, sum(abs(difference_cents))
from ({{differences}}) as differing where {{within}} group by 1, 2
"""  # noqa: S608

_SEVERAL_DATES = """
select sales_source, event_date, rows_of, id, first_date, last_date
from (
    select
        *,
        min(event_date) over (partition by sales_source, rows_of, id) as first_date,
        max(event_date) over (partition by sales_source, rows_of, id) as last_date,
        max(if({within}, 1, 0)) over (partition by sales_source, rows_of, id) as is_of_range
    from (
        select sales_source, event_date, 'order' as rows_of, order_id as id from orders
        union all
        select sales_source, event_date, 'refund', refund_id from refunds
    ) as ids
) as dated
where first_date <> last_date and is_of_range = 1
"""
"""Rows with an id of the range that several dates have; the ids of all dates are read."""

_SUMS = {
    ORDERS.name: ("gross_cents", "gross"),
    ORDER_ITEMS.name: ("items_cents", "lines"),
    REFUNDS.name: ("refunded_cents", "refunds"),
    CAMPAIGN_SPEND.name: ("spend_cents", "spending"),
    CONSENTS.name: ("", ""),
}
"""The column of the ledger with the sum of each table's amounts, and the name of this sum.

Both are empty for a table without amounts.
"""

_REJECTS = "rejects of "

DateKey = tuple[date, str]
Counts = Mapping[str, tuple[int, int, int]]
"""Number, repeated rows and cents of what is counted on a date."""

_NONE = (0, 0, 0)


@dataclass(frozen=True)
class SalesFault:
    """What is wrong with a date of a source; without `day`, with its tables without dates."""

    day: date | None
    source: str
    problem: str

    @property
    def sentence(self) -> str:
        """One line that says what to do."""
        subject = f"{self.day} of {self.source}" if self.day else self.source
        limits = f"--from {self.day} --to {self.day} " if self.day else ""
        remedy = f"clickstream sales pull {self.source} {limits}--all"
        text = f"{subject}: {self.problem}. To read it again: {remedy}"
        return with_code(text, StateCode.SALES_DIFFER)


@dataclass(frozen=True)
class SalesReport:
    """The result of `verify_sales`.

    `first` and `last` are the ends of the range, None if they are open. `dates` counts the dates of
    all `sources`, and `orders` their orders. `without` are sources of the settings that have no
    date in the range. `rejected` rows and `differing` orders are those of the sources, and no
    faults of the lake.
    """

    first: date | None
    last: date | None
    sources: tuple[str, ...]
    dates: int
    orders: int
    faults: tuple[SalesFault, ...] = ()
    without: tuple[str, ...] = ()
    rejected: int = 0
    differing: int = 0

    @property
    def is_proven(self) -> bool:
        """Whether no date has a fault."""
        return not self.faults

    @property
    def sentence(self) -> str:
        """What was checked."""
        first, last = self.first or "the first date", self.last or "the newest date"
        of_sources = f" of {shorten(self.sources)}" if self.sources else ""
        return (
            f"Checked sales from {first} to {last}: {quantity(self.dates, 'date')}{of_sources}, "
            f"{quantity(self.orders, 'order')}."
        )

    @property
    def failures(self) -> list[str]:
        """A sentence for each fault."""
        return [fault.sentence for fault in self.faults]

    @property
    def notes(self) -> list[str]:
        """A sentence for everything that is no fault of the lake."""
        notes = [
            f"{name} has no date in this range. To pull its sales: clickstream sales pull {name}"
            for name in self.without
        ]
        if self.rejected or self.differing:
            notes.append(
                f"{quantity(self.rejected, 'row')} of the sources rejected, and "
                f"{quantity(self.differing, 'order')} whose parts do not give the total. To list "
                "them: clickstream sales check"
            )
        return notes


@aws_errors.translate_errors()
def verify_sales(lake: Lake, first: date | None = None, last: date | None = None) -> SalesReport:
    """Check the dates from `first` to `last`; None is an open end.

    Tables are read one after the other, and a date may be published in between, so dates with a
    fault are checked a second time, and a fault that is gone is not reported.
    """
    report = _check(lake, first, last)
    if not report.faults:
        return report
    days = [fault.day for fault in report.faults if fault.day]
    faulty = {(fault.day, fault.source) for fault in report.faults}
    again = _check(lake, min(days, default=first), max(days, default=last))
    faults = [fault for fault in again.faults if (fault.day, fault.source) in faulty]
    return replace(report, faults=tuple(faults))


def _check(lake: Lake, first: date | None, last: date | None) -> SalesReport:
    within = dates_within(first, last)
    rows: dict[DateKey, list[dict[str, Any]]] = defaultdict(list)
    sql = f"select * from {SALES_LEDGER.name} where {within}"  # noqa: S608
    ledger = athena.query(lake, sql).records()
    for row in ledger:
        rows[row["event_date"], row["sales_source"]].append(row)
    counts = _counts(lake, within)
    set_up = {source.name for source in lake.settings.sales}
    sources = set_up | {source for _, source in (*rows, *counts)}
    versions = {
        (day, source): version
        for source in sources
        for day, version in publication.versions(lake, source, first, last).items()
    }
    keys = {*rows, *counts, *versions}
    faults = [
        SalesFault(*key, problem)
        for key in sorted(keys)
        for problem in _faults(rows.get(key, []), counts.get(key, {}), versions.get(key))
    ]
    faults += _on_several_dates(lake, within)
    faults += _changed_rows(lake, rows, first, last)
    faults += [
        SalesFault(None, listings.source, f"other rows of {name} than its ledger counts")
        for listings in stored_listings(lake, sources)
        for name in listings.lost
    ]
    return SalesReport(
        first,
        last,
        tuple(sorted({source for _, source in rows})),
        len(rows),
        sum(row["orders"] for row in ledger),
        tuple(faults),
        tuple(sorted(sources_with_dates(lake.settings) - {source for _, source in keys})),
        sum(row["rejected"] for row in ledger),
        sum(row["differing_orders"] or 0 for row in ledger),
    )


def _on_several_dates(lake: Lake, within: str) -> Iterator[SalesFault]:
    """Yield each date with ids that another date has, also before or after the range."""
    ids: dict[tuple[date, str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in athena.query(lake, _SEVERAL_DATES.format(within=within)).records():
        ids[row["event_date"], row["sales_source"], row["rows_of"]].append(row)
    for (day, source, rows_of), of_day in sorted(ids.items()):
        row = min(of_day, key=lambda row: str(row["id"]))
        other = row["last_date"] if day == row["first_date"] else row["first_date"]
        problem = f"{quantity(len(of_day), rows_of)} stored on another date, too"
        yield SalesFault(day, source, f"{problem}, such as {row['id']} of {other}")


def _changed_rows(
    lake: Lake,
    ledger: Mapping[DateKey, Sequence[Mapping[str, Any]]],
    first: date | None,
    last: date | None,
) -> Iterator[SalesFault]:
    """Yield the dates whose rows are not those that were published, by their digest.

    Dates of an earlier release have no digest in the ledger, so they are not compared.
    """
    stored = row_digests.of_stored(lake, OF_SALES_DAYS, ("event_date", "sales_source"), first, last)
    for key, rows in sorted(ledger.items()):
        digests = {row["rows_digest"] for row in rows} - {None}
        if digests and digests != {stored.get(key, row_digests.WITHOUT_ROWS)}:
            yield SalesFault(*key, "its rows are not those that were published")


def dates_within(first: date | None, last: date | None) -> str:
    """Return the condition that selects the partitions of a range."""
    limits = [f"event_date >= date '{first}'"] if first else []
    limits += [f"event_date <= date '{last}'"] if last else []
    return " and ".join(limits) or "true"


def _counts(lake: Lake, within: str) -> dict[DateKey, dict[str, tuple[int, int, int]]]:
    """Count the rows and amounts of each date of each source in the tables."""
    counts: dict[DateKey, dict[str, tuple[int, int, int]]] = defaultdict(dict)
    differences = f"with {views_as_steps(lake, _DIFFERENCES)} select * from {_DIFFERENCES}"  # noqa: S608
    sql = _COUNTS.format(within=within, differences=differences)
    for source, day, counted, number, repeated, cents in athena.query(lake, sql).rows:
        counts[day, source][counted] = (number, repeated, cents)
    return counts


def views_as_steps(lake: Lake, name: str) -> str:
    """Return the SQL of a view and of those that it reads, as named steps of a query.

    So a check needs no view in Athena. Raises InputError if the settings' directory lacks the view.
    """
    directory = lake.settings.sql_directory
    views = {view.name: view for view in views_of(lake.settings, directory)}
    if name not in views:
        raise InputError(
            f"{directory} lacks the view {name}, by which sales are verified: copy it from "
            "include/sql."
        )
    read, needed = [name], {name}
    while read:
        more = {*views[read.pop()].reads} & views.keys() - needed
        needed |= more
        read += more
    return ", ".join(f"{view} as ({views[view].sql})" for view in views if view in needed)


def _faults(rows: list[dict[str, Any]], counts: Counts, version: str | None) -> Iterator[str]:
    """Yield what is wrong with a date: its ledger, its rows, and its recorded version."""
    if version and publication.is_unfinished(version):
        yield "a publication of it was interrupted, or is still running"
        return
    if len(rows) != 1:
        yield (
            "it has more than one row in the ledger"
            if rows
            else "it has rows in the tables, or was published, but has no row in the ledger"
        )
        return
    [ledger] = rows
    if version != ledger["source_digest"]:
        yield "the version that was recorded for it is not the one in the ledger"
    yield from _wrong_rows(ledger, counts)
    yield from _wrong_rejects(ledger, counts)
    yield from _wrong_differences(ledger, counts)


def _wrong_rows(ledger: Mapping[str, Any], counts: Counts) -> Iterator[str]:
    """Yield the counts and sums of the tables that are not those of the ledger."""
    for table, (column, label) in _SUMS.items():
        number, repeated, cents = counts.get(table, _NONE)
        if number != ledger[table]:
            yield f"{number:,} rows of {table} in the tables, {ledger[table]:,} in the ledger"
        if repeated:
            yield f"{quantity(repeated, 'row')} of {table} stored more than once"
        if column and cents != ledger[column]:
            yield f"{label} {amount(cents)} in the tables, {amount(ledger[column])} in the ledger"


def _wrong_rejects(ledger: Mapping[str, Any], counts: Counts) -> Iterator[str]:
    """Yield the tables whose rows and rejects are not the rows of the source."""
    expected = {f"{_REJECTS}{table}": ledger[f"source_{table}"] - ledger[table] for table in _SUMS}
    if sum(expected.values()) != ledger["rejected"]:
        yield "the rows and rejects in its ledger do not sum to the rows of the source"
    for name in sorted(
        {*expected, *(counted for counted in counts if counted.startswith(_REJECTS))}
    ):
        number, repeated, _ = counts.get(name, _NONE)
        if number != expected.get(name, 0) or repeated:
            yield f"{number:,} {name} in the tables, {expected.get(name, 0):,} in the ledger"


def _wrong_differences(ledger: Mapping[str, Any], counts: Counts) -> Iterator[str]:
    """Yield whether other orders than at the publication have parts that do not give the total."""
    number, _, cents = counts.get(_DIFFERENCES, _NONE)
    expected, of_ledger = ledger["differing_orders"] or 0, ledger["differing_cents"] or 0
    if (number, cents) != (expected, of_ledger):
        yield (
            f"the parts of {quantity(number, 'order')} in the tables do not give the total, by "
            f"{amount(cents)}, and of {expected:,} in the ledger, by {amount(of_ledger)}"
        )
