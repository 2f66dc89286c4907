"""Commands on the health of the lake: status, verify, repair."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future, wait
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING, Annotated, Literal, NoReturn, TypeVar

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
from clickstream.cli.missing_packages import missing_package
from clickstream.cli.status_output import show_status, status_values
from clickstream.core.errors import AwsUnavailable, ClickstreamError, InputError
from clickstream.core.hours import Hour, HourSpan, hour_range
from clickstream.core.wording import parse_duration, quantity

if TYPE_CHECKING:
    from clickstream.alerts.lake_state import LakeState
    from clickstream.lake import Lake
    from clickstream.pipeline.proof.match_checks import MatchReport
    from clickstream.pipeline.proof.report import VerifyReport
    from clickstream.pipeline.proof.sales_checks import SalesReport
    from clickstream.pipeline.proof.stored_bytes import BytesReport


# A deadline that holds whatever a library waits for: retries, hung sockets, several requests.

T = TypeVar("T")


def run_until(deadline_seconds: float, work: Callable[[], T]) -> T:
    """Return the result of `work`, or raise its error.

    Raises AwsUnavailable after the deadline. No thread can be ended from outside, so `work` then
    continues in its own thread; `exit_now` ends the process in spite of it.
    """
    outcome: Future[T] = Future()
    Thread(target=_run, args=(work, outcome), daemon=True).start()
    if wait([outcome], deadline_seconds).not_done:
        raise AwsUnavailable(
            f"S3 and Glue did not answer completely within {deadline_seconds:g} s, so the state of "
            "the lake is unknown. Check network and endpoint, then run the command again; if AWS "
            "answers slowly, with a longer --timeout."
        )
    return outcome.result()


def _run(work: Callable[[], T], outcome: Future[T]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:  # raised again in the thread of the caller
        outcome.set_exception(error)


def exit_now(status: int) -> NoReturn:
    """End the process without waiting for its threads, which may wait in a socket for minutes.

    Python waits for the threads of its pools before it ends, even if they are daemons.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


BYTES_NOT_READ = (
    "These checks do not read all stored bytes. To read them all and find damaged objects, run "
    "clickstream verify --deep."
)

UNKNOWN = 2
"""The exit code of `status` if the state can't be determined."""


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
    timeout: Annotated[
        int,
        typer.Option(min=1, metavar="SECONDS", help="Longest time to wait for all answers of AWS."),
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Show how recent the lake is, which hours have lines to build, and what is missing.

    Exit codes for monitoring: 0 if the lake is recent and complete, and no incident is
    open; 1 if something is late or missing, a shop can't be read, or an incident is open;
    2 if this can't be determined, because no hour is published, a source was never pulled,
    alerts are not checked, or AWS does not answer within [bold]--timeout[/].

    Example: [bold]clickstream status --max-lag 6h[/]

    Example: [bold]clickstream status --json[/]
    """
    first = since.first if since else None
    state = _read_state(max_lag, max_source_lag, first, timeout)
    if as_json:
        out.print_json(data=status_values(state))
    else:
        show_status(state, out)
    raise typer.Exit(state.exit_code)


def _read_state(
    max_lag: timedelta, max_source_lag: timedelta, first: Hour | None, timeout: int
) -> LakeState:
    """Read the state of the lake; else exit with code 2."""

    def read() -> LakeState:
        try:
            from clickstream.alerts.lake_state import read_lake_state
            from clickstream.pipeline.proof.freshness import FreshnessLimits

            limits = FreshnessLimits(max_lag, max_source_lag)
            return read_lake_state(open_lake(), datetime.now(UTC), first, limits, is_brief=False)
        except ModuleNotFoundError as error:
            raise missing_package(error, "status") from None

    try:
        with err.status("Waiting for S3 …"):
            return run_until(timeout, read)
    except ClickstreamError as error:
        print_error(error)
        if isinstance(error, AwsUnavailable):  # threads may still wait for an answer
            exit_now(UNKNOWN)
        raise typer.Exit(UNKNOWN) from None


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

    If sources of sales are set, the sales of the dates are compared with their ledger, too.
    No shop is asked.

    Only [bold]--deep[/] reads all stored bytes and names damaged objects.

    Example: [bold]clickstream verify 2026-11-20T00 2026-11-20T23[/]

    Example: [bold]clickstream verify 2026-11-20[/]

    Example: [bold]clickstream verify --deep 2026-11-20[/]
    """
    lake = open_lake()
    is_whole = _has_whole_bytes(lake, first, last) if deep else True
    is_proven = verify_range(lake, first, last).is_proven
    is_proven &= _has_whole_sales(lake, first, last)
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
    from clickstream.pipeline.hour.hour_states import describe_reach
    from clickstream.pipeline.proof.verify_record import record_verification

    lake = open_lake()
    report = verify_range(lake, first, last)
    left_waiting, hours = set(report.waiting), report.wrong_hours
    if hours and dry_run:
        todo = {finding.hour for finding in report.findings if finding.remedy == "build again"}
        out.print(describe_reach(lake, todo), soft_wrap=True)
    elif hours:
        report = _repair(lake, report)
        record_verification(
            lake, "hours", hours[0], hours[-1], report.wrong_hours, datetime.now(UTC)
        )
        left_waiting -= {*hour_range(hours[0], hours[-1])}
        _show_proofs(report)
    has_whole_sales = _has_whole_sales(lake, first, last)
    if left_waiting or not (report.is_proven and has_whole_sales):
        raise typer.Exit(1)


def _repair(lake: Lake, report: VerifyReport) -> VerifyReport:
    """Repair the hours of a report, refresh views and facts, and return the new report."""
    from clickstream.pipeline.proof.repair import repair as repair_hours
    from clickstream.pipeline.publish.facts import refresh_readers

    with progress_bar() as progress:
        task = progress.add_task(
            f"Repairing {quantity(len(report.wrong_hours), 'hour')}", total=None
        )
        repaired = repair_hours(lake, report, run_by_hand(), progress.print)
        for sentence in refresh_readers(lake, lambda text: progress.update(task, description=text)):
            progress.print(sentence, soft_wrap=True)
    return repaired


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


def verify_range(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> VerifyReport:
    """Verify a range of hours, and print the report."""
    from clickstream.pipeline.proof.verify import check_hours

    with err.status("Verifying") as status:
        report = check_hours(lake, _ends(first, last), status.update)
    _show_proofs(report)
    return report


def _has_whole_sales(lake: Lake, first: HourSpan | None, last: HourSpan | None) -> bool:
    """Verify a range's sales, then their matches, and print reports; true without `[[sales]]`."""
    if not lake.settings.sales:
        return True
    from clickstream.pipeline.proof.verify import check_dates

    proofs: dict[Literal["sales", "matches"], str] = {
        "sales": "The sales of every date are those of its ledger, to the cent.",
        "matches": "Each matched order has one row, and the ledger counts it.",
    }
    for kind, proof in proofs.items():
        with err.status(f"Verifying {kind}"):
            report = check_dates(lake, _ends(first, last), kind)
        _show(report, proof if report.is_proven and report.dates else "")
        if not report.is_proven:
            return False
    return True


def _show_proofs(report: VerifyReport) -> None:
    proof = (
        "The line balance of every published hour closes and matches its rows, and the session "
        "chain is intact."
    )
    _show(report, proof if report.is_proven else "")


def _show(report: VerifyReport | BytesReport | SalesReport | MatchReport, good: str) -> None:
    """Print a report: its summary, notes and failures, then `good` if it is not empty."""
    out.print(report.sentence, soft_wrap=True)
    for note in report.notes:
        out.print(f"[yellow]![/] {escape(note)}", soft_wrap=True)
    for failure in report.failures:
        err.print(f"[red]✗[/] {escape(failure)}", soft_wrap=True)
    if good:
        out.print(f"[green]✓[/] {good}", soft_wrap=True)
