"""The command line: read arguments, call one thing below, show the result."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clickstream import __version__
from clickstream import settings as settings_room
from clickstream.cli import build, dashboard, digest, health, sources
from clickstream.cli.console import (
    AirflowPort,
    AwsPort,
    DashboardPort,
    err,
    open_lake,
    out,
)
from clickstream.errors import ClickstreamError, InputError
from clickstream.memory import use_system_allocator
from clickstream.query_output import STYLES, show_result

app = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="AnyCompany Café's clickstream: web-server access logs in, answers out, every hour.",
)


def main() -> None:
    """Run the command line.

    An error of the library is printed with its code on stderr, and the exit code is 1.
    """
    use_system_allocator()
    try:
        app()
    except ClickstreamError as error:
        err.print(f"[red]clickstream:[/] {escape(error.printed)}", soft_wrap=True)
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
        list[str] | None,
        typer.Argument(metavar="LOG...", help="Log files or directories; - is stdin."),
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

    Example: [bold]clickstream try /var/log/nginx[/]

    Example: [bold]clickstream try access.log --explain 17[/]
    """
    from clickstream.report import run_trial
    from clickstream.report.explain import show_explanation

    chosen = settings_room.load()
    if line is not None:
        raise typer.Exit(show_explanation(line, logs or [], log_format, chosen, out))
    if not logs:
        raise typer.BadParameter("name at least one log, or - for stdin.", param_hint="LOG")
    raise typer.Exit(run_trial(logs, log_format, as_json, out, chosen))


app.command()(build.build)
app.command()(health.status)
app.command()(health.verify)
app.command()(health.repair)
app.command()(digest.digest)
app.add_typer(dashboard.app, name="dashboard")
app.add_typer(sources.app, name="sources")

RENAMED_COMMANDS = {"mend": "repair", "upkeep": "maintain"}


def _refuse_renamed(old: str, new: str) -> None:
    """Register a hidden command under an old name that says the new one."""

    def refuse() -> None:
        raise InputError(f"The command {old} is called {new} now: clickstream {new} --help.")

    anything = {"allow_extra_args": True, "ignore_unknown_options": True}
    app.command(old, hidden=True, add_help_option=False, context_settings=anything)(refuse)


for old_name, new_name in RENAMED_COMMANDS.items():
    _refuse_renamed(old_name, new_name)


@app.command()
def facts(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be computed.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Compute every date, though its hours are the same.")
    ] = False,
) -> None:
    """Bring the dashboard's facts up to date with the published hours.

    [bold]build[/], [bold]repair[/] and Airflow's runs end with it. Only dates are computed whose
    hours were published since, or whose views changed.

    Example: [bold]clickstream facts --dry-run[/]
    """
    from clickstream import pipeline

    with err.status("Facts") as status:
        refreshed = pipeline.refresh_facts(
            open_lake(), status.update, dry_run=dry_run, everything=everything
        )
    out.print(refreshed.sentence, soft_wrap=True)


@app.command()
def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what would be done.")
    ] = False,
) -> None:
    """Compact days that are over, forget old snapshots, delete what nothing needs.

    Example: [bold]clickstream maintain --dry-run[/]
    """
    from clickstream import pipeline

    lake, now = open_lake(), datetime.now(UTC)
    with err.status("Maintenance") as status:
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

    if style not in STYLES:
        raise typer.BadParameter(f"{style!r} is not one of {', '.join(STYLES)}.")
    show_result(athena.query(open_lake(), sys.stdin.read() if sql == "-" else sql), style, out)


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print them as JSON.")] = False,
) -> None:
    """Show every setting: its value now, and what it means.

    Example: [bold]CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS=900 clickstream settings[/]
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
def up(
    airflow_port: AirflowPort = 8080, aws_port: AwsPort = 4566, dashboard_port: DashboardPort = 8095
) -> None:
    """Start the local AWS, PostgreSQL, Airflow and the dashboard here; Ctrl-C stops them all.

    Example: [bold]clickstream up --airflow-port 9090[/]
    """
    from clickstream.demo.stack import Ports
    from clickstream.demo.stack import up as start

    ports = Ports(airflow_port, aws_port, dashboard_port)
    raise typer.Exit(start(Path.cwd(), ports, console=out))


@app.command()
def demo(
    logs: Annotated[
        Path | None, typer.Option(metavar="PATH", help="Your own access logs: a directory or file.")
    ] = None,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="Stop when the answers are there.")
    ] = False,
    history: Annotated[
        bool, typer.Option(help="Build the café's four weeks before as well.")
    ] = True,
    airflow_port: AirflowPort = 8080,
    aws_port: AwsPort = 4566,
    dashboard_port: DashboardPort = 8095,
) -> None:
    """Simulate a café, or take your own logs, and let Airflow build 48 hours of it.

    The café's four weeks before follow, newest first; with --exit, one day of them.

    Example: [bold]clickstream demo --logs /var/log/nginx[/]
    """
    from clickstream.demo.demo import run_demo
    from clickstream.demo.stack import Ports

    ports = Ports(airflow_port, aws_port, dashboard_port)
    raise typer.Exit(run_demo(logs, exit_when_done, history, ports=ports, console=out))
