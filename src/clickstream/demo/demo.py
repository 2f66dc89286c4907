"""The demo (`make demo`): Airflow builds logs of a simulated café, or the user's own logs.

`run_demo` starts the local stack, has Airflow build the last 48 hours by a backfill, and prints
first results and a link to the dashboard. Then Airflow builds the café's four weeks before, newest
day first, while live traffic continues. All state is in `var/`, so that a second demo continues
where the first one ended.
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
"""The name of the site in the settings of this repository, until the user sets another."""

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
"""Settings for the user's own logs, in place of the café's name, domains, time zone and goals."""

BESIDE_BACKFILL = {
    "CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0",
    "CLICKSTREAM_COLLECT__SETTLE_MINUTES": "0",
}
"""Settings of hourly runs during the backfill.

The backfill has a run for every hour, so a scheduled run must not build other hours as well. The
demo waits for a scheduled run that builds one of the backfill's hours, so scheduled runs must pull
without a wait.
"""


@dataclass(frozen=True)
class Span:
    """The hours that the demo builds, and the earliest hour with lines."""

    first: Hour
    last: Hour
    earliest: Hour


@dataclass(frozen=True)
class Traffic:
    """Source of the demo's lines, and the hours to build.

    `older` has the café's logs if the weeks before are built as well, else None. `processes` and
    `variables` are additional processes and environment variables of the local stack.
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
    """Run the demo in the project's directory `root` (default: the working directory).

    `logs` is a directory of access logs, or one log, to use instead of the simulated café. With
    `history`, the café's four weeks before its last 48 hours are built after them. With
    `exit_when_done`, only one day of them is built, and the demo ends; otherwise it runs until
    Ctrl-C. Returns the exit status: 0 if all runs succeeded and verification found no failure.
    Raises StackError if the local stack can't run.
    """
    console, root = console or SafeConsole(), (root or Path.cwd()).resolve()
    drop_stack_variables(os.environ)
    traffic = own_logs(logs) if logs else simulated_cafe(Layout(root), console, history)
    layout = Layout(root, traffic.state)
    with running_stack(layout, ports, traffic.processes, traffic.variables) as stack:
        os.environ.update(stack.environment)  # this process now has the settings of the tasks
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
    """Build the newest hours, print results and verdict, and return the exit status."""
    first, last = span.first, span.last
    _say_what_is_built(span, console)
    first_answers = partial(_show_first_facts, stack, lake, span, console)
    states = build_hours(stack, first, last, console, (FIRST_HOURS, first_answers))
    show_answers(lake, first, last, console)
    status = _verdict(lake, states, failures(stack, states, first, last), span, console)
    _say_what_is_left(stack, span, console)
    return status


def _show_first_facts(stack: Stack, lake: Lake, span: Span, console: Console) -> None:
    """Print the first result, from the hours that are built so far, and a dashboard link."""
    show_first_answers(lake, span.first, span.last, console)
    _show_link(stack, console)


def _show_link(stack: Stack, console: Console) -> None:
    link = escape(login_link(stack.layout.dashboard, stack.ports.dashboard_url))
    console.print(f"[bold]The dashboard[/]: {link}\n", soft_wrap=True, highlight=False)


def simulated_cafe(layout: Layout, console: Console, history: bool = True) -> Traffic:
    """Set up the simulated café, and at the first demo write its newest logs.

    A process of the stack then appends live traffic.
    """
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
    """Set up the user's own logs, with a separate state, so that they do not mix with others.

    Raises InputError if the path does not exist.
    """
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
    """Pull the sources to find the last hours with lines. Raises InputError if there are none."""
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
    """Return the hours with pulled lines. Scheduled runs may also have published empty hours."""
    ledger = hour_ledger.ledger_in_order(lake, columns=["hour_at", "lines"]).to_pylist()
    published = [Hour.at(row["hour_at"]) for row in ledger if row["lines"]]
    return published + raw.pending_hours(lake)


def _say_what_is_built(span: Span, console: Console) -> None:
    total = span.last.number - span.first.number + 1
    hours = f"{total} hours" if total > 1 else "1 hour"
    console.print(
        f"Airflow builds {hours}, {span.first} to {span.last}; watch the runs in its web UI.",
        soft_wrap=True,
    )
    if span.earliest < span.first:
        console.print(
            f"The logs begin at {span.earliest}; the demo builds their last {HOURS} hours. At the "
            "end, it prints how to build the others.",
            soft_wrap=True,
        )


def _say_what_is_left(stack: Stack, span: Span, console: Console) -> None:
    """Print how to build the hours before those that the demo builds."""
    if span.earliest == span.first:
        return
    console.print(
        f"The lines of {span.earliest} to {span.first.previous} are pulled but not built. To build "
        "all hours, run this in another shell while the demo runs (without EXIT=1):",
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
    """Print failed runs and failed checks, or that all is well, and return the exit status."""
    failures = pipeline.verify(lake, span.first, span.last).failures
    for complaint in [*failed, *failures]:
        console.print(f"[red]✗[/] {escape(complaint)}", soft_wrap=True)
    if failed or failures:
        return 1
    console.print(
        f"[green]✓[/] {len(states)} runs succeeded; {span.first} to {span.last}: the line balance "
        "of every hour closes, and the session chain is intact.",
        soft_wrap=True,
    )
    return 0
