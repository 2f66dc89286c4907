"""The demo (`make demo`): a local stack over logs of a simulated café, or the user's own logs.

While Airflow starts, this process builds all hours but the newest 12. Airflow builds these by a
run each, and then continues with live traffic. All state is in `var/`, so that a second demo
continues where the first one ended.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clickstream import settings
from clickstream.dashboard.access.link import login_link
from clickstream.demo.answers import show_answers, show_balance, show_first_answers
from clickstream.demo.backfill import AirflowBackfill, failures
from clickstream.demo.cafe import story
from clickstream.demo.environment_file import drop_stack_variables
from clickstream.demo.older_hours import OlderHours
from clickstream.demo.progress import DemoSteps
from clickstream.demo.sales import match_sales, plan_cafes
from clickstream.demo.stack import Ports, Stack, StackLayout, running_stack, show_addresses
from clickstream.demo.traffic import Plan, Traffic, own_logs, simulated_cafe
from clickstream.hours import Hour
from clickstream.lake import Lake, open_lake
from clickstream.pipeline.proof.report import VerifyReport
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.facts import FactsRefreshed, refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.terminal import SafeConsole
from clickstream.wording import quantity

RECENT_DAYS = 7
"""If the newest log is older, the dashboard's first page, of 28 days, shows little of it."""


@dataclass(frozen=True)
class Demo:
    """A running demo whose hours are built.

    `runs` has the state of Airflow's run of each of the newest hours, and `failed` a sentence for
    each reason of failed runs. `report` is the verification of all hours.
    """

    stack: Stack
    lake: Lake
    plan: Plan
    runs: Mapping[Hour, str]
    failed: tuple[str, ...]
    report: VerifyReport

    @property
    def problems(self) -> list[str]:
        """A sentence for each failed run and each failed check; empty if all is well."""
        return [*self.failed, *self.report.failures]


def run_demo(
    logs: Path | None = None,
    exit_when_done: bool = False,
    root: Path | None = None,
    ports: Ports | None = None,
    console: Console | None = None,
) -> int:
    """Run the demo until Ctrl-C, or, with `exit_when_done`, until all is built and verified.

    Returns the exit status: 0 if all runs succeeded and verification found no failure. See
    `running_demo` for the other arguments and the errors.
    """
    console = console or SafeConsole()
    with running_demo(logs, root, ports, console) as demo:
        if not exit_when_done:
            show_addresses(demo.stack, console)
            console.print("Ctrl-C stops everything; the next start continues from here.")
            demo.stack.wait()
        return 1 if demo.problems else 0


@contextmanager
def running_demo(
    logs: Path | None = None,
    root: Path | None = None,
    ports: Ports | None = None,
    console: Console | None = None,
    variables: Mapping[str, str] | None = None,
    days: int = story.DAYS,
) -> Iterator[Demo]:
    """Start the local stack, build and verify all hours, and keep the stack running in the block.

    `logs` is a directory of access logs, or one log, to use instead of the simulated café. `root`
    is the project's directory (default: the working directory). `variables` are further environment
    variables of the stack. `days` is the number of days before today for which the simulated café
    has logs. Prints each step to `console`. Raises InputError for logs without lines, and
    StackError if the local stack can't run.
    """
    root = (root or Path.cwd()).resolve()
    steps = DemoSteps(console or SafeConsole())
    drop_stack_variables(os.environ)
    traffic = own_logs(logs) if logs else simulated_cafe(StackLayout(root), steps, days)
    layout = StackLayout(root, traffic.state)
    environment = {**traffic.variables, **(variables or {})}
    with (
        running_stack(layout, ports, traffic.processes, environment) as stack,
        _environment(stack.environment),
    ):
        yield _build_all(stack, traffic, steps)


def _build_all(stack: Stack, traffic: Traffic, steps: DemoSteps) -> Demo:
    """Build the hours of the traffic, print results, and verify."""
    parts = stack.ready_parts()
    with steps.step("Local AWS"):
        next(parts)
    lake = open_lake(settings.load())
    plan = traffic.plan(lake, steps)
    _build_older(stack, lake, traffic, plan, steps)
    if traffic.pull_sales:
        with steps.step("Sales") as step:
            traffic.pull_sales(stack, lake, step)
    with steps.step("Suspected machines") as step:
        searched = find_suspects(lake, step.show)
        dates = quantity(len(searched.dates), "date")
        step.detail = f"{quantity(searched.suspected, 'visitor')} left out, {dates} searched"
    if traffic.pull_sales:
        with steps.step("Orders and visits") as step:
            match_sales(lake, step)
        with steps.step("Where to open a café") as step:
            plan_cafes(lake, step)
    with steps.step("The dashboard's facts") as step:
        refresh_views(lake)
        step.detail = _describe_facts(refresh_facts(lake, step.show))
    with steps.step("Dashboard"):
        next(parts)
    _show_link(stack, lake, plan, steps)
    with steps.step("Airflow") as step:
        for part in parts:
            step.show(f"{part} is ready")
    runs = _build_hourly(stack, lake, plan, steps)
    with steps.step("Verification") as step:
        report = verify(lake, plan.all.first, plan.all.last, step.show)
        step.detail = f"{quantity(report.hours, 'hour')}, {quantity(report.lines, 'line')}"
    failed = failures(stack, runs, plan.hourly.first, plan.hourly.last)
    demo = Demo(stack, lake, plan, runs, tuple(failed), report)
    _show_verdict(demo, steps)
    return demo


@contextmanager
def _environment(variables: Mapping[str, str]) -> Iterator[None]:
    """Give this process the settings and credentials of the stack's processes in the block."""
    before = dict(os.environ)
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _build_older(stack: Stack, lake: Lake, traffic: Traffic, plan: Plan, steps: DemoSteps) -> None:
    """Build the hours before Airflow's, and print a first result as soon as there is one."""
    with steps.step("Older hours") as step:
        first_answers = partial(_show_first_answers, lake, plan, steps)
        OlderHours(lake, plan, step).build(traffic.pull(stack, lake, plan), first_answers)


def _show_first_answers(lake: Lake, plan: Plan, steps: DemoSteps) -> None:
    refresh_views(lake)
    show_first_answers(lake, plan.all, steps.console)


def _describe_facts(refreshed: FactsRefreshed) -> str:
    days = {day for days in refreshed.computed.values() for day in days}
    return f"{quantity(len(days), 'date')} computed" if days else "up to date"


def _build_hourly(stack: Stack, lake: Lake, plan: Plan, steps: DemoSteps) -> dict[Hour, str]:
    """Have Airflow build the newest hours, and print the answers while it does."""
    with stack.airflow() as api:
        backfill = AirflowBackfill(stack, api, plan.hourly)
        with steps.step("Airflow's backfill") as step:
            backfill.start(step)
            step.detail = f"{quantity(len(plan.hourly), 'run')} created"
        show_answers(lake, steps.console)
        steps.console.print()
        with steps.step("Airflow's hourly runs") as step:
            runs = backfill.wait(step)
            green = sum(state == "success" for state in runs.values())
            step.detail = f"{green} of {quantity(len(plan.hourly), 'run')} succeeded"
    return runs


def _show_link(stack: Stack, lake: Lake, plan: Plan, steps: DemoSteps) -> None:
    """Print a link to the dashboard, and for old logs the address of their newest days."""
    url, newest = stack.ports.dashboard_url, plan.all.last.event_date
    lines = [f"\n[bold]The dashboard[/]: {escape(login_link(stack.layout.dashboard, url))}"]
    age = datetime.now(UTC).date() - newest
    if age.days > lake.settings.dashboard.keep_days:
        lines.append(f"It keeps {lake.settings.dashboard.keep_days} days, so it has no older logs.")
    elif age.days > RECENT_DAYS:
        first = max(plan.all.first.event_date, newest - timedelta(days=27))
        lines.append(f"Then open the days of your logs: {url}/?from={first}&to={newest}")
    steps.console.print(*lines, "", sep="\n", soft_wrap=True, highlight=False)


def _show_verdict(demo: Demo, steps: DemoSteps) -> None:
    """Print failed runs and failed checks, or what was verified."""
    for problem in demo.problems:
        steps.fail(problem)
    if demo.problems:
        return
    span = demo.plan.all
    steps.console.print()
    show_balance(demo.lake, span, steps.console)
    steps.console.print(
        f"\n[green]✓[/] All is built and verified after {steps.seconds:.0f} s: "
        f"{quantity(demo.report.lines, 'line')} of {span.first} to {span.last}. The line balance "
        "of every hour closes, and the session chain is intact.\n",
        soft_wrap=True,
        highlight=False,
    )
