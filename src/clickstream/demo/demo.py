"""The demo (`make demo`): a local stack over logs of a simulated café, or the user's own logs.

While Airflow starts, this process builds all hours but the newest 12. Airflow builds these by a
run each, and then continues with live traffic. All state is in `var/`, so that a second demo
continues where the first one ended.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from clickstream import settings
from clickstream.core.hours import Hour, HourSpan
from clickstream.core.terminal import SafeConsole
from clickstream.core.wording import quantity
from clickstream.dashboard.access.link import login_link
from clickstream.demo.answers import show_answers, show_balance, show_first_answers
from clickstream.demo.cafe import story
from clickstream.demo.environment_file import drop_stack_variables
from clickstream.demo.progress import DemoStep, DemoSteps
from clickstream.demo.sales import match_sales, plan_cafes
from clickstream.demo.stack import (
    AirflowApi,
    Ports,
    Stack,
    StackError,
    StackLayout,
    running_stack,
    show_addresses,
)
from clickstream.demo.traffic import Plan, Traffic, own_logs, simulated_cafe
from clickstream.lake import Lake, open_lake
from clickstream.pipeline.backfill.backfill import plan_backfill
from clickstream.pipeline.proof.report import VerifyReport
from clickstream.pipeline.proof.verify import verify
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.publish import refresh_views
from clickstream.pipeline.publish.suspects import find_suspects

DAG = "clickstream_hourly"
PARSED_SECONDS = 120
POLL_SECONDS = 2.0
"""Pause between two questions about the runs, because each one costs Airflow's API CPU time."""

MOST_REASONS = 5
"""How many reasons of failed runs are shown."""

LONGEST_REASON = 400
"""How many characters of a failed task's message are shown; its log has the rest."""

FINISHED = ("success", "failed")


class AirflowBackfill:
    """A backfill of the hourly DAG, for each hour of a span.

    All runs are active at once, so that few refreshes of the facts, which are 15 s apart, cover all
    of them. Airflow's limit of parallel tasks bounds the memory. Hours whose runs succeeded before
    are not built again.
    """

    def __init__(self, stack: Stack, api: AirflowApi, span: HourSpan) -> None:
        self._stack, self._api, self._span = stack, api, span

    def start(self, step: DemoStep) -> None:
        """Start it, after the end of an earlier one: Airflow allows one at a time.

        If an earlier start of the demo was interrupted, Airflow first finishes that backfill.
        Raises StackError if Airflow can't read a DAG file.
        """
        step.show("Waiting until Airflow has read the DAG")
        self._stack.wait_until("The DAG", lambda: _is_parsed(self._api), PARSED_SECONDS)
        self._stack.wait(lambda: self._no_run_is_left(step), POLL_SECONDS)
        self._stack.wait_until("The backfill", lambda: self._is_created(step))

    def wait(self, step: DemoStep) -> dict[Hour, str]:
        """Wait until all runs have ended, and return the state of each hour's run."""
        states: dict[Hour, str] = {}

        def is_done() -> bool:
            nonlocal states
            states = self._api.run_states(DAG, self._span.first, self._span.last)
            done = sum(state in FINISHED for state in states.values())
            # All runs advance together, so the time left does not follow from those that ended.
            step.show_done(done, len(self._span), "runs", shows_left=False)
            return done >= len(self._span)

        self._stack.wait(is_done, POLL_SECONDS)
        return states

    def _no_run_is_left(self, step: DemoStep) -> bool:
        unfinished = self._api.count_runs(DAG, "queued", "running", run_type="backfill")
        if unfinished:
            step.show("Airflow finishes the backfill of the last start")
        return not unfinished

    def _is_created(self, step: DemoStep) -> bool:
        step.show("Airflow creates the runs")
        self._api.close_backfills(DAG)
        created = self._api.create_backfill(
            DAG, self._span.first, self._span.last, max_active_runs=len(self._span)
        )
        return created is not None


def _is_parsed(api: AirflowApi) -> bool:
    for file, trace in api.import_errors().items():
        raise StackError(f"Airflow can't read {file}; correct it and start again:\n{trace}")
    return api.dag_exists(DAG)


def failures(stack: Stack, states: Mapping[Hour, str], first: Hour, last: Hour) -> list[str]:
    """Describe why runs failed: a sentence for each reason and its hours, earliest first."""
    failed = [hour for hour, state in sorted(states.items()) if state != "success"]
    if not failed:
        return []
    by_reason: dict[str, list[Hour]] = defaultdict(list)
    with stack.airflow() as api:
        runs = api.run_ids(DAG, first, last)
        for hour in failed:
            by_reason[failure_of(api, DAG, runs[hour])].append(hour)
    sentences = []
    for reason, hours in by_reason.items():
        runs_of_hours = f"{len(hours)} runs, {hours[0]} to {hours[-1]},"
        if len(hours) == 1:
            runs_of_hours = f"The run of {hours[0]}"
        sentences.append(f"{runs_of_hours} failed. {reason}")
    unnamed = sum(map(len, [*by_reason.values()][MOST_REASONS:]))
    others = (
        [f"{unnamed} more runs failed, for other reasons; see Airflow's web UI."] if unnamed else []
    )
    return sentences[:MOST_REASONS] + others


def failure_of(api: AirflowApi, dag_id: str, run_id: str) -> str:
    """Describe the failure of a run: its first failed task and the last error in its log."""
    failed = [task for task in api.tasks(dag_id, run_id) if task["state"] == "failed"]
    if not failed:
        return "No task of the run failed: it was marked as failed, or has no tasks."
    first = min(failed, key=lambda task: task["start_date"] or "")
    lines = api.error_lines(first)
    message = lines[-1] if lines else "Its log has no error; see the task in Airflow's web UI."
    item = first.get("rendered_map_index")  # of a mapped task
    name = f"{first['task_id']} ({item})" if item else first["task_id"]
    return f"{name}: {message[:LONGEST_REASON]}"


RUN = "the demo's first build"
"""The name under which the ledger records these publications."""


@dataclass
class OlderHours:
    """The build of the hours of a plan that Airflow does not build, and its progress.

    This process builds them, as `clickstream build` does, while Airflow starts. Hours that are up
    to date are left out, so a demo that was stopped at any point continues, and a later one builds
    the hours in which it did not run.
    """

    lake: Lake
    plan: Plan
    step: DemoStep
    built: dict[str, int] = field(default_factory=dict)
    """Lines of each hour that this build has published."""

    def build(self, pulled: Iterable[HourSpan], after_first: Callable[[], None]) -> None:
        """Build the hours of each span that `pulled` yields and that are not up to date.

        Calls `after_first` once, when the first hours are built.
        """
        self._show()
        for number, complete in enumerate(pulled):
            for span in self.plan.older(complete):
                backfill = plan_backfill(self.lake, span.first, span.last, RUN, only_outdated=True)
                for progress in backfill.run():
                    self.built[progress.published.hour] = progress.published.lines
                    self._show()
            if number == 0 and self.built:
                after_first()
        total = quantity(sum(map(len, self.plan.older())), "hour")
        self.step.detail = f"{total}, all up to date"
        if self.built:
            hours, lines = quantity(len(self.built), "hour"), sum(self.built.values())
            self.step.detail = f"{hours}, {quantity(lines, 'line')}"

    def _show(self) -> None:
        total = sum(map(len, self.plan.older()))
        lines = quantity(sum(self.built.values()), "line") if self.built else ""
        self.step.show_done(len(self.built), total, "hours", lines)


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
    with steps.step("Older hours") as step:
        first_answers = partial(_show_first_answers, lake, plan, steps)
        OlderHours(lake, plan, step).build(traffic.pull(stack, lake, plan), first_answers)
    if traffic.pull_sales:
        with steps.step("Sales") as step:
            traffic.pull_sales(stack, lake, step)
    with steps.step("Suspected machines") as step:
        searched = find_suspects(lake, step.show)
        step.detail = (
            f"{quantity(searched.suspected, 'visitor')} left out, "
            f"{quantity(len(searched.dates), 'date')} searched"
        )
    if traffic.pull_sales:
        with steps.step("Orders and visits") as step:
            match_sales(lake, step)
        with steps.step("Where to open a café") as step:
            plan_cafes(lake, step)
    with steps.step("The dashboard's facts") as step:
        refresh_views(lake)
        computed = refresh_facts(lake, step.show).computed
        dates = {day for days in computed.values() for day in days}
        step.detail = f"{quantity(len(dates), 'date')} computed" if dates else "up to date"
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


def _show_first_answers(lake: Lake, plan: Plan, steps: DemoSteps) -> None:
    refresh_views(lake)
    show_first_answers(lake, plan.all, steps.console)


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
