"""Whether the orders of a page are those of the shop, in one or two sentences."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from clickstream.dashboard.tabs.trust.sales import missing_dates, rounding_of, sales_questions
from clickstream.dashboard.widgets.page import PageContext
from clickstream.pipeline.sales.opening import sources_of_orders


def reconciliation_of(page: PageContext) -> list[str]:
    """State whether the lake's orders equal the shop's, and how many dates the lake lacks."""
    (question,) = sales_questions(page)
    records = page.ask(question).records()
    if not records:
        return ["The lake has no sales of these dates."]
    return [_verdict(page, records), *rounding_of(page, records), *_missing(page, records)]


def _verdict(page: PageContext, records: Sequence[Mapping[str, Any]]) -> str:
    formats = page.formats
    bad = [one for one in records if not one["reconciled_dates"]]
    if not bad:
        return formats.plural(
            "The {number} order that the lake has equals the shop's to the cent.",
            "All {number} orders that the lake has equal the shop's to the cent.",
            sum(one["sales_orders"] for one in records),
        )
    days = len({one["day"] for one in bad})
    cents = sum(one["missing_cents"] for one in bad)
    if not cents:
        return formats.plural(
            "{number} date does not reconcile with the shop.",
            "{number} dates do not reconcile with the shop.",
            days,
        )
    return formats.plural(
        "{number} date differs from the shop by {amount}.",
        "{number} dates differ from the shop by {amount}.",
        days,
        amount=formats.money(cents, formats.currency),
    )


def _missing(page: PageContext, records: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    sources = sources_of_orders(page.settings)
    days = {day for source in sources for day in missing_dates(page, records, source)}
    if days:
        yield page.formats.plural(
            "The lake lacks orders of {number} date.",
            "The lake lacks orders of {number} dates.",
            len(days),
        )
