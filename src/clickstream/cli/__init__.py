"""The `clickstream` command.

Each command reads its arguments, calls one function of another package, and prints the result.
"""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from clickstream import __version__
from clickstream.cli import (
    alerts,
    aws,
    bots,
    build,
    dashboard,
    digest,
    health,
    lift,
    locations,
    open_logs,
    sales,
    sources,
)
from clickstream.cli.console import (
    AirflowPort,
    AwsPort,
    DashboardPort,
    FormatOfLogs,
    ProxiesOfLogs,
    TimeZoneOfLogs,
    err,
    load_settings,
    load_settings_for_logs,
    open_lake,
    out,
    print_error,
    refuse_missing,
)
from clickstream.cli.missing_packages import CommandGroup
from clickstream.core.errors import ClickstreamError
from clickstream.core.memory import use_system_allocator
from clickstream.query_output import STYLES, show_result

app = typer.Typer(
    cls=CommandGroup,
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Build sessions and traffic figures from web-server access logs, hour by hour.",
)


def main() -> None:
    """Run the command line.

    An error of the library is printed with its code on stderr, and the exit code is 1.
    """
    use_system_allocator()
    try:
        app()
    except ClickstreamError as error:
        print_error(error)
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
    log_format: FormatOfLogs = "auto",
    time_zone: TimeZoneOfLogs = None,
    proxies: ProxiesOfLogs = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the figures as JSON.")] = False,
    line: Annotated[
        str | None,
        typer.Option(
            "--explain",
            metavar="LINE",
            help="Explain how one line is processed. LINE is the line, or its number in LOG. The "
            "site's own domain and its proxies are inferred from LOG.",
        ),
    ] = None,
) -> None:
    """Report what log files contain, without AWS or Airflow.

    Example: [bold]clickstream try /var/log/nginx/access.log*[/]

    Example: [bold]clickstream try /var/log/nginx[/]

    Example: [bold]clickstream try access.log --explain 17[/]
    """
    if not logs and line is None:
        raise typer.BadParameter("name at least one log, or - for stdin.", param_hint="LOG")
    refuse_missing(logs or [])
    settings = load_settings_for_logs(time_zone, proxies)
    if line is not None:
        from clickstream.logs.explain import show_explanation

        raise typer.Exit(show_explanation(line, logs or [], log_format, settings, out))
    from clickstream.logs.trial import run_trial

    raise typer.Exit(run_trial(logs or [], log_format, as_json, out, settings))


app.command("open")(open_logs.open_)
app.command()(build.build)
app.command()(health.status)
app.command()(health.verify)
app.command()(health.repair)
app.command()(digest.digest)
app.command()(alerts.watch)
app.add_typer(alerts.app, name="alerts")
app.add_typer(dashboard.app, name="dashboard")
app.add_typer(sources.app, name="sources")
app.add_typer(sales.app, name="sales")
app.add_typer(lift.app, name="lift")
app.add_typer(locations.app, name="locations")
app.add_typer(bots.app, name="bots")
app.add_typer(aws.app, name="aws")


@app.command()
def facts(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be computed; change nothing.")
    ] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Compute all dates, also those without a change.")
    ] = False,
) -> None:
    """Search for suspected machines, and update the dashboard's facts.

    [bold]build[/], [bold]repair[/] and the DAG runs do this as their last step.
    By default, the command computes only dates whose hours were published since
    the last update, or whose views changed.

    Example: [bold]clickstream facts --dry-run[/]
    """
    from clickstream.pipeline.publish.facts import refresh_facts
    from clickstream.pipeline.publish.suspects import find_suspects

    lake = open_lake()
    with err.status("Suspected machines") as status:
        searched = find_suspects(lake, status.update, dry_run=dry_run)
    out.print(searched.sentence, soft_wrap=True)
    with err.status("Facts") as status:
        refreshed = refresh_facts(lake, status.update, dry_run=dry_run, everything=everything)
    out.print(refreshed.sentence, soft_wrap=True)


@app.command()
def maintain(
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be done; change nothing.")
    ] = False,
) -> None:
    """Compact past days, expire old Iceberg snapshots, and delete unused or expired files.

    Example: [bold]clickstream maintain --dry-run[/]
    """
    from clickstream.pipeline.publish.maintenance import compact_days, expire_snapshots, sweep_files

    lake, now = open_lake(), datetime.now(UTC)
    with err.status("Maintenance") as status:
        compacted = compact_days(lake, now, dry_run, status.update)
        out.print(compacted.sentence, soft_wrap=True)
        out.print(expire_snapshots(lake, now, dry_run).sentence, soft_wrap=True)
        out.print(sweep_files(lake, now, dry_run, status.update).sentence, soft_wrap=True)


@app.command()
def query(
    sql: Annotated[str, typer.Argument(help="One SQL statement; - reads it from stdin.")],
    style: Annotated[
        str, typer.Option("--format", metavar="STYLE", help="Output format: table, csv or json.")
    ] = "table",
) -> None:
    """Run a SQL statement on Athena and print the result.

    Example: [bold]clickstream query "select * from daily_traffic" --format csv[/]
    """
    from clickstream.lake import athena

    if style not in STYLES:
        raise typer.BadParameter(f"{style!r} is not one of {', '.join(STYLES)}.")
    show_result(athena.query(open_lake(), sys.stdin.read() if sql == "-" else sql), style, out)


@app.command()
def settings(
    as_json: Annotated[bool, typer.Option("--json", help="Print the settings as JSON.")] = False,
) -> None:
    """Show all settings with their current values and meanings.

    Example: [bold]CLICKSTREAM_SESSIONS__TIMEOUT_SECONDS=900 clickstream settings[/]
    """
    chosen = load_settings()
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
    """Start the local stack: a local AWS, PostgreSQL, Airflow and the dashboard.

    Where `clickstream demo` has run before, the simulated café and its shop continue, with the
    settings of cafe.toml. Ctrl-C stops all of them.

    Example: [bold]clickstream up --airflow-port 9090[/]
    """
    from clickstream.demo.stack import Ports, StackLayout
    from clickstream.demo.stack import up as start
    from clickstream.demo.traffic import cafe_of

    layout, ports = StackLayout(Path.cwd()), Ports(airflow_port, aws_port, dashboard_port)
    raise typer.Exit(start(layout, ports, *cafe_of(layout), console=out))


@app.command()
def demo(
    logs: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Use your own access logs: a directory or a file."),
    ] = None,
    exit_when_done: Annotated[
        bool, typer.Option("--exit", help="Stop when all hours are built and verified.")
    ] = False,
    airflow_port: AirflowPort = 8080,
    aws_port: AwsPort = 4566,
    dashboard_port: DashboardPort = 8095,
) -> None:
    """Start the local stack and build four weeks of a simulated café's logs, or your own logs.

    Airflow builds the newest 12 hours and what follows. The hours before are built while
    it starts. With [bold]--exit[/], the exit code is 0 if verification finds no failure.

    Example: [bold]clickstream demo --logs /var/log/nginx[/]
    """
    from clickstream.demo.demo import run_demo
    from clickstream.demo.stack import Ports

    ports = Ports(airflow_port, aws_port, dashboard_port)
    raise typer.Exit(run_demo(logs, exit_when_done, ports=ports, console=out))
