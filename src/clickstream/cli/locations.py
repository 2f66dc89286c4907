"""`clickstream locations`: rank candidates for a new café, and say why."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clickstream.cli.console import err, open_lake, out
from clickstream.core.errors import InputError
from clickstream.core.wording import printable, shorten

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.pipeline.sales.location_runs import FittedMarket

app = typer.Typer(no_args_is_help=True, help="Rank places for a new café by your web orders.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Days = Annotated[
    int, typer.Option(min=28, max=1095, help="Days before today whose orders are read.")
]


@app.command()
def plan(
    days: Days = 365,
    as_json: AsJson = False,
    store: Annotated[
        bool, typer.Option(help="Store the plan for the dashboard, in place of that of today.")
    ] = False,
) -> None:
    """Rank the candidates of the file that the section [bold]locations[/] names.

    For each, it shows the web orders of a month that would move to the café, the share of
    the café's orders that own cafés lose, and how often it is among the first five. These
    are orders that you have already, so they are no gain.

    The exit code is 1 if a row of the file can't be used.

    Example: [bold]clickstream locations plan[/]

    Example: [bold]clickstream locations plan --days 180 --json[/]
    """
    from clickstream.cli.locations_output import location_values, show_plan
    from clickstream.pipeline.sales.location_runs import plan_file, store_plan

    lake, fitted = _fit(days)
    with err.status("Ranking the candidates"):
        planned = plan_file(lake, fitted)
    _print_problems(planned.problems)
    if as_json:
        out.print_json(data=location_values(planned))
    else:
        show_plan(planned, out)
    if store:
        store_plan(lake, f"manual by {getuser()}", planned)
        err.print(f"Stored as the plan of {fitted.day} in the table location_candidates.")
    if planned.problems:
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
    from clickstream.pipeline.sales.location_runs import read_candidate_file

    lake, fitted = _fit(days)
    read = read_candidate_file(lake.settings, fitted.model.market)
    _print_problems(read.problems)
    by_name = {candidate.name: candidate for candidate in read.candidates}
    if name not in by_name:
        raise InputError(
            f"There is no candidate {printable(name)}; the file has {shorten(by_name, 10)}."
        )
    explanation = explain_location(fitted.model, by_name[name])
    if as_json:
        out.print_json(data=explanation_values(explanation))
    else:
        show_explanation(explanation, out)


@app.command()
def candidates(
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of candidates.")] = 20,
    days: Days = 365,
) -> None:
    """Print the towns to which most orders would move as a CSV file, to fill in and to plan with.

    Example: [bold]clickstream locations candidates > candidates.csv[/]
    """
    from clickstream.insight.location_plan import propose_candidates
    from clickstream.sales.candidate_file import write_candidates

    _, fitted = _fit(days)
    proposed = propose_candidates(fitted.model, limit)
    typer.echo(write_candidates(proposed), nl=False)


def _fit(days: int) -> tuple[Lake, FittedMarket]:
    """Read the market of the days before today, and fit the model."""
    from clickstream.pipeline.sales.location_runs import fit_before

    lake = open_lake()
    with err.status("Reading orders and places, and fitting demand and distance"):
        return lake, fit_before(lake, datetime.now(UTC).date(), days)


def _print_problems(problems: Sequence[str]) -> None:
    for problem in problems:
        err.print(Text(printable(problem), "yellow"), soft_wrap=True)
