"""Notes of the sales ledger about single dates: what does not reconcile, and what is missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from more_itertools import split_when

from clickstream.dashboard.widgets.page import PageContext

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
            f"{one['sales_source']}, {page.formats.day(one['day'], with_weekday=True)}",
            f"{'; '.join(_faults(page, one))}.",
        )
        for one in records
    ]


def _faults(page: PageContext, one: Mapping[str, Any]) -> Iterator[str]:
    """Yield what is wrong with a date."""
    formats, missing = page.formats, one["sales_missing_rows"]
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
    if one["missing_cents"]:
        yield (
            f"sums differ by {formats.money(one['missing_cents'], one['currency'])} from "
            "those that were read"
        )
    if one["sales_rejected_rows"]:
        rejected = formats.plural(
            "{number} row rejected", "{number} rows rejected", one["sales_rejected_rows"]
        )
        yield f"{rejected}: {one['sales_rejected']}" if one["sales_rejected"] else rejected
    if one["sales_differing_orders"]:
        yield formats.plural(
            "the parts of {number} order do not give its total, by {amount}: {orders}",
            "the parts of {number} orders do not give their totals, by {amount}: {orders}",
            one["sales_differing_orders"],
            amount=formats.money(one["differing_cents"], one["currency"]),
            orders=one["differing_order"] or "",
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
    runs = [*split_when(days, lambda one, other: other - one != _ONE_DAY)]
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
