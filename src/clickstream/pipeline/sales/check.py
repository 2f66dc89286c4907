"""Check sources of sales: what they have, which rows can't be used, and what does not reconcile.

Nothing is stored. `clickstream sales check` calls this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from clickstream.collect.sales.reader import EXAMPLES, SalesReader, Survey
from clickstream.core.errors import ClickstreamError
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.identities import (
    DayTotals,
    OrderDifference,
    order_differences,
    refund_faults,
    totals_of,
)
from clickstream.sales.listings import build_listings
from clickstream.sales.row_reader import Record, SalesRules
from clickstream.sales.sales_day import build_day
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import ORDERS, REFUNDS, SALES_REJECTS


@dataclass
class SalesCheck:
    """The result for a source.

    `survey` is what the source has, None if it can't be read: then `error` says why. `read` are the
    dates whose rows were read, with their sums in `totals`. `rejects` counts the rows that can't be
    used by table, reason and column; `examples` has ids of some of them. `differences` are orders
    whose parts do not give their total; `without_parts` counts the orders of dates without parts.
    `refund_faults` has the ids of refunds that do not fit their orders, by what does not fit.
    `listings` counts the rows of the tables without dates.
    """

    source: SalesSettings
    survey: Survey | None = None
    error: ClickstreamError | None = None
    read: list[date] = field(default_factory=list)
    totals: DayTotals = field(default_factory=DayTotals)
    rejects: Counter[tuple[str, str, str | None]] = field(default_factory=Counter)
    examples: dict[tuple[str, str, str | None], list[str]] = field(default_factory=dict)
    differences: list[OrderDifference] = field(default_factory=list)
    without_parts: int = 0
    refund_faults: dict[str, list[str]] = field(default_factory=dict)
    listings: dict[str, int] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def has_problems(self) -> bool:
        """Whether something of the source can't be used, or does not reconcile."""
        left_out = self.survey.left_out if self.survey else ()
        return bool(self.error or self.rejects or self.differences or left_out)

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        survey = self.survey or Survey({})
        return {
            "source": self.source.name,
            "kind": self.source.kind,
            "error": self.error.printed if self.error else None,
            "dates": {str(day): dict(digest.rows) for day, digest in survey.days.items()},
            "left_out": [vars(left_out) for left_out in survey.left_out],
            "notes": [*survey.notes],
            "read_dates": [*map(str, self.read)],
            "currency": self.source.currency,
            "totals": {**vars(self.totals), "net_cents": self.totals.net_cents},
            "rejects": [
                {
                    "table": table,
                    "reason": reason,
                    "column": column,
                    "rows": number,
                    "examples": self.examples[table, reason, column],
                }
                for (table, reason, column), number in self.rejects.most_common()
            ],
            "differences": [vars(difference) for difference in self.differences],
            "orders_without_parts": self.without_parts,
            "refunds_that_do_not_fit": self.refund_faults,
            "rows_of_tables_without_dates": self.listings,
        }


def check_source(settings: Settings, source: SalesSettings, days: int, now: datetime) -> SalesCheck:
    """Look into a source, and read its newest `days` dates."""
    check = SalesCheck(source)
    try:
        rules = rules_of(settings, source)
        check.tables = tuple(rules.columns.tables)
        with open_source(settings, source, rules) as reader:
            check.survey = reader.survey(latest=now.date() + timedelta(days=1))
            _read(check, reader, rules, sorted(check.survey.days)[-days:])
            listings = build_listings(reader.read_listings(), rules)
        check.listings = {table.name: len(rows) for table, rows in listings.rows.items()}
        _add_rejects(check, listings.rejects)
    except ClickstreamError as error:
        check.error = error
    return check


def _read(check: SalesCheck, reader: SalesReader, rules: SalesRules, days: Sequence[date]) -> None:
    refunds: list[Record] = []
    for day in days:
        built = build_day(day, reader.read_day(day), rules)
        refunds += built.rows[REFUNDS]
        check.read.append(day)
        check.totals += totals_of(built)
        differences = order_differences(built)
        check.differences += differences or []
        check.without_parts += len(built.rows[ORDERS]) if differences is None else 0
        _add_rejects(check, built.rows[SALES_REJECTS])
    surveyed = check.survey.days.values() if check.survey else ()
    has_orders = any(digest.rows.get("orders") for digest in surveyed)
    if refunds and has_orders and "order_id" in rules.columns.tables["refunds"].columns:
        ids = {refund["order_id"] for refund in refunds} - {None}
        found = {name: reader.find(name, ids) for name in ("orders", "refunds")}
        every = build_day(date.min, found, rules).rows
        read = {refund["refund_id"] for refund in refunds}
        for refund_id, fault in refund_faults(
            [*every[REFUNDS], *(refund for refund in refunds if not refund["order_id"])],
            every[ORDERS],
        ):
            if refund_id in read:
                check.refund_faults.setdefault(fault, []).append(refund_id)


def _add_rejects(check: SalesCheck, rejects: Sequence[Record]) -> None:
    for reject in rejects:
        kind = (reject["of_table"], reject["reason"], reject["column"])
        check.rejects[kind] += 1
        examples = check.examples.setdefault(kind, [])
        if len(examples) < EXAMPLES:
            example = reject["row_id"] or f"row {reject['row_number']}"
            value = reject["value"]
            examples.append(example if value in (None, example) else f"{example}: {value}")
