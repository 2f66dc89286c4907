"""Commands about alerts: `clickstream alerts` and `clickstream watch`."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from clickstream.cli.console import err, load_settings, open_lake, out, print_error
from clickstream.core.errors import ClickstreamError, InputError, SettingsError
from clickstream.core.wording import parse_duration

if TYPE_CHECKING:
    from clickstream.alerts.incidents import Incidents

app = typer.Typer(no_args_is_help=True, help="Test, list and mute alerts about incidents.")

MOST_CLOSED = 5
"""Number of closed incidents that `alerts list` shows."""

LONGEST_MUTE = timedelta(days=31)


@app.command()
def test() -> None:
    """Send a test message over each channel of [alerts].

    The exit code is 1 if a channel fails.

    Example: [bold]clickstream alerts test[/]
    """
    from clickstream.alerts.senders import channels_of
    from clickstream.alerts.texts import build_test
    from clickstream.lake import refer_to_lake

    lake = refer_to_lake(load_settings())
    channels = channels_of(lake)
    if not channels:
        raise SettingsError(
            "No channel of alerts is set. Set sns_topic, or recipients with mail_server and "
            "sender, under [alerts], or CLICKSTREAM_ALERTS__WEBHOOK."
        )
    alert, failed = build_test(lake.settings, datetime.now(UTC)), 0
    for name, send in channels.items():
        try:
            with err.status(f"Sending to {name} …"):
                send(alert)
            out.print(f"[green]✓[/] {name}: the test was accepted.", highlight=False)
        except ClickstreamError as error:
            failed += 1
            err.print(f"[red]✗[/] {name}: {escape(error.printed)}", soft_wrap=True)
    if failed:
        raise typer.Exit(1)


@app.command("list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """List the open incidents, the mutes, and the incidents that ended last.

    Example: [bold]clickstream alerts list[/]
    """
    from clickstream.alerts.store import LakeStore, describe_old_check
    from clickstream.cli.alerts_output import incident_values, show_incidents

    lake, now = open_lake(), datetime.now(UTC)
    incidents, old_check = LakeStore(lake).read(), describe_old_check(lake, now)
    if as_json:
        doubts = [*filter(None, [old_check])]
        out.print_json(data={**incident_values(incidents, now), "doubts": doubts})
        return
    if old_check:
        out.print(f"[yellow]![/] {old_check}", soft_wrap=True, highlight=False)
    elif not incidents.open:
        out.print("No incident is open.")
    show_incidents(incidents, now, out, MOST_CLOSED)


@app.command()
def mute(
    duration: Annotated[str, typer.Argument(metavar="DURATION", help="How long, such as 2h.")],
    why: Annotated[str, typer.Option("--why", metavar="TEXT", help="The reason; others see it.")],
    rule: Annotated[
        str, typer.Option("--rule", metavar="RULE", help="Mute only this rule; all by default.")
    ] = "",
) -> None:
    """Send no alerts for some time, for example during maintenance.

    Incidents are still kept. If one is still open when the mute ends, its alert is sent then.

    Example: [bold]clickstream alerts mute 2h --why "New disks for web-1"[/]

    Example: [bold]clickstream alerts mute 1d --why "Sale" --rule bot_share[/]
    """
    from clickstream.alerts.incidents import Mute

    length, now = parse_duration(duration), datetime.now(UTC)
    if not timedelta() < length <= LONGEST_MUTE:
        raise InputError(f"{duration!r} is not between 1m and {LONGEST_MUTE.days}d.")
    if not why.strip():
        raise InputError("Give the reason of the mute: --why TEXT.")
    _check_rule(rule)
    added = Mute(rule, now + length, " ".join(why.split()))
    _store(lambda before: before.mute(added, now))
    out.print(f"Muted until {added.until:%Y-%m-%d %H:%M} UTC: {rule or 'all rules'}.")


@app.command()
def unmute(
    rule: Annotated[
        str, typer.Option("--rule", metavar="RULE", help="End only the mute of this rule.")
    ] = "",
) -> None:
    """End all mutes, or that of a rule.

    Example: [bold]clickstream alerts unmute[/]
    """
    _check_rule(rule)
    now = datetime.now(UTC)
    _store(lambda before: before.unmute(rule or None, now))
    out.print("No alert is muted." if not rule else f"Alerts of {rule} are not muted.")


def _check_rule(rule: str) -> None:
    from clickstream.alerts.incidents import Rule

    if rule and rule not in [*Rule]:
        raise InputError(f"There is no rule {rule!r}. The rules are {', '.join(Rule)}.")


def _store(change: Callable[[Incidents], Incidents]) -> None:
    from clickstream.alerts.store import LakeStore

    LakeStore(open_lake()).change(lambda before: (change(before), None))


def watch(
    once: Annotated[bool, typer.Option("--once", help="Check once, and end.")] = False,
    every: Annotated[
        str, typer.Option(metavar="DURATION", help="Time between two checks, such as 2m.")
    ] = "2m",
) -> None:
    """Check the lake and Airflow again and again, and send the alerts that are due.

    Run it as a process outside Airflow: it notices that Airflow or AWS does not
    answer, or that a deployment has broken the settings. It loads them for each check.
    Airflow's hourly runs check, too; each alert is sent once.

    With [bold]--once[/], the exit code is 1 if the lake could not be read.

    Example: [bold]clickstream watch --every 5m[/]

    Example: [bold]clickstream watch --once[/]
    """
    from clickstream.alerts.watch import Watch
    from clickstream.settings.loading import find_file, load

    pause = parse_duration(every)
    if pause < timedelta(minutes=1):
        raise InputError(f"{every!r} is less than 1m.")
    watching = Watch(partial(load, find_file()), open_lake)
    while True:
        report = watching.check(datetime.now(UTC))
        if once or report.delivered.attempts:
            out.print(report.delivered.sentence, highlight=False)
        for problem in report.delivered.problems:
            err.print(f"[red]✗[/] {escape(problem)}", soft_wrap=True)
        if report.error:
            print_error(report.error)
        if once:
            raise typer.Exit(1 if report.error else 0)
        time.sleep(pause.total_seconds())
