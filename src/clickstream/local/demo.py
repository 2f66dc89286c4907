"""The demo: a café's last 48 hours, or someone's own logs, built by Airflow on this machine.

It starts the local stack, has Airflow build the hours by a backfill, shows the answers, and goes on
with live traffic. Everything is kept in `var/`, so a second demo goes on where the first one ended.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from clickstream import pipeline, settings
from clickstream.errors import InputError
from clickstream.hours import Hour, hour_range
from clickstream.lake import Lake, open_lake, raw
from clickstream.lake import hour as lake_hour
from clickstream.local.answers import show_answers, show_first_answers
from clickstream.local.cafe import CafeRules, write_history
from clickstream.local.cafe.places import write_demo_database
from clickstream.local.stack import (
    AirflowApi,
    Layout,
    Ports,
    Stack,
    StackError,
    running_stack,
    show_addresses,
    show_start,
)

DAG = "clickstream_hourly"
HOURS = 48
FIRST_HOURS = 6
OWN_LOGS_STATE = "var/own-logs"
PARSED_SECONDS = 120
NO_CATCHING_UP = {"CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0"}
"""The backfill has a run for every hour; a scheduled run beside it must not build them too."""

_FINISHED = ("success", "failed")


@dataclass(frozen=True)
class Traffic:
    """Where the demo's lines come from, and which hours (first, last) of them are built."""

    state: str
    hours: Callable[[Lake, Console], tuple[Hour, Hour]]
    processes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def run_demo(
    logs: Path | None = None,
    exit_when_done: bool = False,
    root: Path | None = None,
    ports: Ports | None = None,
    console: Console | None = None,
) -> int:
    """Run the demo in the project's directory `root` (the working directory if None).

    `logs` is a directory of access logs, or one log, to take instead of the simulated café. Returns
    the exit status: 0 when every run succeeded and nothing is wrong with the published hours.
    Without `exit_when_done` it goes on until Ctrl-C. Raises StackError when the stack can't run.
    """
    console, root = console or Console(), (root or Path.cwd()).resolve()
    traffic = own_logs(logs) if logs else simulated_cafe(Layout(root), console)
    layout = Layout(root, traffic.state)
    with running_stack(layout, ports, traffic.processes, traffic.variables) as stack:
        os.environ.update(stack.environment)  # from here on this process sees what the tasks see
        show_start(stack, console)
        show_addresses(stack, console)
        lake = open_lake(settings.load())
        first, last = traffic.hours(lake, console)
        states = _build(stack, lake, first, last, console)
        show_answers(lake, first, last, console)
        status = _verdict(lake, states, first, last, console)
        if not exit_when_done:
            show_addresses(stack, console)
            console.print("Ctrl-C stops everything; the next start goes on from here.")
            stack.wait()
        return status


def simulated_cafe(layout: Layout, console: Console) -> Traffic:
    """The simulated café: its history is written at the first demo, its traffic goes on live."""
    last = Hour.of(datetime.now(UTC)).previous
    first = last.minus(HOURS - 1)
    if not any(layout.cafe_logs.glob("access.log")):
        with console.status(f"Writing the café's logs of the last {HOURS} hours"):
            truth = write_history(layout.cafe_logs, first, last, CafeRules())
        console.print(f"[green]✓[/] {truth.total.lines:,} lines in {layout.cafe_logs}")
    places = layout.var / "cafe-places.mmdb"
    write_demo_database(places)
    variables = {"CLICKSTREAM_PLACES__DATABASE": str(places), **NO_CATCHING_UP}
    cafe = 'python -m clickstream.local.live_cafe "$STACK_CAFE_LOGS"'
    return Traffic(layout.state, lambda *_: (first, last), {"cafe": cafe}, variables)


def own_logs(logs: Path) -> Traffic:
    """Someone's own logs, with a state of their own, so that they never mix with the café's."""
    directory, pattern = (logs, "*") if logs.is_dir() else (logs.parent, logs.name)
    if not logs.exists():
        raise InputError(f"{logs} does not exist; name a directory of access logs, or one log.")
    source = {"name": "logs", "path": str(directory.resolve()), "pattern": pattern}
    entries = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    sources = {"CLICKSTREAM_SOURCES": f"[{{{entries}}}]"}
    return Traffic(OWN_LOGS_STATE, _hours_of_sources, variables=sources | NO_CATCHING_UP)


def _hours_of_sources(lake: Lake, console: Console) -> tuple[Hour, Hour]:
    """Pull the sources now, to know the last hours that they have lines of."""
    for source in lake.settings.sources:
        with console.status(f"Reading the logs in {source.path}"):
            pulled = pipeline.pull(lake, source)
        console.print(f"[green]✓[/] {pulled.sentence}", soft_wrap=True)
        for reason in pulled.refused:
            console.print(f"[red]✗[/] {escape(reason)}", soft_wrap=True)
    published = [Hour.of_epoch(int(at.timestamp())) for at in lake_hour.ledger(lake)["hour_at"]]
    known = published + raw.pending_hours(lake)
    if not known:
        raise InputError("There is no line with a time in these logs; see what was refused above.")
    last = max(known)
    return max(min(known), last.minus(HOURS - 1)), last


def _build(stack: Stack, lake: Lake, first: Hour, last: Hour, console: Console) -> dict[Hour, str]:
    """Have Airflow build the hours, with a progress bar; returns the state of each hour's run.

    The first answers are shown when a few hours are there: a person need not wait for all.
    """
    total = len(list(hour_range(first, last)))
    console.print(f"Airflow builds {total} hours, {first} to {last}; watch it in its web UI.")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        stack.airflow() as api,
        Progress(
            *columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal
        ) as progress,
    ):
        bar = progress.add_task("Waiting for the DAG", total=total)
        stack.wait_until("The DAG", lambda: _is_parsed(api), PARSED_SECONDS)
        progress.update(bar, description=f"Building {first} to {last}")
        # Airflow allows one backfill of a DAG at a time and closes the last one some seconds late.
        stack.wait_until("The backfill", lambda: api.create_backfill(DAG, first, last) is not None)

        def finished(enough: int) -> bool:
            states = api.run_states(DAG, first, last)
            done = sum(state in _FINISHED for state in states.values())
            progress.update(bar, completed=done)
            return done >= enough

        stack.wait(partial(finished, min(FIRST_HOURS, total)))
        if not finished(total):
            show_first_answers(lake, first, last, console)
        stack.wait(partial(finished, total))
        return api.run_states(DAG, first, last)


def _is_parsed(api: AirflowApi) -> bool:
    for file, trace in api.import_errors().items():
        raise StackError(f"Airflow can't read {file}; put it right and start again:\n{trace}")
    return api.dag_exists(DAG)


def _verdict(
    lake: Lake, states: Mapping[Hour, str], first: Hour, last: Hour, console: Console
) -> int:
    """Say whether the runs succeeded and the hours are proven; the exit status."""
    failed = [str(hour) for hour, state in sorted(states.items()) if state != "success"]
    failures = pipeline.verify(lake, first, last).failures
    for complaint in [*(f"The run of {hour} failed." for hour in failed), *failures]:
        console.print(f"[red]✗[/] {escape(complaint)}", soft_wrap=True)
    if failed or failures:
        return 1
    console.print(f"[green]✓[/] {len(states)} runs succeeded; every hour adds up and follows on.")
    return 0
