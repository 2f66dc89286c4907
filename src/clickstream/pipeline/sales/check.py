"""Check sources of sales: what they have, which rows can't be used, and what does not reconcile.

Nothing is stored. `clickstream sales check` calls this.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from clickstream.collect.sales.reader import SalesReader, Survey
from clickstream.errors import ClickstreamError
from clickstream.pipeline.sales.opening import open_source, rules_of
from clickstream.sales.identities import DayTotals, OrderDifference, order_differences, totals_of
from clickstream.sales.listings import build_listings
from clickstream.sales.row_reader import Record, SalesRules
from clickstream.sales.sales_day import build_day
from clickstream.settings import Settings
from clickstream.settings.sales import SalesSettings
from clickstream.tables.sales import ORDERS, SALES_REJECTS

_EXAMPLES = 3


@dataclass
class SalesCheck:
    """The result for a source.

    `survey` is what the source has, None if it can't be read: then `error` says why. `read` are the
    dates whose rows were read, with their sums in `totals`. `rejects` counts the rows that can't be
    used by table, reason and column; `examples` has ids of some of them. `differences` are orders
    whose parts do not give their total; `without_parts` counts the orders of dates without parts.
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
    listings: dict[str, int] = field(default_factory=dict)
    tables: tuple[str, ...] = ()

    @property
    def has_problems(self) -> bool:
        """Whether something of the source can't be used, or does not reconcile."""
        undated = self.survey.undated if self.survey else {}
        return bool(self.error or self.rejects or self.differences or undated)

    def as_dict(self) -> dict[str, Any]:
        """Return the values for JSON."""
        survey = self.survey or Survey({})
        return {
            "source": self.source.name,
            "kind": self.source.kind,
            "error": self.error.printed if self.error else None,
            "dates": {str(day): dict(one.rows) for day, one in survey.days.items()},
            "rows_without_date": dict(survey.undated),
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
            "differences": [vars(one) for one in self.differences],
            "orders_without_parts": self.without_parts,
            "rows_of_tables_without_dates": self.listings,
        }


def check_source(settings: Settings, source: SalesSettings, days: int) -> SalesCheck:
    """Look into a source, and read its newest `days` dates."""
    found = SalesCheck(source)
    try:
        rules = rules_of(settings, source)
        found.tables = tuple(rules.columns.tables)
        with open_source(settings, source, rules) as reader:
            found.survey = reader.survey()
            _read(found, reader, rules, sorted(found.survey.days)[-days:])
            listings = build_listings(reader.read_listings(), rules)
        found.listings = {table.name: len(rows) for table, rows in listings.rows.items()}
        _add_rejects(found, listings.rejects)
    except ClickstreamError as error:
        found.error = error
    return found


def _read(found: SalesCheck, reader: SalesReader, rules: SalesRules, days: Sequence[date]) -> None:
    for day in days:
        built = build_day(day, reader.read_day(day), rules)
        found.read.append(day)
        found.totals += totals_of(built)
        differences = order_differences(built)
        found.differences += differences or []
        found.without_parts += len(built.rows[ORDERS]) if differences is None else 0
        _add_rejects(found, built.rows[SALES_REJECTS])


def _add_rejects(found: SalesCheck, rejects: Sequence[Record]) -> None:
    for one in rejects:
        kind = (one["of_table"], one["reason"], one["column"])
        found.rejects[kind] += 1
        examples = found.examples.setdefault(kind, [])
        if len(examples) < _EXAMPLES:
            examples.append(one["row_id"] or f"row {one['row_number']}")
