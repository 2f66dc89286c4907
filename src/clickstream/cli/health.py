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
    progress_bar,
    run_by_hand,
)
from clickstream.cli.status_page import show_status, status_values
from clickstream.errors import ClickstreamError, InputError
from clickstream.hours import Hour, HourSpan, hour_range
from clickstream.wording import parse_duration, quantity

if TYPE_CHECKING:
    from clickstream.lake import Lake
    from clickstream.pipeline import BytesReport, VerifyReport


BYTES_NOT_READ = (
    "Bytes that these checks do not need were not read: clickstream verify --deep reads all, and "
    "names damaged objects."
)


def _duration(text: str) -> timedelta:
    """Parse an option of `status`, whose exit code 1 has a meaning that no mistake may have."""
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
            help="How old the newest published hour, waiting lines and the last pull may be.",
        ),
    ] = "3h",  # type: ignore[assignment]  # typer parses the default
    max_source_lag: Annotated[
        timedelta,
        typer.Option(
            parser=_duration,
            metavar="DURATION",
            help="How old a source's newest line may be; a quiet site has none for hours.",
        ),
    ] = "24h",  # type: ignore[assignment]
    since: Annotated[
        HourSpan | None,
        typer.Option(
            parser=_span,
            metavar="DAY",
            help="First day or hour to look at, UTC; by default 35 days ago.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Show how fresh the lake is, what waits and what is missing.

    Exit code for monitoring: 0 fresh and complete; 1 something is late or
    missing; 2 it can't be determined, because nothing is published, a source
    was never pulled, or AWS does not answer.

    Example: [bold]clickstream status --max-lag 6h[/]

    Example: [bold]clickstream status --json[/]
    """
    from clickstream import pipeline

    limits = pipeline.Limits(max_lag, max_source_lag)
    now = datetime.now(UTC)
    try:
        found = pipeline.lake_freshness(open_lake(), now, since.first if since else None, limits)
    except ClickstreamError as error:
        err.print(f"[red]clickstream:[/] {escape(error.printed)}", soft_wrap=True)
        raise typer.Exit(pipeline.Health.UNKNOWN.exit_code) from None
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
    """Prove from the lake that hours add up, agree with their rows, and form one chain.

    With FROM alone, of that hour or day; with neither, of all hours. Lists the
    hours of the range that are not published. Exit code 1 when something is
    wrong, when an hour that is over has raw lines and is not published, or when
    no hour of the range is published. Only with --deep are all bytes read, and
    damaged objects named.

    Example: [bold]clickstream verify 2026-11-20T00 2026-11-20T23[/]

    Example: [bold]clickstream verify 2026-11-20[/]

    Example: [bold]clickstream verify --deep 2026-11-20[/]
    """
    lake = open_lake()
    is_whole = _has_whole_bytes(lake, first, last) if deep else True
    is_proven = _verified(lake, first, last).is_proven
    if not deep:
        out.print(BYTES_NOT_READ, soft_wrap=True)
    if not (is_proven and is_whole):
        raise typer.Exit(1)


def repair(
    first: FromSpan = None,
    last: ToSpan = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only say what is wrong and would be repaired.")
    ] = False,
) -> None:
    """Build again what verify finds, and verify the hours once more.

    Hours that were never built are left to [bold]clickstream build[/].

    Example: [bold]clickstream repair 2026-11-20T00 2026-11-20T23[/]
    """
    from clickstream import pipeline

    lake = open_lake()
    report = _verified(lake, first, last)
    left_waiting = set(report.waiting)
    if report.findings and dry_run:
        todo = {finding.hour for finding in report.findings if finding.remedy == "build again"}
        out.print(pipeline.describe_reach(lake, todo), soft_wrap=True)
    if report.findings and not dry_run:
        hours = {finding.hour for finding in report.findings}
        with progress_bar() as progress:
            progress.add_task(f"Repairing {quantity(len(hours), 'hour')}", total=None)
            report = pipeline.repair(lake, report, run_by_hand(), progress.print)
            progress.print(pipeline.refresh_views(lake).sentence, soft_wrap=True)
            progress.print(pipeline.refresh_facts(lake).sentence, soft_wrap=True)
        left_waiting -= {*hour_range(min(hours), max(hours))}
        _show_proofs(report)
    if left_waiting or not report.is_proven:
        raise typer.Exit(1)


def _has_whole_bytes(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> bool:
    """Read all bytes of a range of hours, print what is damaged, and return whether nothing is."""
    from clickstream import pipeline

    with err.status("Reading all bytes") as status:
        report = pipeline.check_stored_bytes(lake, *_ends(first, last), status.update)
    _show(report, "No stored byte of them is damaged." if report.is_whole else "")
    return report.is_whole


def _ends(first: HourSpan | None, last: HourSpan | None) -> tuple[Hour | None, Hour | None]:
    return (first.first, (last or first).last) if first else (None, None)


def _verified(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> VerifyReport:
    """Verify a range of hours, and print what was looked at and found."""
    from clickstream import pipeline

    with err.status("Verifying") as status:
        report = pipeline.verify(lake, *_ends(first, last), status.update)
    _show_proofs(report)
    return report


def _show_proofs(report: VerifyReport) -> None:
    good = "Every published hour adds up, agrees with its rows, and follows on."
    _show(report, good if report.is_proven else "")


def _show(report: VerifyReport | BytesReport, good: str) -> None:
    """Print what was looked at and found, and `good`, the sentence for no failure, if any."""
    out.print(report.sentence, soft_wrap=True)
    for note in report.notes:
        out.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    for failure in report.failures:
        err.print(f"[red]✗[/] {escape(failure)}", soft_wrap=True)
    if good:
        out.print(f"[green]✓[/] {good}")
