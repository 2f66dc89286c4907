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
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from more_itertools import split_when
from rich.markup import escape

from clickstream import settings
from clickstream.demo.cafe.places import write_demo_database
from clickstream.demo.cafe_logs import CafeLogs
from clickstream.demo.progress import DemoSteps
from clickstream.demo.stack import Stack, StackLayout
from clickstream.errors import InputError
from clickstream.hours import Hour, HourSpan
from clickstream.lake import Lake, hour_ledger, raw
from clickstream.pipeline.pull.host import pull_source
from clickstream.pipeline.site import describe_own_domain
from clickstream.wording import quantity

HOURLY = 12
"""The newest hours, which Airflow builds by a run each."""

DAYS_AT_ONCE = 7
"""The café's older days are pulled and built in batches of this size while others are written."""

LONGEST_GAP = 7 * 24
"""A gap of at most this many hours without lines is built with the hours around it.

A line with a wrong year would otherwise add years of empty hours.
"""

CAFE_SECONDS = 600
OWN_LOGS_STATE = "var/own-logs"
CAFE = "cafe"
"""The name of the site in the settings of this repository, until the user sets another."""

NOT_THE_CAFE = {
    "CLICKSTREAM_SITE__NAME": "own-logs",
    "CLICKSTREAM_SITE__TITLE": "My logs",
    "CLICKSTREAM_SITE__DOMAINS": "[]",
    "CLICKSTREAM_SITE__TIME_ZONE": "UTC",
    "CLICKSTREAM_DASHBOARD__KEEP_DAYS": "3660",
    "CLICKSTREAM_DASHBOARD__MONTHLY_TARGETS": "{}",
    "CLICKSTREAM_DASHBOARD__ICON": "chart",
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
    the span of the hours that can be built, whenever these are more. `processes` and `variables`
    are additional processes and environment variables of the local stack.
    """

    state: str
    plan: Callable[[Lake, DemoSteps], Plan]
    pull: Callable[[Stack, Lake, Plan], Iterator[HourSpan]]
    processes: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)


def simulated_cafe(layout: StackLayout, steps: DemoSteps) -> Traffic:
    """Set up the simulated café, and at the first demo write its newest logs.

    A process of the stack then writes the weeks before, and live traffic.
    """
    last = Hour.of(datetime.now(UTC)).previous
    logs = CafeLogs.load(layout.cafe_logs, layout.cafe_file)
    if logs is None:
        logs = CafeLogs.new(layout.cafe_logs, last.minus(HOURLY - 1), last)
        logs.save(layout.cafe_file)
        with steps.step("The café's newest logs") as step:
            truth = logs.write_newest(last)
            step.detail = f"{quantity(truth.total.lines, 'line')} in {HOURLY} hours"
    places = layout.var / "cafe-places.mmdb"
    write_demo_database(places)
    variables = {"CLICKSTREAM_GEOIP__DATABASE": str(places), **BESIDE_BACKFILL}
    state = shlex.quote(str(layout.cafe_file))
    cafe = f'python -m clickstream.demo.live_cafe "$STACK_CAFE_LOGS" {state}'
    plan = Plan([HourSpan(logs.first, last)])
    return Traffic(
        layout.state,
        lambda *_: plan,
        lambda stack, lake, _: _pull_cafe(stack, lake, logs, plan),
        {"cafe": cafe},
        variables,
    )


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
    source = {"name": "logs", "path": str(directory), "pattern": pattern}
    entries = ", ".join(f"{key} = {json.dumps(value)}" for key, value in source.items())
    variables = {"CLICKSTREAM_SOURCES": f"[{{{entries}}}]", **BESIDE_BACKFILL}
    if settings.load().site.name == CAFE:
        chosen = {name: v for name, v in NOT_THE_CAFE.items() if name not in os.environ}
        variables |= chosen
    state = f"{OWN_LOGS_STATE}-{hashlib.blake2b(os.fsencode(path), digest_size=4).hexdigest()}"
    return Traffic(
        state,
        plan_own_hours,
        lambda _stack, _lake, plan: iter([plan.all]),
        variables=variables,
    )


def plan_own_hours(lake: Lake, steps: DemoSteps) -> Plan:
    """Pull the sources to find the hours with lines. Raises InputError if there are none."""
    for source in lake.settings.sources:
        with steps.step("Your logs") as step:
            pulled = pull_source(lake, source, progress=step.show)
            step.detail = pulled.sentence
        for reason in pulled.refused:
            steps.fail(reason)
    known = sorted(_hours_with_lines(lake))
    running = Hour.of(datetime.now(UTC))
    known = [hour for hour in known if hour < running] or known
    if not known:
        paths = ", ".join(source.path for source in lake.settings.sources)
        raise InputError(
            f"No line with a time was found in {paths}; name a directory of access logs, or a log."
        )
    if inferred := describe_own_domain(lake):
        steps.console.print(escape(inferred), soft_wrap=True)
    return Plan(without_long_gaps(known))


def without_long_gaps(hours: Sequence[Hour]) -> list[HourSpan]:
    """Return the spans of sorted hours with lines; hours of short gaps belong to them."""
    runs = split_when(hours, lambda hour, after: after.number - hour.number > LONGEST_GAP)
    return [HourSpan(run[0], run[-1]) for run in runs]


def _hours_with_lines(lake: Lake) -> set[Hour]:
    """Return the hours with pulled lines. Scheduled runs may also have published empty hours."""
    ledger = hour_ledger.ledger_in_order(lake, columns=["hour_at", "lines"]).to_pylist()
    published = {Hour.at(row["hour_at"]) for row in ledger if row["lines"]}
    return published | {*raw.pending_hours(lake)}
