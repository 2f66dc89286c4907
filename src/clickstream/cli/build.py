"""`clickstream build`: pull the hosts, build a range of hours, and refresh views and facts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import (
    FirstHour,
    LastHour,
    err,
    open_lake,
    out,
    progress_bar,
    refresh_readers,
    run_by_hand,
)
from clickstream.core.errors import ClickstreamError, RefusedFiles, with_code
from clickstream.core.hours import Hour
from clickstream.core.wording import printable, quantity, shorten

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from clickstream.lake import Lake
    from clickstream.pipeline.backfill.backfill import Progress
    from clickstream.pipeline.backfill.new_visitor_ids import NewIds


def build(
    first: FirstHour,
    last: LastHour,
    pull_first: Annotated[
        bool, typer.Option("--pull/--no-pull", help="Pull the sources' new lines first.")
    ] = True,
    only_outdated: Annotated[
        bool, typer.Option("--outdated", help="Skip hours that are up to date.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would be built; change nothing.")
    ] = False,
    new_visitor_ids: Annotated[
        bool,
        typer.Option(
            "--new-visitor-ids",
            help="Build hours past their replay window, in whole key periods; asks first.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", "-y", help="Give new visitor ids without confirmation.")
    ] = False,
) -> None:
    """Build all hours from FROM to TO and refresh views and facts, without Airflow.

    To continue after an interruption, run the same command with [bold]--outdated[/].

    If a host can't be pulled, the command continues without it and exits with code 1.

    The command refuses published hours whose visitor key is destroyed, because their
    visitors would get new ids and count twice. With [bold]--outdated[/], it skips them.

    Example: [bold]clickstream build 2026-11-20T00 2026-11-20T23[/]

    Example: [bold]clickstream build 2026-11-01 2026-11-30 --outdated --dry-run[/]

    Example: [bold]clickstream build 2026-03-01 2026-03-01 --new-visitor-ids[/]
    """
    from clickstream.pipeline.backfill.new_visitor_ids import plan_new_visitor_ids
    from clickstream.pipeline.hour.hour_states import check_range_to_build
    from clickstream.pipeline.hour.replay_window import check_replay_window

    check_range_to_build(first, last)
    lake = open_lake()
    if not (only_outdated or new_visitor_ids):
        check_replay_window(lake, first, last)
    all_pulled = _pull_all(lake) if pull_first and not dry_run else True
    if new_visitor_ids:
        _give_new_visitor_ids(lake, plan_new_visitor_ids(lake, first, last), yes, dry_run)
    else:
        _build_range(lake, first, last, only_outdated, dry_run)
    if not all_pulled:
        raise typer.Exit(1)


def _build_range(lake: Lake, first: Hour, last: Hour, only_outdated: bool, dry_run: bool) -> None:
    from clickstream.pipeline.backfill.backfill import plan_backfill
    from clickstream.pipeline.hosts.missing import complete_hours

    backfill = plan_backfill(lake, first, last, run_by_hand(), only_outdated)
    out.print(backfill.summary, soft_wrap=True)
    for warning in filter(None, (backfill.describe_other_settings(), backfill.refused)):
        err.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    if dry_run:
        for sentence in backfill.dry_run():
            out.print(sentence, soft_wrap=True)
        return
    _show_progress(backfill.todo, backfill.run())
    for completed in complete_hours(lake, first):
        out.print(completed.sentence, soft_wrap=True)
    refresh_readers(lake)


def _pull_all(lake: Lake) -> bool:
    """Pull all hosts, several at a time. Return whether all could be pulled."""
    from clickstream.pipeline.build_settings import describe_own_domain
    from clickstream.pipeline.hosts.listing import list_hosts
    from clickstream.pipeline.pull.host import pull_all

    hosts, failed = list_hosts(lake), []
    with err.status(f"Pulling {quantity(len(hosts), 'host')}") as status:
        at_once = lake.settings.collect.hosts_at_once
        for host, result in pull_all(lake, hosts, at_once, status.update):
            if isinstance(result, ClickstreamError):
                failed.append(host.name)
                _show_refusal(f"{host.name}: {result.printed}")
                continue
            out.print(escape(result.sentence), soft_wrap=True, highlight=False)
            for reason in result.refused:
                _show_refusal(with_code(f"{host.name}: {printable(reason)}", RefusedFiles.code))
    if failed:
        err.print(
            f"[yellow]![/] Not pulled: {escape(shorten(failed))}. The hours are built without the "
            "lines of these hosts. After the next successful pull, a build completes the hours.",
            soft_wrap=True,
        )
    if inferred := describe_own_domain(lake):
        out.print(escape(inferred), soft_wrap=True)
    return not failed


def _show_refusal(sentence: str) -> None:
    err.print(f"[red]✗[/] {escape(sentence)}", soft_wrap=True, highlight=False)


def _show_progress(todo: Sequence[Hour], steps: Iterable[Progress]) -> None:
    """Print each hour when it is published, below a progress bar of the hours to build."""
    with progress_bar() as bars:
        bar = bars.add_task("Hours", total=len(todo))
        for step in steps:
            bars.print(step.published.sentence, soft_wrap=True)
            bars.update(bar, completed=step.done)


def _give_new_visitor_ids(lake: Lake, plan: NewIds, yes: bool, dry_run: bool) -> None:
    from clickstream.pipeline.backfill.new_visitor_ids import give_new_visitor_ids

    out.print(plan.sentence, soft_wrap=True)
    if dry_run:
        return
    if not yes:
        typer.confirm("Build these hours with new visitor ids?", abort=True)
    _show_progress(plan.hours, give_new_visitor_ids(lake, plan, run_by_hand()))
    refresh_readers(lake)
