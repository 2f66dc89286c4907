"""The command line: read arguments, call one thing below, show the result."""

from __future__ import annotations

import csv
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from clickstream import __version__
from clickstream import settings as settings_room
from clickstream.errors import ClickstreamError
from clickstream.hours import Hour

if TYPE_CHECKING:
    from clickstream.lake import Lake, QueryResult

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="AnyCompany Café's clickstream: web-server access logs in, answers out, every hour.",
)
out = Console()
err = Console(stderr=True)

FirstHour = Annotated[
    Hour, typer.Argument(parser=Hour.first_of, metavar="FROM", help="First hour or day, UTC.")
]
LastHour = Annotated[
    Hour, typer.Argument(parser=Hour.last_of, metavar="TO", help="Last hour or day, UTC.")
]
AirflowPort = Annotated[int, typer.Option(metavar="PORT", help="Port of Airflow's web UI.")]
AwsPort = Annotated[int, typer.Option(metavar="PORT", help="Port of the local AWS.")]
HourOption = Annotated[Hour | None, typer.Option(parser=Hour.parse, metavar="HOUR")]


def main() -> None:
    """Run the command line; an error of ours is one sentence on stderr and exit code 1."""
    try:
        app()
    except ClickstreamError as error:
        err.print(f"[red]clickstream:[/] {escape(str(error))}", soft_wrap=True)
        sys.exit(1)


def _version(wanted: bool) -> None:
    if wanted:
        out.print(f"clickstream {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command("try")
def try_(
    logs: Annotated[
        list[str] | None, typer.Argument(metavar="LOG...", help="Log files; - is stdin.")
    ] = None,
    log_format: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="NAME",
            help=r"auto, a name of docs/formats.md, or one of the settings' \[formats].",
        ),
    ] = "auto",
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    line: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="LINE",
            help="Show what becomes of one line and why: the line, or its number in LOG.",
        ),
    ] = None,
) -> None:
    """Read logs straight, without AWS or Airflow, and report what is in them.

    Example: [bold]clickstream try /var/log/nginx/access.log*[/]

    Example: [bold]clickstream try access.log --explain 17[/]
    """
    from clickstream.trial import run_trial
    from clickstream.trial.explain import show_explanation

    chosen = settings_room.load()
    if line is not None:
        raise typer.Exit(show_explanation(line, logs or [], log_format, chosen, out))
    if not logs:
        raise typer.BadParameter("name at least one log, or - for stdin.", param_hint="LOG")
    raise typer.Exit(run_trial(logs, log_format, as_json, out, chosen))


@app.command()
def build(
    first: FirstHour,
    last: LastHour,
    pull_first: Annotated[
        bool, typer.Option("--pull/--no-pull", help="Pull the sources' new lines first.")
    ] = True,
    only_outdated: Annotated[
        bool, typer.Option("--outdated", help="Leave out hours that another build can't change.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be built, and touch nothing.")
    ] = False,
) -> None:
    """Build every hour from the first to the last and refresh the views, without Airflow.

    After an interruption, the same command with [bold]--outdated[/] goes on where it stopped.

    Example: [bold]clickstream build 2026-11-20T00 2026-11-20T23[/]

    Example: [bold]clickstream build 2026-11-01 2026-11-30 --outdated --dry-run[/]
    """
    from clickstream import pipeline

    lake, (first, last) = _open_lake(), pipeline.check_range(first, last)
    if pull_first and not dry_run:
        _pull_all(lake)
    run_id = f"by hand at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
    todo = pipeline.hours_to_rebuild(lake, first, last, run_id, only_outdated)
    out.print(pipeline.describe(pipeline.standings(lake, first, last)), soft_wrap=True)
    if dry_run:
        out.print(f"Would build {len(todo):,} hours: {_hours(todo)}.", soft_wrap=True)
        return
    _rebuild(lake, todo, run_id)
    out.print(pipeline.refresh_views(lake).sentence, soft_wrap=True)


def _pull_all(lake: Lake) -> None:
    from clickstream import pipeline

    for source in lake.settings.sources:
        pulled = pipeline.pull(lake, source)
        out.print(pulled.sentence, soft_wrap=True)
        for reason in pulled.refused:
            err.print(f"[red]✗[/] {escape(reason)}", soft_wrap=True)


def _rebuild(lake: Lake, todo: list[Hour], run_id: str) -> None:
    from clickstream import pipeline

    with _progress() as progress:
        bar = progress.add_task("Hours", total=len(todo))
        pace = pipeline.Pace(todo)
        for published in pipeline.rebuild(lake, todo, run_id):
            progress.print(published.sentence, soft_wrap=True)
            pace.count(published)
            progress.update(bar, completed=pace.done)


def _hours(hours: list[Hour]) -> str:
    return ", ".join(map(str, hours)) or "none"


@app.command()
def verify(first: HourOption = None, last: HourOption = None) -> None:
    """Prove from the lake that hours add up, agree with their rows, and form one chain.

    Example: [bold]clickstream verify --first 2026-11-20T00 --last 2026-11-20T23[/]
    """
    from clickstream import pipeline

    findings = pipeline.verify(_open_lake(), first, last)
    for finding in findings:
        err.print(f"[red]✗[/] {escape(finding.sentence)}", soft_wrap=True)
    if findings:
        raise typer.Exit(1)
    out.print("[green]✓[/] Every published hour adds up, agrees with its rows, and follows on.")


@app.command()
def upkeep(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Compact days that are over, forget old snapshots, delete what nothing needs.

    Example: [bold]clickstream upkeep --dry-run[/]
    """
    from clickstream import pipeline

    lake, now = _open_lake(), datetime.now(UTC)
    with err.status("Upkeep") as status:
        compacted = pipeline.compact_days(lake, now, dry_run, status.update)
        out.print(compacted.sentence, soft_wrap=True)
        out.print(pipeline.expire_snapshots(lake, now, dry_run).sentence, soft_wrap=True)
        out.print(pipeline.sweep_files(lake, now, dry_run, status.update).sentence, soft_wrap=True)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One statement; - reads it from stdin.")],
    style: Annotated[
        str, typer.Option("--format", metavar="STYLE", help="table, csv or json.")
    ] = "table",
) -> None:
    """Ask Athena, and print the answer.

    Example: [bold]clickstream query "select * from daily_traffic" --format csv[/]
    """
    from clickstream.lake import athena

    show = {"table": _show_table, "csv": _show_csv, "json": _show_json}.get(style)
    if show is None:
        raise typer.BadParameter(f"{style!r} is not one of table, csv, json.")
    show(athena.query(_open_lake(), sys.stdin.read() if sql == "-" else sql))


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show every setting: its value now, and what it means.

    Example: [bold]CLICKSTREAM_SESSIONS__GAP_SECONDS=900 clickstream settings[/]
    """
    chosen = settings_room.load()
    if as_json:
        out.print_json(chosen.model_dump_json())
        return
    table = Table("Setting", "Value", "Meaning", box=None, header_style="bold")
    for name, value, meaning in chosen.describe():
        table.add_row(name, escape(value), escape(meaning))
    out.print(table)


@app.command()
def up(airflow_port: AirflowPort = 8080, aws_port: AwsPort = 4566) -> None:
    """Start the local AWS, PostgreSQL and Airflow on this machine; Ctrl-C stops them all.

    Example: [bold]clickstream up --airflow-port 9090[/]
    """
    from clickstream.local.stack import Ports
    from clickstream.local.stack import up as start

    raise typer.Exit(start(Path.cwd(), Ports(airflow_port, aws_port), console=out))


@app.command()
def demo(
    logs: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Your own access logs: a directory or file.")
    ] = None,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="Stop when the answers are there.")
    ] = False,
    airflow_port: AirflowPort = 8080,
    aws_port: AwsPort = 4566,
) -> None:
    """Simulate a café, or take your own logs, and let Airflow build 48 hours of it.

    Example: [bold]clickstream demo --logs /var/log/nginx[/]
    """
    from clickstream.local.demo import run_demo
    from clickstream.local.stack import Ports

    ports = Ports(airflow_port, aws_port)
    raise typer.Exit(run_demo(logs, exit_when_done, ports=ports, console=out))


def _open_lake() -> Lake:
    from clickstream.lake import open_lake

    return open_lake(settings_room.load())


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True)


def _show_table(result: QueryResult) -> None:
    """Print a table or, where it is wider than the terminal, one record after the other."""
    table = Table(header_style="bold", box=SIMPLE_HEAD)
    for position, name in enumerate(result.columns):
        numbers = all(isinstance(row[position], int | float | None) for row in result.rows)
        table.add_column(name, justify="right" if numbers else "left")
    for row in result.rows:
        table.add_row(*map(_cell, row))
    if Measurement.get(out, out.options.update(width=10_000), table).maximum <= out.width:
        out.print(table)
        return
    for row in result.rows:
        record = Table(Column(style="bold"), Column(overflow="fold"), box=None, show_header=False)
        for name, value in zip(result.columns, row, strict=True):
            record.add_row(name, _cell(value))
        out.print(record, "")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return f"{value:.4g}" if isinstance(value, float) else escape(str(value))


def _show_csv(result: QueryResult) -> None:
    writer = csv.writer(sys.stdout)
    writer.writerows([result.columns, *result.rows])


def _show_json(result: QueryResult) -> None:
    def plain(value: Any) -> str:
        return value.isoformat() if hasattr(value, "isoformat") else str(value)

    sys.stdout.write(json.dumps(result.records(), default=plain, indent=2) + "\n")


if __name__ == "__main__":
    main()
