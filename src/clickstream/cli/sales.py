"""`clickstream sales`: check the sources of sales."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clickstream.cli.console import err, load_settings, out
from clickstream.errors import InputError
from clickstream.wording import printable, quantity, shorten

if TYPE_CHECKING:
    from clickstream.pipeline.sales.check import SalesCheck
    from clickstream.settings.sales import SalesSettings

app = typer.Typer(no_args_is_help=True, help="Check the shop databases and CSV files of [[sales]].")

_SHOWN = 5


@app.command()
def check(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[SOURCE]...", help="Sources by name; all by default."),
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, help="Number of the newest dates whose rows are read.")
    ] = 7,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Check for each source what it has, which rows can't be used, and whether its sums agree.

    A database is read in one transaction that can't write. Nothing is stored. The exit code is 1
    if a source can't be read, or if some of its rows can't be used or do not reconcile.

    Example: [bold]clickstream sales check[/]

    Example: [bold]clickstream sales check shop --days 400[/]
    """
    from clickstream.pipeline.sales.check import check_source

    settings, found = load_settings(), []
    for source in _chosen(settings.sales, names):
        with err.status(f"Checking {source.name}"):
            found.append(check_source(settings, source, days))
        if not as_json:
            _show(found[-1])
    if as_json:
        out.print_json(data=[one.as_dict() for one in found])
    if any(one.has_problems for one in found):
        raise typer.Exit(1)


def _chosen(sources: tuple[SalesSettings, ...], names: list[str] | None) -> list[SalesSettings]:
    if not sources:
        raise InputError("No source of sales is set; add a [[sales]] section to the settings.")
    known = {one.name: one for one in sources}
    if unknown := [name for name in names or () if name not in known]:
        raise InputError(f"There is no source of sales {unknown[0]}: name {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names or known)]


def _show(one: SalesCheck) -> None:
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
    if not one.survey.days:
        yield "It has no row with a time.", "yellow"
    yield from _lines_of_survey(one)
    yield from _lines_of_rows(one)


def _lines_of_survey(one: SalesCheck) -> Iterator[tuple[str, str]]:
    survey = one.survey
    if survey is None or not survey.days:
        return
    first, last = min(survey.days), max(survey.days)
    rows: dict[str, int] = {}
    for day in survey.days.values():
        for table, number in day.rows.items():
            rows[table] = rows.get(table, 0) + number
    shown = ", ".join(f"{number:,} {name.replace('_', ' ')}" for name, number in rows.items())
    yield f"{quantity(len(survey.days), 'date')} from {first} to {last}: {shown}.", ""
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
    totals, currency = one.totals, one.source.currency
    yield (
        f"Read {quantity(len(one.read), 'date')} from {one.read[0]} to {one.read[-1]}: "
        f"{quantity(totals.orders, 'paid order')}, gross {_amount(totals.gross_cents)}, refunds "
        f"{_amount(totals.refunded_cents)}, net {_amount(totals.net_cents)} {currency}.",
        "",
    )
    for (table, reason, column), number in one.rejects.most_common():
        where = f" in the column {column}" if column else ""
        examples = shorten(one.examples[table, reason, column])
        yield (
            f"{quantity(number, 'row')} of {table} rejected: {reason}{where} ({examples}).",
            "yellow",
        )
    if one.differences:
        some = [f"{d.order_id} by {_amount(d.cents)}" for d in one.differences]
        yield (
            f"{quantity(len(some), 'order')} whose parts do not give the total: "
            f"{shorten(some, _SHOWN)}.",
            "yellow",
        )
    else:
        yield "The parts of every order give its total.", "green"


def _amount(cents: int) -> str:
    return f"{'-' if cents < 0 else ''}{abs(cents) // 100:,}.{abs(cents) % 100:02}"
