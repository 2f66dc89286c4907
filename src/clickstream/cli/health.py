"""Commands on the health of the lake: status, verify, repair."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import (
    FromSpan,
    ToSpan,
    err,
    open_lake,
    out,
    print_error,
    progress_bar,
    run_by_hand,
)
from clickstream.cli.status_output import show_status, status_values
from clickstream.errors import ClickstreamError, InputError
from clickstream.hours import Hour, HourSpan, hour_range
from clickstream.wording import parse_duration, quantity

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.pipeline.proof.report import VerifyReport
    from clickstream.pipeline.proof.stored_bytes import BytesReport


BYTES_NOT_READ = (
    "These checks do not read all stored bytes. To read them all and find damaged objects, run "
    "clickstream verify --deep."
)


def _duration(text: str) -> timedelta:
    """Parse a duration of `status`.

    Raises BadParameter, which exits with code 2: exit code 1 of `status` means late or incomplete.
    """
    try:
        return parse_duration(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def _span(text: str) -> HourSpan:
    try:
        return HourSpan.parse(text)
    except InputError as error:
        raise typer.BadParameter(str(error)) from None


def status(
    max_lag: Annotated[
        timedelta,
        typer.Option(
            parser=_duration,
            metavar="DURATION",
            help="Allowed age of the newest published hour, waiting lines and the last pull.",
        ),
    ] = "3h",  # type: ignore[assignment]  # typer parses the default
    max_source_lag: Annotated[
        timedelta,
        typer.Option(
            parser=_duration,
            metavar="DURATION",
            help="Allowed age of a host's newest line; a quiet site may log nothing for hours.",
        ),
    ] = "24h",  # type: ignore[assignment]
    since: Annotated[
        HourSpan | None,
        typer.Option(
            parser=_span,
            metavar="DAY",
            help="First day or hour to check, UTC; 35 days ago by default.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show how recent the lake is, which hours have lines to build, and what is missing.

    Exit codes for monitoring: 0 if the lake is recent and complete; 1 if something
    is late or missing; 2 if this can't be determined, because no hour is published,
    a source was never pulled, or AWS does not answer.

    Example: [bold]clickstream status --max-lag 6h[/]

    Example: [bold]clickstream status --json[/]
    """
    from clickstream.pipeline.proof.freshness import FreshnessLimits, Health, lake_freshness

    limits = FreshnessLimits(max_lag, max_source_lag)
    now = datetime.now(UTC)
    try:
        found = lake_freshness(open_lake(), now, since.first if since else None, limits)
    except ClickstreamError as error:
        print_error(error)
        raise typer.Exit(Health.UNKNOWN.exit_code) from None
    if as_json:
        out.print_json(data=status_values(found))
    else:
        show_status(found, out)
    raise typer.Exit(found.health.exit_code)


def verify(
    first: FromSpan = None,
    last: ToSpan = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Read all stored bytes first: data files and raw objects."),
    ] = False,
) -> None:
    """Check that line balances close and match the rows, and that the session chain is intact.

    With FROM alone, check that hour or day; without FROM and TO, check all hours.
    The command also lists the hours of the range that are not published.

    The exit code is 1 if a check fails, if a past hour has raw lines but is not
    published, or if no hour of the range is published.

    Only [bold]--deep[/] reads all stored bytes and names damaged objects.

    Example: [bold]clickstream verify 2026-11-20T00 2026-11-20T23[/]

    Example: [bold]clickstream verify 2026-11-20[/]

    Example: [bold]clickstream verify --deep 2026-11-20[/]
    """
    lake = open_lake()
    is_whole = _has_whole_bytes(lake, first, last) if deep else True
    is_proven = _verify_range(lake, first, last).is_proven
    if not deep:
        out.print(BYTES_NOT_READ, soft_wrap=True)
    if not (is_proven and is_whole):
        raise typer.Exit(1)


def repair(
    first: FromSpan = None,
    last: ToSpan = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show what would be repaired; change nothing."),
    ] = False,
) -> None:
    """Build again the hours that verify reports as wrong, then verify them again.

    The command does not build hours that were never built; use [bold]clickstream build[/].

    Example: [bold]clickstream repair 2026-11-20T00 2026-11-20T23[/]
    """
    from clickstream.pipeline.hour.outdated import describe_reach
    from clickstream.pipeline.proof.repair import repair as repair_hours
    from clickstream.pipeline.publish.facts import refresh_facts
    from clickstream.pipeline.publish.publish import refresh_views

    lake = open_lake()
    report = _verify_range(lake, first, last)
    left_waiting = set(report.waiting)
    if report.findings and dry_run:
        todo = {finding.hour for finding in report.findings if finding.remedy == "build again"}
        out.print(describe_reach(lake, todo), soft_wrap=True)
    if report.findings and not dry_run:
        hours = {finding.hour for finding in report.findings}
        with progress_bar() as progress:
            progress.add_task(f"Repairing {quantity(len(hours), 'hour')}", total=None)
            report = repair_hours(lake, report, run_by_hand(), progress.print)
            progress.print(refresh_views(lake).sentence, soft_wrap=True)
            progress.print(refresh_facts(lake).sentence, soft_wrap=True)
        left_waiting -= {*hour_range(min(hours), max(hours))}
        _show_proofs(report)
    if left_waiting or not report.is_proven:
        raise typer.Exit(1)


def _has_whole_bytes(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> bool:
    """Read all stored bytes of a range of hours and print damaged objects.

    Return whether no object is damaged.
    """
    from clickstream.pipeline.proof.stored_bytes import check_stored_bytes

    with err.status("Reading all bytes") as status:
        report = check_stored_bytes(lake, *_ends(first, last), status.update)
    _show(report, "No stored object of these hours is damaged." if report.is_whole else "")
    return report.is_whole


def _ends(first: HourSpan | None, last: HourSpan | None) -> tuple[Hour | None, Hour | None]:
    return (first.first, (last or first).last) if first else (None, None)


def _verify_range(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> VerifyReport:
    """Verify a range of hours, and print the report."""
    from clickstream.pipeline.proof.verify import verify as verify_hours

    with err.status("Verifying") as status:
        report = verify_hours(lake, *_ends(first, last), status.update)
    _show_proofs(report)
    return report


def _show_proofs(report: VerifyReport) -> None:
    good = (
        "The line balance of every published hour closes and matches its rows, and the session "
        "chain is intact."
    )
    _show(report, good if report.is_proven else "")


def _show(report: VerifyReport | BytesReport, good: str) -> None:
    """Print a report: its summary, notes and failures, then `good` if it is not empty."""
    out.print(report.sentence, soft_wrap=True)
    for note in report.notes:
        out.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    for failure in report.failures:
        err.print(f"[red]✗[/] {escape(failure)}", soft_wrap=True)
    if good:
        out.print(f"[green]✓[/] {good}", soft_wrap=True)
