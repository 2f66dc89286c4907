"""`clickstream locations`: rank candidates for a new café, and say why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clickstream.cli.console import err, open_lake, out
from clickstream.errors import InputError
from clickstream.wording import printable, shorten

if TYPE_CHECKING:
    from clickstream.insight.location_market import MarketModel
    from clickstream.insight.location_plan import CafeCandidate
    from clickstream.insight.location_rows import MarketGaps
    from clickstream.settings import Settings

app = typer.Typer(no_args_is_help=True, help="Rank places for a new café by your web orders.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Days = Annotated[
    int, typer.Option(min=28, max=1095, help="Days before today whose orders are read.")
]


@dataclass(frozen=True)
class _Fitted:
    """The model of a market, what the market lacks, and the settings."""

    model: MarketModel
    gaps: MarketGaps
    settings: Settings


@app.command()
def plan(days: Days = 365, as_json: AsJson = False) -> None:
    """Rank the candidates of the file that the section [bold]locations[/] names.

    For each, it shows the web orders of a month that all cafés together would gain, the
    share of the café's orders that own cafés lose, and how often it is among the first
    five. With a rent and a margin, it shows the money and the chance of breaking even.

    The exit code is 1 if a row of the file can't be used.

    Example: [bold]clickstream locations plan[/]

    Example: [bold]clickstream locations plan --days 180 --json[/]
    """
    from clickstream.cli.locations_output import location_values, show_plan
    from clickstream.insight.location_plan import plan_locations
    from clickstream.insight.location_texts import notes

    fitted = _fit(days)
    candidates, problems = _read_candidates(fitted)
    with err.status("Ranking the candidates"):
        found = plan_locations(fitted.model, candidates)
    limits = [*notes(found, fitted.model, fitted.gaps)]
    if as_json:
        out.print_json(data=location_values(found, fitted.model, limits, problems))
    else:
        show_plan(found, fitted.model.market.currency, limits, out)
    if problems:
        raise typer.Exit(1)


@app.command()
def explain(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A candidate of the file.")],
    days: Days = 365,
    as_json: AsJson = False,
) -> None:
    """Show from which towns the orders of a candidate would come, and from which cafés.

    Example: [bold]clickstream locations explain "Old Town"[/]
    """
    from clickstream.cli.locations_output import explanation_values, show_explanation
    from clickstream.insight.location_explanation import explain_location

    fitted = _fit(days)
    candidates, _ = _read_candidates(fitted)
    known = {one.name: one for one in candidates}
    if name not in known:
        raise InputError(
            f"There is no candidate {printable(name)}; the file has {shorten(known, 10)}."
        )
    found = explain_location(fitted.model, known[name])
    if as_json:
        out.print_json(data=explanation_values(found))
    else:
        show_explanation(found, out)


@app.command()
def candidates(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of candidates.")] = 20,
    days: Days = 365,
) -> None:
    """Print the towns that would gain most orders as a CSV file, to fill in and to plan with.

    Example: [bold]clickstream locations candidates > candidates.csv[/]
    """
    from clickstream.insight.location_plan import propose_candidates
    from clickstream.sales.candidate_file import write_candidates

    fitted = _fit(days)
    found = propose_candidates(fitted.model, limit)
    typer.echo(write_candidates(found, fitted.model.market.currency), nl=False)


def _fit(days: int) -> _Fitted:
    """Read the market of the days before today, and fit the model."""
    from clickstream.insight.location_market import fit_market
    from clickstream.pipeline.sales.location_reader import read_market

    lake, last = open_lake(), datetime.now(UTC).date() - timedelta(days=1)
    with err.status("Reading orders and places") as status:
        market, gaps = read_market(lake, last - timedelta(days=days - 1), last)
        status.update("Fitting demand and distance")
        model = fit_market(market, lake.settings.locations.distance_km)
    return _Fitted(model, gaps, lake.settings)


def _read_candidates(fitted: _Fitted) -> tuple[Sequence[CafeCandidate], Sequence[str]]:
    """Read the file of candidates, and print a sentence for each row that can't be used."""
    from clickstream.pipeline.sales.location_reader import read_candidate_file

    found = read_candidate_file(fitted.settings, fitted.model.market)
    for problem in found.problems:
        err.print(Text(printable(problem), "yellow"), soft_wrap=True)
    return found.candidates, found.problems
