"""Measures of a built lake: each is a command that an engineer runs in production.

The commands that change the lake are last. The build of an old hour is the very last one, because
the lake may be broken after it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass

from benchmarks.age.meter import Cost, Ran, Workbench
from benchmarks.age.plan import Plan, key_days
from benchmarks.age.state import State
from benchmarks.age.traffic import Traffic
from clickstream.core.hours import Hour
from clickstream.lake import visitor_keys
from clickstream.pipeline.proof.verify import verify

OLD_HOUR_PLACE = 12
"""Hours from the first hour to the old hour, so that an hour before the old one is published."""


@dataclass(frozen=True)
class Measure:
    """A command, its cost, and its effect on the lake.

    `hours_again` are hours that it published again, `tables_changed` names of tables that it
    committed to, `keys_made` visitor keys that did not exist before. `is_proven` is the verdict of
    `verify` after a command that may change the lake, None after others.
    """

    name: str
    command: str
    exit_code: int | None
    last_line: str
    cost: Cost
    hours_again: int
    tables_changed: list[str]
    keys_made: list[str]
    is_proven: bool | None
    aim: str


@dataclass(frozen=True)
class Command:
    """The arguments of a command, its aim, and whether it may change the lake."""

    arguments: tuple[str, ...]
    aim: str = ""
    may_change: bool = True


NAMES = ("verify", "status", "dry-run", "hour-of-today", "late-line", "old-hour")


def measure_commands(
    plan: Plan, bench: Workbench, names: Collection[str], progress: Callable[[str], None]
) -> Iterator[Measure]:
    """Run some of the commands of NAMES on the lake; `progress` is called with each name."""
    for name in NAMES:
        if name in names:
            progress(name)
            yield _measure(bench, name, _command(plan, bench, name))


def _command(plan: Plan, bench: Workbench, name: str) -> Command:
    last, device = str(plan.last_hour), str(plan.device_first)
    match name:
        case "verify" | "status":
            return Command((name,), may_change=False)
        case "dry-run":
            span = str(plan.dry_run_first), last
            return Command(("build", *span, "--outdated", "--dry-run"), may_change=False)
        case "hour-of-today":
            return Command(("build", last, last, "--no-pull"))
        case "late-line":
            (bench.directory / "logs" / "late-access.log").write_bytes(Traffic(plan).late_line)
            return Command(("build", device, device), "at most 48 hours again, in 10 s")
    old = str(old_hour(plan, bench))
    return Command(("build", old, old, "--no-pull"), "refused, nothing changed")


def old_hour(plan: Plan, bench: Workbench) -> Hour:
    """Return an hour whose visitor key is destroyed. Stops the program if there is none."""
    hour = plan.first_hour.plus(OLD_HOUR_PLACE)
    if visitor_keys.KeyPeriod.of(hour, key_days(plan.days)) in visitor_keys.periods(bench.lake):
        raise SystemExit(
            f"The visitor key of {hour} still exists, so there is no old hour to measure. "
            "Build a new lake: give another directory to --keep."
        )
    return hour


def _measure(bench: Workbench, name: str, command: Command) -> Measure:
    before = State.of(bench.reopened())
    ran: Ran = bench.run(*command.arguments)
    lake = bench.reopened()
    after = State.of(lake)
    return Measure(
        name,
        " ".join(("clickstream", *command.arguments)),
        ran.exit_code,
        ran.last_line,
        ran.cost,
        len(before.published_again(after)),
        [
            table
            for table, snapshot in after.snapshots.items()
            if before.snapshots[table] != snapshot
        ],
        sorted(after.keys - before.keys),
        verify(lake).is_proven if command.may_change else None,
        command.aim,
    )
