"""`clickstream sales`: check the sources of sales, pull them, and show what the lake has."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from clickstream.cli.console import err, load_settings, open_lake, out, run_by_hand
from clickstream.cli.sales_output import show_check
from clickstream.errors import ClickstreamError, InputError
from clickstream.hours import parse_date
from clickstream.wording import printable, quantity, shorten

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.pipeline.sales.pull import PullPlan
    from clickstream.settings import Settings
    from clickstream.settings.sales import SalesSettings

app = typer.Typer(
    no_args_is_help=True, help="Check and pull the sales of shop databases and CSV files."
)

Names = Annotated[
    list[str] | None, typer.Argument(metavar="[SOURCE]...", help="Sources by name; all by default.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def _date(text: str) -> date:
    try:
        return parse_date(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


First = Annotated[
    date | None, typer.Option("--from", parser=_date, metavar="DATE", help="First UTC date.")
]
Last = Annotated[
    date | None, typer.Option("--to", parser=_date, metavar="DATE", help="Last UTC date.")
]


@app.command()
def check(
    names: Names = None,
    days: Annotated[
        int, typer.Option(min=1, help="Number of the newest dates whose rows are read.")
    ] = 7,
    as_json: AsJson = False,
) -> None:
    """Check for each source what it has, which rows can't be used, and whether its sums agree.

    A database is read in one transaction that can't write. Nothing is stored. The exit code is 1
    if a source can't be read, or if some of its rows can't be used or do not reconcile.

    Example: [bold]clickstream sales check[/]

    Example: [bold]clickstream sales check shop --days 400[/]
    """
    from clickstream.pipeline.sales.check import check_source

    settings, found = load_settings(), []
    for source in _chosen(settings, names):
        with err.status(f"Checking {source.name}"):
            found.append(check_source(settings, source, days))
        if not as_json:
            show_check(found[-1], out)
    if as_json:
        out.print_json(data=[one.as_dict() for one in found])
    if any(one.has_problems for one in found):
        raise typer.Exit(1)


@app.command()
def pull(
    names: Names = None,
    first: First = None,
    last: Last = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show which dates would be pulled; change nothing.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Pull dates that do not differ again, too.")
    ] = False,
) -> None:
    """Pull the dates that differ between the sources and the lake, and refresh the views.

    Without [bold]--from[/], all dates of files are compared, and those of a database since the
    last 400 days ([bold]horizon_days[/]). To continue
    after an interruption, run the same command again. If a source can't be read, the others are
    pulled, and the exit code is 1.

    Example: [bold]clickstream sales pull[/]

    Example: [bold]clickstream sales pull shop --from 2026-01-01 --dry-run[/]

    Example: [bold]clickstream sales pull shop --from 2026-01-01 --to 2026-01-01 --all[/]
    """
    settings = load_settings()
    sources = _chosen(settings, names)
    if first and last and first > last:
        raise InputError(f"--from {first} is after --to {last}.")
    from clickstream.pipeline.publish.publish import refresh_views
    from clickstream.pipeline.sales.pull import plan_pull

    lake, has_failed = open_lake(), False
    for source in sources:
        try:
            with err.status(f"Comparing {source.name}"):
                now = datetime.now(UTC)
                plan = plan_pull(lake, source, now, first, last, everything=everything)
            _pull(lake, plan, dry_run)
        except ClickstreamError as error:
            has_failed = True
            err.print(Text(printable(error.printed), "red"), soft_wrap=True)
    if not dry_run:
        refresh_views(lake)
    if has_failed:
        raise typer.Exit(1)


def _pull(lake: Lake, plan: PullPlan, dry_run: bool) -> None:
    from clickstream.pipeline.sales.pull import pull_dates

    source = plan.source
    if not plan.dates:
        out.print(f"{source.name}: the lake has all {plan.compared}.", soft_wrap=True)
        return
    if dry_run:
        dates = shorten(plan.dates, 20)
        named = quantity(len(plan.dates), "date")
        out.print(f"{source.name}: {named} to pull: {dates}.", soft_wrap=True)
        return
    for number, staged in enumerate(pull_dates(lake, source, plan.dates, run_by_hand()), 1):
        out.print(f"{number}/{len(plan.dates)}  {staged.sentence}", highlight=False, soft_wrap=True)


@app.command()
def status(
    names: Names = None,
    days: Annotated[int, typer.Option(min=1, help="Number of the newest dates to show.")] = 14,
    as_json: AsJson = False,
) -> None:
    """Show the sales of the newest dates in the lake, and what does not reconcile.

    The exit code is 1 if a source has no date in the lake, or if rows of a date were rejected or
    do not reconcile.

    Example: [bold]clickstream sales status --days 31[/]
    """
    from clickstream.pipeline.sales.status import newest_dates

    settings = load_settings()
    sources = [one.name for one in _chosen(settings, names)]
    rows = newest_dates(open_lake(), sources, days, datetime.now(UTC).date())
    if as_json:
        out.print_json(data=[one.as_dict() for one in rows])
    else:
        _show_dates([one.cells for one in rows])
        for name in sorted({*sources} - {one.source for one in rows}):
            out.print(Text(f"{name}: the lake has none of its dates. Run: clickstream sales pull"))
    if {*sources} - {one.source for one in rows} or any(one.has_problems for one in rows):
        raise typer.Exit(1)


def _show_dates(rows: list[tuple[str, ...]]) -> None:
    if not rows:
        return
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in ("date", "source", "orders", "gross", "refunds", "net", "", "rejected", "differ"):
        is_text = name in ("date", "source", "")
        table.add_column(name, justify="left" if is_text else "right")
    for row in rows:
        table.add_row(*row)
    out.print(table)


def _chosen(settings: Settings, names: list[str] | None) -> list[SalesSettings]:
    sources = settings.sales
    if not sources:
        raise InputError("No source of sales is set; add a [[sales]] section to the settings.")
    from clickstream.pipeline.sales.opening import find_source

    return [find_source(settings, name) for name in dict.fromkeys(names)] if names else [*sources]
