"""Text output of `clickstream sales check`."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rich.console import Console
from rich.text import Text

from clickstream.sales.fields import LISTINGS, count_rows
from clickstream.wording import amount, printable, quantity, shorten

if TYPE_CHECKING:
    from clickstream.pipeline.sales.check import SalesCheck

_SHOWN = 5


def show_check(one: SalesCheck, out: Console) -> None:
    """Print the result for a source: a line with its state, and what was found."""
    style = "red" if one.error else "yellow" if one.has_problems else "green"
    mark = "✗" if one.error else "!" if one.has_problems else "✓"
    out.print(Text.assemble((mark, style), f" {one.source.name}", (f"  {one.source.kind}", "dim")))
    for text, look in _lines(one):
        out.print(Text(f"  {printable(text)}", look), soft_wrap=True)


def _lines(one: SalesCheck) -> Iterator[tuple[str, str]]:
    """Yield the lines below the name of a source, each with its style."""
    if one.error:
        yield one.error.printed, "red"
    if one.survey is None:
        return
    if not one.survey.days and not {*one.tables} <= {*LISTINGS}:
        yield "It has no row with a time.", "yellow"
    yield from _lines_of_survey(one)
    yield from _lines_of_rows(one)
    if one.listings:
        yield f"Without dates: {count_rows(one.listings)}.", ""
    yield from _lines_of_rejects(one)


def _lines_of_survey(one: SalesCheck) -> Iterator[tuple[str, str]]:
    survey = one.survey
    if survey is None or not survey.days:
        return
    first, last = min(survey.days), max(survey.days)
    rows: Counter[str] = Counter()
    for day in survey.days.values():
        rows.update(day.rows)
    yield f"{quantity(len(survey.days), 'date')} from {first} to {last}: {count_rows(rows)}.", ""
    for table, number in survey.undated.items():
        yield (
            f"{quantity(number, 'row')} of {table} are left out: they have no time, or their order "
            "is missing.",
            "yellow",
        )
    for note in survey.notes:
        yield note, "yellow"


def _lines_of_rows(one: SalesCheck) -> Iterator[tuple[str, str]]:
    if not one.read:
        return
    dates = f"{quantity(len(one.read), 'date')} from {one.read[0]} to {one.read[-1]}"
    yield f"Read {dates}: {', '.join(_sums(one))} {one.source.currency}.", ""
    if "orders" not in one.tables:
        return
    if one.differences:
        some = [f"{d.order_id} by {amount(d.cents)}" for d in one.differences]
        yield (
            f"{quantity(len(some), 'order')} whose parts do not give the total: "
            f"{shorten(some, _SHOWN)}.",
            "yellow",
        )
    if one.without_parts:
        number = quantity(one.without_parts, "order")
        yield f"Not checked whether parts give the total: the source has none of {number}.", ""
    elif not one.differences:
        yield "The parts of every order give its total.", "green"


def _sums(one: SalesCheck) -> Iterator[str]:
    totals = one.totals
    if not {"orders", "refunds"}.isdisjoint(one.tables):
        yield quantity(totals.orders, "paid order")
        yield f"gross {amount(totals.gross_cents)}"
        yield f"refunds {amount(totals.refunded_cents)}"
        yield f"net {amount(totals.net_cents)}"
    if "campaign_spend" in one.tables:
        yield f"spending {amount(totals.spend_cents)}"


def _lines_of_rejects(one: SalesCheck) -> Iterator[tuple[str, str]]:
    for (table, reason, column), number in one.rejects.most_common():
        where = f" in the column {column}" if column else ""
        examples = shorten(one.examples[table, reason, column])
        yield (
            f"{quantity(number, 'row')} of {table} rejected: {reason}{where} ({examples}).",
            "yellow",
        )
