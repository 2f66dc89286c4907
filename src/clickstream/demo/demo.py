"""The demo: a simulated café, or someone's own logs, built by Airflow on this machine.

It starts the local stack, has Airflow build the last 48 hours by a backfill, and shows the answers
and the link of the dashboard. Then Airflow builds the café's four weeks before, newest first, while
its traffic continues live. Everything is kept in `var/`, so a second demo continues where the first
one ended.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clickstream import pipeline, settings
from clickstream.dashboard.access.link import login_link
from clickstream.demo.answers import show_answers, show_first_answers
from clickstream.demo.backfill import build_hours, failures
from clickstream.demo.cafe.places import write_demo_database
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.environment_file import drop_stack_variables, source_command
from clickstream.demo.older_days import OlderDays
from clickstream.demo.stack import (
    Layout,
    Ports,
    Stack,
    running_stack,
    show_addresses,
    show_start,
)
from clickstream.errors import InputError
from clickstream.hours import Hour
from clickstream.lake import Lake, hour_ledger, open_lake, raw
from clickstream.terminal import SafeConsole

HOURS = 48
FIRST_HOURS = 4
OWN_LOGS_STATE = "var/own-logs"
CAFE = "cafe"
"""The name of the site in the settings while nobody has described a site of their own."""

NOT_THE_CAFE = {
    "CLICKSTREAM_SITE__NAME": "own-logs",
    "CLICKSTREAM_SITE__TITLE": "My logs",
    "CLICKSTREAM_SITE__DOMAINS": "[]",
    "CLICKSTREAM_SITE__TIME_ZONE": "UTC",
    "CLICKSTREAM_DASHBOARD__MONTHLY_TARGETS": "{}",
    "CLICKSTREAM_DASHBOARD__ITEM_PAGES": "",
    "CLICKSTREAM_GOALS": "{}",
    "CLICKSTREAM_FUNNEL": "[]",
}
"""Own logs have no part of the café: neither its name, domains and time zone nor its goals."""

BESIDE_BACKFILL = {
    "CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0",
    "CLICKSTREAM_COLLECT__SETTLE_MINUTES": "0",
}
"""The backfill has a run for every hour; a scheduled run beside it must not build them too. Where
that one has the hour of a run of the backfill, the demo waits for its end: it must not wait."""


@dataclass(frozen=True)
class Span:
    """The hours that the demo builds, and the earliest hour that there are lines of."""

    first: Hour
    last: Hour
    earliest: Hour


@dataclass(frozen=True)
class Traffic:
    """Where the demo's lines come from, and which hours of them are built.

    `older` are the café's logs if the weeks before are built, too; None if they are not.
    """

    state: str
    span: Callable[[Lake, Console], Span]
    older: CafeLogs | None = None
    processes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def run_demo(
    logs: Path | None = None,
    exit_when_done: bool = False,
    history: bool = True,
    root: Path | None = None,
    ports: Ports | None = None,
    console: Console | None = None,
) -> int:
    """Run the demo in the project's directory `root` (the working directory if None).

    `logs` is a directory of access logs, or one log, to take instead of the simulated café. With
    `history` the café's four weeks before are built after its last 48 hours; with `exit_when_done`
    only one day of them, and the demo ends. Otherwise it continues until Ctrl-C. Returns the exit
    status: 0 when every run succeeded and nothing is wrong with the published hours. Raises
    StackError when the stack can't run.
    """
    console, root = console or SafeConsole(), (root or Path.cwd()).resolve()
    drop_stack_variables(os.environ)
    traffic = own_logs(logs) if logs else simulated_cafe(Layout(root), console, history)
    layout = Layout(root, traffic.state)
    with running_stack(layout, ports, traffic.processes, traffic.variables) as stack:
        os.environ.update(stack.environment)  # from here on this process sees what the tasks see
        show_start(stack, console)
        show_addresses(stack, console)
        lake = open_lake(settings.load())
        span = traffic.span(lake, console)
        status = _build_newest(stack, lake, span, console)
        if not exit_when_done:
            show_addresses(stack, console)
            console.print("Ctrl-C stops everything; the next start continues from here.")
        if traffic.older:
            older = OlderDays(stack, lake, traffic.older, span.first.previous, console)
            status |= older.show(span.last, only_one_day=exit_when_done)
        if not exit_when_done:
            stack.wait()
        return status


def _build_newest(stack: Stack, lake: Lake, span: Span, console: Console) -> int:
    """Build the newest hours, and show answers and verdict; the exit status."""
    first, last = span.first, span.last
    _say_what_is_built(span, console)
    first_answers = partial(_show_first_facts, stack, lake, span, console)
    states = build_hours(stack, first, last, console, (FIRST_HOURS, first_answers))
    show_answers(lake, first, last, console)
    status = _verdict(lake, states, failures(stack, states, first, last), span, console)
    _say_what_is_left(stack, span, console)
    return status


def _show_first_facts(stack: Stack, lake: Lake, span: Span, console: Console) -> None:
    """Print the dashboard's link and the first answer, from the hours that are built so far."""
    show_first_answers(lake, span.first, span.last, console)
    _show_link(stack, console)


def _show_link(stack: Stack, console: Console) -> None:
    link = escape(login_link(stack.layout.dashboard, stack.ports.dashboard_url))
    console.print(f"[bold]The dashboard[/]: {link}\n", soft_wrap=True, highlight=False)


def simulated_cafe(layout: Layout, console: Console, history: bool = True) -> Traffic:
    """The simulated café: its newest logs are written at the first demo, its traffic is live."""
    last = Hour.of(datetime.now(UTC)).previous
    first = last.minus(HOURS - 1)
    logs = CafeLogs.load(layout.cafe_logs, layout.cafe_file)
    if logs is None:
        logs = CafeLogs.new(layout.cafe_logs, first, last, history)
        logs.save(layout.cafe_file)
        with console.status(f"Writing the café's logs of the last {HOURS} hours"):
            truth = logs.write_newest(last)
        console.print(f"[green]✓[/] {truth.total.lines:,} lines in {layout.cafe_logs}")
    places = layout.var / "cafe-places.mmdb"
    write_demo_database(places)
    variables = {"CLICKSTREAM_GEOIP__DATABASE": str(places), **BESIDE_BACKFILL}
    cafe = f'python -m clickstream.demo.live_cafe "$STACK_CAFE_LOGS" {logs.story_begins}'
    span = Span(first, last, earliest=first)
    older = logs if history else None
    return Traffic(layout.state, lambda *_: span, older, {"cafe": cafe}, variables)


def own_logs(logs: Path) -> Traffic:
    """Someone's own logs, with a state of their own, so that they mix with no others."""
    if not logs.exists():
        raise InputError(f"{logs} does not exist; name a directory of access logs, or one log.")
    path = logs.resolve()
    directory, pattern = (path, "*") if path.is_dir() else (path.parent, path.name)
    source = {"name": "logs", "path": str(directory), "pattern": pattern}
    entries = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    variables = {"CLICKSTREAM_SOURCES": f"[{{{entries}}}]", **BESIDE_BACKFILL}
    if settings.load().site.name == CAFE:
        chosen = {name: v for name, v in NOT_THE_CAFE.items() if name not in os.environ}
        variables |= chosen
    state = f"{OWN_LOGS_STATE}-{hashlib.blake2b(os.fsencode(path), digest_size=4).hexdigest()}"
    return Traffic(state, _span_of_sources, variables=variables)


def _span_of_sources(lake: Lake, console: Console) -> Span:
    """Pull the sources now, to know the last hours that they have lines of."""
    for source in lake.settings.sources:
        with console.status(f"Reading the logs in {source.path}"):
            pulled = pipeline.pull(lake, source)
        console.print(f"[green]✓[/] {escape(pulled.sentence)}", soft_wrap=True)
        for reason in pulled.refused:
            console.print(f"[red]✗[/] {escape(reason)}", soft_wrap=True)
    known = _hours_with_lines(lake)
    if not known:
        paths = ", ".join(source.path for source in lake.settings.sources)
        raise InputError(
            f"No line with a time was found in {paths}; name a directory of access logs, or a log."
        )
    if inferred := pipeline.describe_own_domain(lake):
        console.print(escape(inferred), soft_wrap=True)
    earliest, last = min(known), max(known)
    return Span(max(earliest, last.minus(HOURS - 1)), last, earliest)


def _hours_with_lines(lake: Lake) -> list[Hour]:
    """Hours that lines were pulled of; the scheduled runs beside the demo publish empty ones."""
    ledger = hour_ledger.ledger_in_order(lake, columns=["hour_at", "lines"]).to_pylist()
    published = [Hour.at(row["hour_at"]) for row in ledger if row["lines"]]
    return published + raw.pending_hours(lake)


def _say_what_is_built(span: Span, console: Console) -> None:
    total = span.last.number - span.first.number + 1
    hours = f"{total} hours" if total > 1 else "1 hour"
    console.print(
        f"Airflow builds {hours}, {span.first} to {span.last}; watch it in its web UI.",
        soft_wrap=True,
    )
    if span.earliest < span.first:
        console.print(
            f"The logs begin at {span.earliest}; the demo builds the last {HOURS} hours of them. "
            "How to build the others is said at the end.",
            soft_wrap=True,
        )


def _say_what_is_left(stack: Stack, span: Span, console: Console) -> None:
    """How to build the hours before those that the demo builds."""
    if span.earliest == span.first:
        return
    console.print(
        f"The lines of {span.earliest} to {span.first.previous} are pulled, and the demo does not "
        "build them. To build all hours while it runs (without EXIT=1), in another shell:",
        soft_wrap=True,
    )
    commands = (
        source_command(stack.layout.environment_file),
        f"clickstream build {span.earliest} {span.last}",
    )
    for command in commands:
        console.print(f"  {escape(command)}", soft_wrap=True, highlight=False)


def _verdict(
    lake: Lake, states: Mapping[Hour, str], failed: list[str], span: Span, console: Console
) -> int:
    """Say whether the runs succeeded and the hours are proven; the exit status."""
    failures = pipeline.verify(lake, span.first, span.last).failures
    for complaint in [*failed, *failures]:
        console.print(f"[red]✗[/] {escape(complaint)}", soft_wrap=True)
    if failed or failures:
        return 1
    console.print(
        f"[green]✓[/] {len(states)} runs succeeded; {span.first} to {span.last}: every hour adds "
        "up and follows on.",
        soft_wrap=True,
    )
    return 0
