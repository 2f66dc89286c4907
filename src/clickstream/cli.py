"""The command line: read arguments, call one thing below, show the result."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from clickstream import __version__
from clickstream import settings as settings_room
from clickstream.errors import ClickstreamError
from clickstream.hours import Hour
from clickstream.showing import SHOWN_AS, show_answer

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.pipeline import Finding

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
FromHour = Annotated[
    Hour | None,
    typer.Argument(parser=Hour.first_of, metavar="[FROM]", help="First hour or day, UTC."),
]
ToHour = Annotated[
    Hour | None, typer.Argument(parser=Hour.last_of, metavar="[TO]", help="Last hour or day, UTC.")
]


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
    run_id = _by_hand()
    found = pipeline.standings(lake, first, last)
    todo = pipeline.hours_to_rebuild(found, run_id, only_outdated)
    out.print(pipeline.describe(found), soft_wrap=True)
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
def verify(first: FromHour = None, last: ToHour = None) -> None:
    """Prove from the lake that hours add up, agree with their rows, and form one chain.

    With FROM alone, of that hour; with neither, of all published ones.

    Example: [bold]clickstream verify 2026-11-20T00 2026-11-20T23[/]
    """
    if _found(_open_lake(), first, last or first):
        raise typer.Exit(1)


@app.command()
def mend(
    first: FromHour = None,
    last: ToHour = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is wrong and would be mended.")
    ] = False,
) -> None:
    """Build again what verify finds, and verify the hours once more.

    Example: [bold]clickstream mend 2026-11-20T00 2026-11-20T23[/]
    """
    from clickstream import pipeline

    lake = _open_lake()
    found = _found(lake, first, last or first)
    if not found:
        return
    if dry_run:
        raise typer.Exit(1)
    with _progress() as progress:
        hours = {finding.hour for finding in found}
        progress.add_task(f"Mending {len(hours):,} hours", total=None)
        left = pipeline.mend(lake, found, _by_hand(), progress.print)
    if not _proven(left):
        raise typer.Exit(1)


def _found(lake: Lake, first: Hour | None, last: Hour | None) -> list[Finding]:
    """What verify finds, told."""
    from clickstream import pipeline

    with err.status("Verifying") as status:
        found = pipeline.verify(lake, first, last, status.update)
    _proven(found)
    return found


def _proven(found: list[Finding]) -> bool:
    """Tell what was found; whether it is nothing."""
    for finding in found:
        err.print(f"[red]✗[/] {escape(finding.sentence)}", soft_wrap=True)
    if not found:
        out.print("[green]✓[/] Every published hour adds up, agrees with its rows, and follows on.")
    return not found


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

    if style not in SHOWN_AS:
        raise typer.BadParameter(f"{style!r} is not one of {', '.join(SHOWN_AS)}.")
    show_answer(athena.query(_open_lake(), sys.stdin.read() if sql == "-" else sql), style, out)


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


def _by_hand() -> str:
    """What the ledger calls a run of the command line."""
    return f"by hand at {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _open_lake() -> Lake:
    from clickstream.lake import open_lake

    return open_lake(settings_room.load())


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, TimeRemainingColumn(), console=err, transient=True)


if __name__ == "__main__":
    main()
