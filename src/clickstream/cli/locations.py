"""`clickstream locations`: rank candidates for a new café, and say why."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from getpass import getuser
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from clickstream.cli.console import err, open_lake, out
from clickstream.core.errors import InputError
from clickstream.core.terminal import print_rows
from clickstream.core.wording import format_share, printable, shorten

if TYPE_CHECKING:
    from clickstream.insight.location_explanation import LocationExplanation
    from clickstream.insight.location_plan import LocationPlan, RankedCandidate
    from clickstream.lake import Lake
    from clickstream.pipeline.sales.location_runs import FittedMarket, PlannedLocations

app = typer.Typer(no_args_is_help=True, help="Rank places for a new café by your web orders.")

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
Days = Annotated[
    int, typer.Option(min=28, max=1095, help="Days before today whose orders are read.")
]

RANKING = (
    "candidate",
    ">web orders moved a month",
    ">90 % interval",
    ">from own cafés",
    ">in first 5",
    "",
)


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
    from clickstream.pipeline.sales.location_runs import plan_file, store_plan

    lake, fitted = _fit(days)
    with err.status("Ranking the candidates"):
        planned = plan_file(lake, fitted)
    _print_problems(planned.problems)
    if as_json:
        out.print_json(data=_plan_values(planned))
    else:
        _show_plan(planned)
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
        out.print_json(data=_explanation_values(explanation))
    else:
        _show_explanation(explanation)


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


def _show_plan(planned: PlannedLocations) -> None:
    """Print the ranking, its sentence, and what limits it."""
    out.print(Text(printable(planned.sentence), "bold"), soft_wrap=True)
    if planned.plan.ranked:
        print_rows(RANKING, _ranking(planned.plan), out)
    for note in planned.limits:
        out.print(Text(printable(note), "dim"), soft_wrap=True)


def _ranking(plan: LocationPlan) -> Iterator[Sequence[Text]]:
    from clickstream.insight.location_texts import describe_flag

    for ranked in plan.ranked:
        cells = (
            printable(ranked.candidate.name),
            f"{ranked.orders.middle:,.0f}",
            f"{ranked.orders.low:,.0f} to {ranked.orders.high:,.0f}",
            *(format_share(share) for share in (ranked.own_share, ranked.top_share)),
            printable("; ".join(map(describe_flag, ranked.flags))),
        )
        yield [*map(Text, cells)]


def _show_explanation(explanation: LocationExplanation) -> None:
    """Print the towns that orders come from, and the own cafés that lose some."""
    name = printable(explanation.candidate.name)
    text = f"{name}: about {explanation.at_cafe:,.0f} orders a month would move to the café"
    out.print(Text(text, "bold"))
    towns = [
        [
            printable(town.name),
            f"{town.km:.0f}",
            f"{town.people:,.0f}",
            "few" if town.seen is None else f"{town.seen:,}",
            f"{town.demand:,.1f}",
            f"{town.orders:,.1f}",
        ]
        for town in explanation.towns
    ]
    towns.append(["other towns", "", "", "", "", f"{explanation.other_orders:,.1f}"])
    headings = ("town", ">km", ">people", ">orders seen", ">web orders a month", ">moved")
    print_rows(headings, ([*map(Text, row)] for row in towns), out)
    for lost in explanation.lost:
        number = f"{lost.orders:,.1f}"
        text = f"The café {printable(lost.cafe)} loses about {number} orders a month."
        out.print(Text(text), soft_wrap=True)


def _plan_values(planned: PlannedLocations) -> dict[str, Any]:
    """Return a plan for JSON."""
    plan, model = planned.plan, planned.fitted.model
    decay, online = model.huff.middle
    return {
        "sentence": planned.sentence,
        "candidates": [_candidate_values(ranked) for ranked in plan.ranked],
        "beats_people_alone": plan.check.is_better,
        "check": asdict(plan.check),
        "distance_km": {"middle": decay, "online": online, "source": model.huff.source},
        "notes": [*planned.limits],
        "problems": [*planned.problems],
    }


def _candidate_values(ranked: RankedCandidate) -> dict[str, Any]:
    from clickstream.insight.location_texts import describe_flag

    return {
        "name": ranked.candidate.name,
        "orders": ranked.orders._asdict(),
        "own_share": ranked.own_share,
        "top_share": ranked.top_share,
        "flags": [describe_flag(flag) for flag in ranked.flags],
    }


def _explanation_values(explanation: LocationExplanation) -> dict[str, Any]:
    """Return an explanation for JSON."""
    return {
        "name": explanation.candidate.name,
        "orders": explanation.at_cafe,
        "towns": [town._asdict() for town in explanation.towns],
        "other_orders": explanation.other_orders,
        "from_own_cafes": {lost.cafe: lost.orders for lost in explanation.lost},
    }
