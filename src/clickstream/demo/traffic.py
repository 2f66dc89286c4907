"""What the demo builds: the logs of the simulated café, or the user's own.

`demo` calls `simulated_cafe` or `own_logs` before it starts the local stack.
"""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from more_itertools import split_when
from rich.markup import escape

from clickstream import settings
from clickstream.core.errors import InputError
from clickstream.core.hours import Hour, HourSpan
from clickstream.core.wording import quantity
from clickstream.demo.cafe import story
from clickstream.demo.cafe.costs import write_costs
from clickstream.demo.cafe.expansion import write_expansion
from clickstream.demo.cafe.places import write_demo_database
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.environment_file import SOCKET_VARIABLE
from clickstream.demo.progress import DemoStep, DemoSteps
from clickstream.demo.sales import directory_of_costs, pull_sales
from clickstream.demo.shop_database import is_complete_to
from clickstream.demo.stack import Stack, StackLayout
from clickstream.demo.stack.environment import database_url
from clickstream.lake import Lake, hour_ledger, raw
from clickstream.pipeline.build_settings import describe_own_domain
from clickstream.pipeline.hour.hour_states import first_unfinished
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings.loading import FILE_VARIABLE, variables_for_logs

HOURLY = 12
"""The newest hours, which Airflow builds by a run each."""

DAYS_AT_ONCE = 7
"""The café's older days are pulled and built in batches of this size while others are written."""

LONGEST_GAP = 7 * 24
"""A gap of at most this many hours without lines is built with the hours around it.

A line with a wrong year would otherwise add years of empty hours.
"""

CAFE_SECONDS = 600
CAFE_SETTINGS = "cafe.toml"
OWN_LOGS_STATE = "var/own-logs"
BESIDE_BACKFILL = {
    "CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0",
    "CLICKSTREAM_COLLECT__SETTLE_MINUTES": "0",
}
"""Settings of hourly runs during the backfill.

The demo and its backfill build every hour, so a scheduled run must not build other hours as well.
The demo waits for a scheduled run that builds one of the backfill's hours, so scheduled runs must
pull without a wait.
"""


@dataclass(frozen=True)
class Plan:
    """The hours that the demo builds: `spans`, in order, with long gaps between them."""

    spans: Sequence[HourSpan]

    @property
    def all(self) -> HourSpan:
        """All hours, with the gaps."""
        return HourSpan(self.spans[0].first, self.spans[-1].last)

    @property
    def hourly(self) -> HourSpan:
        """The newest hours, which Airflow builds."""
        newest = self.spans[-1]
        return HourSpan(max(newest.first, newest.last.minus(HOURLY - 1)), newest.last)

    def older(self, within: HourSpan | None = None) -> list[HourSpan]:
        """Return the hours that the command line builds, optionally only those within a span."""
        begins = within.first if within else self.all.first
        ends = min(self.hourly.first.previous, within.last if within else self.all.last)
        spans = [HourSpan(max(s.first, begins), min(s.last, ends)) for s in self.spans]
        return [span for span in spans if len(span)]


@dataclass(frozen=True)
class Traffic:
    """Source of the demo's lines.

    `plan` finds the hours to build, once the local AWS answers. `pull` pulls the lines, and yields
    the span of the hours that can be built, whenever these are more. `pull_sales` pulls the sales
    of the shop; None without one. `processes` and `variables` are additional processes and
    environment variables of the local stack.
    """

    state: str
    plan: Callable[[Lake, DemoSteps], Plan]
    pull: Callable[[Stack, Lake, Plan], Iterator[HourSpan]]
    pull_sales: Callable[[Stack, Lake, DemoStep], None] | None = None
    processes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def simulated_cafe(layout: StackLayout, steps: DemoSteps, days: int = story.DAYS) -> Traffic:
    """Set up the simulated café, and at the first demo write its newest logs.

    Processes of the stack then write the `days` before, live traffic, and the shop's database.
    """
    last = Hour.of(datetime.now(UTC)).previous
    logs = CafeLogs.load(layout.cafe_logs, layout.cafe_file)
    if logs is None:
        logs = CafeLogs.new(layout.cafe_logs, last.minus(HOURLY - 1), last, days)
        logs.save(layout.cafe_file)
        with steps.step("The café's newest logs") as step:
            truth = logs.write_newest(last)
            step.detail = f"{quantity(truth.total.lines, 'line')} in {HOURLY} hours"
    yesterday = last.next.event_date - timedelta(days=1)
    write_costs(directory_of_costs(layout.cafe_file), logs.rules, yesterday)
    write_expansion(layout.var / "cafe-expansion")
    write_demo_database(layout.var / "cafe-places.mmdb")
    plan = Plan([HourSpan(logs.first, last)])
    processes, variables = cafe_of(layout)
    return Traffic(
        layout.state,
        lambda *_: plan,
        lambda stack, lake, _: _pull_cafe(stack, lake, logs, plan),
        lambda stack, lake, step: _pull_shop(stack, lake, logs, plan, step),
        processes,
        {**variables, **BESIDE_BACKFILL},
    )


def cafe_of(layout: StackLayout) -> tuple[dict[str, str], dict[str, str]]:
    """Return the processes and environment variables of the simulated café; none before its demo.

    `make demo` and `make up` both start them, so that hours are built with the same settings.
    """
    if not layout.cafe_file.exists():
        return {}, {}
    database = shlex.quote(database_url(layout))
    logs = f'"$STACK_CAFE_LOGS" {shlex.quote(str(layout.cafe_file))}'
    after_postgres = "python -m clickstream.demo.stack.wait_for postgres --"
    processes = {
        "cafe": f"python -m clickstream.demo.live_cafe {logs}",
        "shop": f"{after_postgres} python -m clickstream.demo.live_shop {database} {logs}",
    }
    settings_file = str(layout.root / CAFE_SETTINGS)
    return processes, {FILE_VARIABLE: settings_file, SOCKET_VARIABLE: str(layout.postgres)}


def _pull_cafe(stack: Stack, lake: Lake, logs: CafeLogs, plan: Plan) -> Iterator[HourSpan]:
    """Pull the older days as the café's process writes them, and at last the late lines."""
    built, ends = logs.first.previous, plan.all.last
    while built < ends:
        wanted = min(built.plus(24 * DAYS_AT_ONCE), ends)
        stack.wait_until("The café's log", partial(_is_written, logs, wanted), CAFE_SECONDS)
        complete_to = min(logs.complete_to(), ends)
        _pull_all(lake)
        yield HourSpan(built.next, complete_to)
        built = complete_to
    if not logs.has_late_lines:
        stack.wait_until("The café's log", lambda: logs.has_held_back_lines, CAFE_SECONDS)
        logs.release_late_lines()
        _pull_all(lake)
        yield HourSpan(logs.late_hours[0], logs.late_hours[-1])


def _is_written(logs: CafeLogs, hour: Hour) -> bool:
    return logs.complete_to() >= hour


def _pull_shop(stack: Stack, lake: Lake, logs: CafeLogs, plan: Plan, step: DemoStep) -> None:
    """Pull all dates of the shop, once its process has written the older weeks."""
    step.show("The shop's older weeks are written")
    is_written = partial(is_complete_to, database_url(stack.layout), plan.all.last)
    stack.wait_until("The café's shop", is_written, CAFE_SECONDS)
    pull_sales(lake, logs.first_of_shop.event_date, step)


def _pull_all(lake: Lake) -> None:
    for source in lake.settings.sources:
        pull_source(lake, source)


def own_logs(logs: Path) -> Traffic:
    """Set up the user's own logs, with a separate state, so that they do not mix with others.

    Raises InputError if the path does not exist.
    """
    if not logs.exists():
        raise InputError(f"{logs} does not exist; name a directory of access logs, or one log.")
    path = logs.resolve()
    directory, pattern = (path, "*") if path.is_dir() else (path.parent, path.name)
    names = {"name": "logs", "path": str(directory), "pattern": pattern}
    source = ", ".join(f"{key} = {json.dumps(value)}" for key, value in names.items())
    variables = {"CLICKSTREAM_SOURCES": f"[{{{source}}}]", **BESIDE_BACKFILL}
    variables |= variables_for_logs(settings.load())
    state = f"{OWN_LOGS_STATE}-{hashlib.blake2b(os.fsencode(path), digest_size=4).hexdigest()}"
    return Traffic(
        state,
        plan_own_hours,
        lambda _stack, _lake, plan: iter([plan.all]),
        variables=variables,
    )


def plan_own_hours(lake: Lake, steps: DemoSteps) -> Plan:
    """Pull the sources to find the hours with lines.

    Raises InputError if there are none, or if all of them are not over yet.
    """
    for source in lake.settings.sources:
        with steps.step("Your logs") as step:
            pulled = pull_source(lake, source, progress=step.show)
            step.detail = pulled.sentence
        for reason in pulled.refused:
            steps.fail(reason)
    # Scheduled runs may also have published hours without lines.
    ledger = hour_ledger.ledger_in_order(lake, columns=["hour_at", "lines"]).to_pylist()
    published = {Hour.at(row["hour_at"]) for row in ledger if row["lines"]}
    hours = sorted(published | {*raw.pending_hours(lake)})
    paths = ", ".join(source.path for source in lake.settings.sources)
    if not hours:
        raise InputError(
            f"No line with a time was found in {paths}; name a directory of access logs, or a log."
        )
    unfinished = first_unfinished()
    hours = [hour for hour in hours if hour < unfinished]
    if not hours:
        raise InputError(
            f"All lines in {paths} are of hours that are not over yet, {unfinished} or later, and "
            "only hours that are over can be built. Start again after the end of the first one."
        )
    if inferred := describe_own_domain(lake):
        steps.console.print(escape(inferred), soft_wrap=True)
    return Plan(without_long_gaps(hours))


def without_long_gaps(hours: Sequence[Hour]) -> list[HourSpan]:
    """Return the spans of sorted hours with lines; hours of short gaps belong to them."""
    runs = split_when(hours, lambda hour, after: after.number - hour.number > LONGEST_GAP)
    return [HourSpan(run[0], run[-1]) for run in runs]
