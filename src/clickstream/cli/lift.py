"""`clickstream lift`: plan holdout tests of campaigns, and evaluate them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from clickstream.cli.console import err, load_settings, open_lake, out
from clickstream.core.errors import InputError
from clickstream.core.wording import printable, printable_lines
from clickstream.insight.holdout_terms import BEFORE_DAYS, TestedMetric

if TYPE_CHECKING:
    from clickstream.insight.holdout import Lift, NoAnswer
    from clickstream.insight.holdout_panel import RegionHistory
    from clickstream.insight.holdout_plan import HoldoutPlan
    from clickstream.lake import Lake
    from clickstream.settings import Settings
    from clickstream.settings.holdouts import HoldoutSettings

app = typer.Typer(
    no_args_is_help=True, help="Plan and evaluate tests in which campaigns are switched off."
)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


@app.command()
def plan(
    campaigns: Annotated[
        list[str],
        typer.Option("--campaign", metavar="NAME", help="A utm_campaign; may be repeated."),
    ],
    weeks: Annotated[
        list[int] | None,
        typer.Option(min=2, max=26, help="Weeks of a test; 2, 3, 4, 6 and 8 by default."),
    ] = None,
    metric: Annotated[TestedMetric, typer.Option(help="What is compared.")] = "orders",
    before_days: Annotated[
        int, typer.Option(min=14, max=366, help="Days before a test to which it is compared.")
    ] = BEFORE_DAYS,
    as_json: AsJson = False,
) -> None:
    """Propose regions and weeks for a test, with the smallest effect that it would find.

    The evaluation is tried at earlier dates, at which nothing was switched off. So the
    answer is about your traffic. The command changes nothing: switch the campaign off
    at its platform, and add a section [bold]holdouts[/] to the settings.

    The exit code is 1 if the lake has too little history.

    Example: [bold]clickstream lift plan --campaign "cakes near me"[/]

    Example: [bold]clickstream lift plan --campaign spring_cakes --weeks 4 --metric visits[/]
    """
    from clickstream.cli.lift_output import plan_values, show_plan
    from clickstream.insight.holdout_texts import describe_plan, settings_section

    names, today = [name.strip().lower() for name in campaigns], datetime.now(UTC).date()
    proposal, history = _plan(metric, names, weeks, before_days, today)
    if as_json:
        out.print_json(data=plan_values(proposal, history))
    else:
        show_plan(proposal, history, metric, out)
        out.print(Text(describe_plan(proposal, metric)), soft_wrap=True)
        if proposal.best:
            section = settings_section(names, metric, proposal.best, proposal.before_days, today)
            text = f"\nFor the settings:\n\n{printable_lines(section)}"
            out.print(Text(text), soft_wrap=True)
    if proposal.refusal:
        raise typer.Exit(1)


def _plan(
    metric: TestedMetric,
    campaigns: Sequence[str],
    weeks: Sequence[int] | None,
    before_days: int,
    today: date,
) -> tuple[HoldoutPlan, RegionHistory]:
    """Read the newest dates before today, and try tests on them."""
    from clickstream.insight import holdout_plan
    from clickstream.insight.holdout_history import leave_out_tests

    lake, lengths = open_lake(), weeks or holdout_plan.WEEKS
    days = holdout_plan.days_of_plan(lengths, before_days)
    dates = today - timedelta(days=days), today - timedelta(days=1)
    with err.status("Reading the values of regions") as status:
        history = _read_history(lake, metric, campaigns, *dates)
        _check_history(history, campaigns, days)
        status.update("Trying tests at earlier dates")
        panel = leave_out_tests(history.panel, lake.settings.holdouts, today)
        return holdout_plan.plan(panel, history.of_campaigns, lengths, before_days), history


def _read_history(
    lake: Lake, metric: TestedMetric, campaigns: Sequence[str], first: date, last: date
) -> RegionHistory:
    """Read the values of two UTC dates and those between.

    Raises InputError if the metric needs sales, and the settings have none.
    """
    from clickstream.insight.holdout_history import history_of_rows, history_sql
    from clickstream.lake import athena

    if metric != "visits" and not lake.settings.sales:
        raise InputError(
            f"The metric {metric} needs orders, and the settings have no [[sales]]: add a source, "
            "or choose the metric visits."
        )
    sql = history_sql(metric, campaigns, first, last)
    return history_of_rows(metric, athena.query(lake, sql).rows)


def _check_history(history: RegionHistory, campaigns: Sequence[str], days: int) -> None:
    """Raise InputError if the lake has no date, no region, or nothing of the campaigns."""
    if not history.panel.dates:
        raise InputError(
            f"The lake has no hour of the last {days} days: build hours first, for example "
            "with clickstream build."
        )
    if not history.panel.regions:
        raise InputError(
            "No value has a region: set a database of places under [geoip] (docs/places.md), or "
            "choose --metric visits if no order is matched to a visit."
        )
    if not history.of_campaigns.any():
        raise InputError(
            f"Nothing came by the campaign {', '.join(campaigns)} within {days} days: write "
            "it as utm_campaign has it; clickstream sales tags lists tags."
        )


@app.command()
def evaluate(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAME]...", help="Tests by name; all by default."),
    ] = None,
    as_json: AsJson = False,
    plot: Annotated[
        Path | None,
        typer.Option(metavar="FILE.svg", help="Write a chart of one test as SVG."),
    ] = None,
) -> None:
    """Say what campaigns brought, by the tests in the section [bold]holdouts[/].

    A control of other regions says what the tested regions would have had. A test that
    is not over has the result so far: do not end it because of that result, since this
    finds effects by chance.

    The exit code is 1 if a test has no result.

    Example: [bold]clickstream lift evaluate[/]

    Example: [bold]clickstream lift evaluate cakes-in-autumn --plot lift.svg[/]
    """
    from clickstream.cli.lift_output import draw_lift, lift_values, show_result
    from clickstream.insight.holdout import Lift, NoAnswer

    settings = load_settings()
    tests = _choose(settings, names)
    if plot and len(tests) > 1:
        raise InputError("--plot draws one test: name it, as in clickstream lift evaluate NAME.")
    lake, today = open_lake(), datetime.now(UTC).date()
    results = []
    for test in tests:
        with err.status(f"Evaluating {test.name}"):
            results.append((test, *_evaluate(lake, test, today)))
    if as_json:
        out.print_json(data=[lift_values(*evaluated) for evaluated in results])
    else:
        for evaluated in results:
            show_result(*evaluated, settings.sales_currency, out)
    test, result, _ = results[0]
    if plot and isinstance(result, Lift):
        scale = 100 if test.metric == "net_sales" else 1
        plot.write_text(draw_lift(result, test.name, scale), encoding="utf-8")
        err.print(Text(f"The chart is written to {printable(str(plot))}."), soft_wrap=True)
    if any(isinstance(result, NoAnswer) for _, result, _ in results):
        raise typer.Exit(1)


def _choose(settings: Settings, names: list[str] | None) -> Sequence[HoldoutSettings]:
    """Return the tests with the names; all without names."""
    tests = {test.name: test for test in settings.holdouts}
    if not tests:
        raise InputError("No test is set; add a [[holdouts]] section to the settings.")
    for name in names or ():
        if name not in tests:
            raise InputError(
                f"There is no test {printable(name)}; the settings have {', '.join(tests)}."
            )
    return [tests[name] for name in dict.fromkeys(names or tests)]


def _evaluate(
    lake: Lake, test: HoldoutSettings, today: date
) -> tuple[Lift | NoAnswer, Sequence[str]]:
    """Return the result of a test, and what limits it."""
    from clickstream.insight.holdout_history import dates_of_test, evaluate_test

    history = _read_history(lake, test.metric, test.campaigns, *dates_of_test(test, today))
    return evaluate_test(history, test, lake.settings.holdouts)
