"""The panel of the sales ledger: whether the lake has what the sources of sales have.

Its dates are the UTC dates of the sales. They can begin before the log does.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from more_itertools import split_when

from clickstream.core.wording import shorten
from clickstream.dashboard.ask.coverage import to_local
from clickstream.dashboard.ask.metrics import METRICS, Metric
from clickstream.dashboard.ask.periods import Period
from clickstream.dashboard.ask.question import EVER, Question
from clickstream.dashboard.pages.trust.panels import SALES_LEDGER
from clickstream.dashboard.widgets.page import PageContext
from clickstream.lake.compared_dates import describe_changed
from clickstream.step_config import sources_with_dates

# Notes of the sales ledger about single dates: what does not reconcile, and what is missing.

MOST_RUNS = 3
"""Maximum number of runs of dates that a note names."""

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class SalesNote:
    """A source, with its date if the note is about one, and a sentence."""

    name: str
    text: str


def notes_of_dates(page: PageContext, records: Sequence[Mapping[str, Any]]) -> list[SalesNote]:
    """Describe dates that do not reconcile."""
    return [
        SalesNote(
            f"{record['sales_source']}, {page.formats.day(record['day'], with_weekday=True)}",
            f"{'; '.join(_faults(page, record))}.",
        )
        for record in records
    ]


def _faults(page: PageContext, record: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a date."""
    formats, missing = page.formats, record["sales_missing_rows"]
    if missing > 0:
        yield formats.plural(
            "{number} row of the source is missing",
            "{number} rows of the source are missing",
            missing,
        )
    if missing < 0:
        yield formats.plural(
            "the tables have {number} row more than the source",
            "the tables have {number} rows more than the source",
            -missing,
        )
    if record["missing_cents"]:
        yield (
            f"sums differ by {formats.money(record['missing_cents'], record['currency'])} from "
            "those that were read"
        )
    if record["sales_rejected_rows"]:
        rejected = formats.plural(
            "{number} row rejected", "{number} rows rejected", record["sales_rejected_rows"]
        )
        yield f"{rejected}: {record['sales_rejected']}" if record["sales_rejected"] else rejected
    if record["sales_differing_orders"]:
        yield formats.plural(
            "the parts of {number} order do not give its total, by {amount}: {orders}",
            "the parts of {number} orders do not give their totals, by {amount}: {orders}",
            record["sales_differing_orders"],
            amount=formats.money(record["differing_cents"], record["currency"]),
            orders=record["differing_order"] or "",
        )


def notes_of_missing_dates(
    page: PageContext, source: str, days: Sequence[date], newest: date | None
) -> Iterator[SalesNote]:
    """Describe the dates of the range that the lake lacks of a source; `days` are in order.

    `newest` is the source's newest date in the lake, None without any.
    """
    formats = page.formats
    if newest is None:
        yield SalesNote(source, "The lake has none of its dates. Run clickstream sales pull.")
        return
    if not days:
        return
    runs = [*split_when(days, lambda day, next_day: next_day - day != _ONE_DAY)]
    named = ", ".join(formats.days(run[0], run[-1]) for run in runs[:MOST_RUNS])
    if len(runs) > MOST_RUNS:
        named += ", …"
    text = formats.plural(
        "No sales on {number} date ({days}): the source had none, or was not pulled. Newest "
        "date in the lake: {newest}",
        "No sales on {number} dates ({days}): the source had none, or was not pulled. Newest "
        "date in the lake: {newest}",
        len(days),
        days=named,
        newest=formats.day(newest, with_weekday=True, with_year=newest.year != page.now.year),
    )
    yield SalesNote(source, text)


# Until when dates are known to equal their source: the record of comparisons, and the last read.


@dataclass(frozen=True)
class ComparedRecords:
    """Dates of sources, by what is known of them since they were read.

    `changed` differ at the source now. `compared` were equal at a later comparison, or one of the
    same UTC date; the earliest of these is at `compared_at` (aware). Of `as_read`, no comparison is
    known: the reader may not see any, or none was made.
    """

    changed: Sequence[Mapping[str, Any]]
    compared: Sequence[Mapping[str, Any]]
    compared_at: datetime | None
    as_read: Sequence[Mapping[str, Any]]


def compare_records(page: PageContext, records: Sequence[Mapping[str, Any]]) -> ComparedRecords:
    """Split dates of sources by what the comparisons with their sources have found."""
    freshness = page.lake_state.freshness
    sources = {source.name: source for source in (freshness.sales if freshness else ())}
    changed, compared, as_read, times = [], [], [], []
    for record in records:
        source = sources.get(record["sales_source"])
        at = source.compared.compared_at(record["day"]) if source else None
        if source and record["day"] in source.changed:
            changed.append(record)
        elif at and at.date() >= record["sales_published"].date():
            compared.append(record)
            times.append(at)
        else:
            as_read.append(record)
    return ComparedRecords(changed, compared, min(times, default=None), as_read)


def read_days(page: PageContext, records: Sequence[Mapping[str, Any]]) -> str:
    """Name the days on which dates of sources were read, such as 17 Nov or 17 – 25 Nov."""
    days = [to_local(record["sales_published"], page.zone).date() for record in records]
    return " – ".join(dict.fromkeys(day_with_year(page, day) for day in (min(days), max(days))))


def day_with_year(page: PageContext, day: date) -> str:
    """Format a date, with the year if it is not this one."""
    return page.formats.day(day, with_year=day.year != page.now.year)


def describe_as_read(page: PageContext, records: Sequence[Mapping[str, Any]]) -> str:
    """State that dates of sources are as they were read, and when that was."""
    return page.formats.plural(
        "{number} date is as read on {days}; no later comparison with the source is known.",
        "{number} dates are as read on {days}; no later comparison with the source is known.",
        len(records),
        days=read_days(page, records),
    )


MOST_NOTES = 6
"""Newest dates that the page describes; the CSV file has all."""

_SHOWN = (
    "sales_dates",
    "source_orders",
    "sales_orders",
    "sales_order_items",
    "sales_refunds",
    "sales_rejected_rows",
    "gross_cents",
    "refunded_cents",
    "net_cents",
)

Record = Mapping[str, Any]
"""A date of a source: the values of the panel's question by name."""


@dataclass(frozen=True)
class SalesRow:
    """The sums of a source, or of all sources of a currency."""

    name: str
    cells: Sequence[str]
    is_reconciled: bool
    is_total: bool = False


@dataclass(frozen=True)
class SalesPanel:
    """The sums by source, the verdict, and notes about dates that do not reconcile.

    `more` counts the dates that have no note, `missing` are notes about dates without sales, and
    `lines` state what was compared, and when.
    """

    columns: Sequence[Metric]
    rows: Sequence[SalesRow]
    totals: Sequence[SalesRow]
    verdict: str
    notes: Sequence[SalesNote]
    more: str
    missing: Sequence[SalesNote]
    lines: Sequence[str]


def sales_period(page: PageContext) -> Period:
    """Return the whole dates that the reader chose, also those before the log begins."""
    return replace(page.chosen_dates, until_hour=None, hour_at=None)


def sales_questions(page: PageContext) -> list[Question]:
    """Ask for each date of each source."""
    return page.questions(SALES_LEDGER, sales_period(page))


def build_sales(page: PageContext) -> SalesPanel:
    """Ask for everything that the panel shows."""
    (question,) = sales_questions(page)
    records = page.ask(question).records()
    by_source: dict[tuple[str, str], list[Record]] = defaultdict(list)
    for record in records:
        by_source[record["sales_source"], record["currency"]].append(record)
    rows = [
        _row(page, name, code, of_source) for (name, code), of_source in sorted(by_source.items())
    ]
    bad = [record for record in reversed(records) if not record["reconciled_dates"]]
    more = page.formats.plural(
        "{number} more date does not reconcile; the CSV file has all.",
        "{number} more dates do not reconcile; the CSV file has all.",
        len(bad) - MOST_NOTES,
    )
    compared = compare_records(page, records)
    return SalesPanel(
        [METRICS[name] for name in _SHOWN],
        rows,
        [*_totals(page, records)] if len(rows) > 1 else [],
        _verdict(page, records, compared),
        [*_changed(compared), *notes_of_dates(page, bad[:MOST_NOTES])],
        more if len(bad) > MOST_NOTES else "",
        [*_missing(page, records)],
        [*_lines(page, records, bad, compared)],
    )


def _changed(compared: ComparedRecords) -> Iterator[SalesNote]:
    """Yield a note for each source with dates that have changed since they were read."""
    days: dict[str, list[date]] = defaultdict(list)
    for record in compared.changed:
        days[record["sales_source"]].append(record["day"])
    for name, of_source in sorted(days.items()):
        first, last = min(of_source), max(of_source)
        text = describe_changed(name, sorted(of_source))
        where = f"or trigger clickstream_sales in Airflow with From {first} and To {last}"
        yield SalesNote(name, f"{text}, {where}.")


def _row(page: PageContext, name: str, currency: str, records: Sequence[Record]) -> SalesRow:
    sums = {metric: sum(record[metric] for record in records) for metric in _SHOWN}
    cells = [
        page.formats.money(value, currency)
        if METRICS[metric].format == "amount"
        else page.formats.count(value)
        for metric, value in sums.items()
    ]
    return SalesRow(name, cells, all(record["reconciled_dates"] for record in records))


def _totals(page: PageContext, records: Sequence[Record]) -> Iterator[SalesRow]:
    """Yield the sums of each currency; amounts of different currencies are never summed."""
    for currency in sorted({record["currency"] for record in records}):
        of_currency = [record for record in records if record["currency"] == currency]
        yield replace(_row(page, f"All in {currency}", currency, of_currency), is_total=True)


def _verdict(page: PageContext, records: Sequence[Record], compared: ComparedRecords) -> str:
    """State in one sentence whether the lake has what was read at the sources."""
    formats = page.formats
    if not records:
        return "The lake has no sales of these dates."
    wrong = sum(not record["reconciled_dates"] for record in records)
    if wrong:
        return formats.plural(
            "{wrong} of {number} date does not reconcile.",
            "{wrong} of {number} dates do not reconcile.",
            len(records),
            wrong=formats.count(wrong),
        )
    if compared.changed:
        return formats.plural(
            "{changed} of {number} date has changed at its source since it was read.",
            "{changed} of {number} dates have changed at their source since they were read.",
            len(records),
            changed=formats.count(len(compared.changed)),
        )
    names = sorted({record["sales_source"] for record in records})
    return formats.plural(
        "The {number} date of {sources} equals what was read there, to the cent.",
        "All {number} dates of {sources} equal what was read there, to the cent.",
        len(records),
        sources=" and ".join(names),
    )


def _missing(page: PageContext, records: Sequence[Record]) -> Iterator[SalesNote]:
    """Yield a note for each source without a date, or without some dates of the range."""
    by_source = {
        record["sales_source"]: record
        for record in page.answer(("newest_sales",), ("sales_source",), EVER, filters=()).records()
    }
    for name in sorted(sources_with_dates(page.settings) | by_source.keys()):
        newest = by_source[name]["newest_sales"].date() if name in by_source else None
        yield from notes_of_missing_dates(page, name, missing_dates(page, records, name), newest)


def rounding_of(page: PageContext, records: Sequence[Record]) -> Iterator[str]:
    """Yield a sentence for each currency in which orders differ from their parts at the source.

    Orders without parts are not compared, which is another sentence.
    """
    for currency in sorted({record["currency"] for record in records}):
        of_currency = [record for record in records if record["currency"] == currency]
        orders = sum(record["sales_differing_orders"] for record in of_currency)
        cents = sum(record["differing_cents"] for record in of_currency)
        if orders:
            yield page.formats.plural(
                "At the source, the parts of {number} order do not give its total, by "
                "{amount}; the lake has it as it is there.",
                "At the source, the parts of {number} orders do not give their totals, by "
                "{amount} in all; the lake has them as they are there.",
                orders,
                amount=page.formats.money(cents, currency),
            )
    if unchecked := sum(record["sales_unchecked_orders"] for record in records):
        yield page.formats.plural(
            "Not checked whether parts give the total of {number} order: the source has none.",
            "Not checked whether parts give the totals of {number} orders: the source has none.",
            unchecked,
        )


def missing_dates(page: PageContext, records: Sequence[Record], source: str) -> list[date]:
    """Return the dates of the range that the lake lacks of a source.

    Today and later dates need not have sales yet.
    """
    today = page.now.replace(tzinfo=page.zone).astimezone(UTC).date()
    period = sales_period(page)
    last = min(period.last, today - timedelta(days=1))
    expected = Period(period.first, last).dates if period.first <= last else []
    days = {record["day"] for record in records if record["sales_source"] == source}
    return [day for day in expected if day not in days]


def _lines(
    page: PageContext,
    records: Sequence[Record],
    bad: Sequence[Record],
    compared: ComparedRecords,
) -> Iterator[str]:
    """Yield what was compared and when, and what to do about rows that are missing."""
    if not records:
        return
    formats = page.formats
    published = max(record["sales_published"] for record in records)
    yield (
        "Compared: the rows and sums that were read at the source, and those of the "
        "tables, by UTC date. The newest change was published on "
        f"{formats.moment(to_local(published, page.zone))}."
    )
    if compared.compared_at:
        yield formats.plural(
            "{number} date was compared with the source again, on {when}.",
            "{number} dates were compared with the source again, on {when} or later.",
            len(compared.compared),
            when=formats.moment(to_local(compared.compared_at, page.zone)),
        )
    if compared.as_read:
        yield describe_as_read(page, compared.as_read)
    yield from rounding_of(page, records)
    if differing := [record for record in records if record["sales_differing_refunds"]]:
        yield formats.plural(
            "{number} refund does not fit its order in the lake: {refunds}.",
            "{number} refunds do not fit their orders in the lake: {refunds}.",
            sum(record["sales_differing_refunds"] for record in differing),
            refunds=shorten([record["differing_refund"] for record in reversed(differing)]),
        )
    if any(record["sales_missing_rows"] or record["missing_cents"] for record in bad):
        days = sorted(record["day"] for record in bad)
        command = f"clickstream verify {days[0]} {days[-1]}"
        yield f"Rows are missing or changed in the tables: run {command}."
