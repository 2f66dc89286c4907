"""The measures of a built lake: each is a command that somebody runs in production.

The commands that change the lake come last: the late line, and then the old hour, after which the
lake may be broken.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from benchmarks.age.meter import Cost, Ran, Workbench
from benchmarks.age.plan import Plan
from benchmarks.age.state import State
from benchmarks.age.traffic import Traffic
from clickstream.hours import Hour
from clickstream.lake import keys

OLD_HOUR_PLACE = 12
"""The old hour is that many hours after the first one, so an hour before it is published."""

LATE_AIM = "at most 48 hours again, 10 s"


@dataclass(frozen=True)
class Measure:
    """A command, what it cost, and what it did to the lake.

    `hours_again` are hours that it published again, `tables_changed` names of tables that it
    committed to, `keys_made` visitor keys that did not exist before.
    """

    name: str
    command: str
    exit_code: int | None
    last_line: str
    cost: Cost
    hours_again: int
    tables_changed: list[str]
    keys_made: list[str]
    aim: str = ""


def measure_commands(
    plan: Plan, bench: Workbench, progress: Callable[[str], None]
) -> Iterator[Measure]:
    """Run each command on the lake, in order; `progress` is called with the name of each."""
    last, device = str(plan.last_hour), str(plan.device_first)
    dry_run = ("build", str(plan.dry_run_first), last, "--outdated", "--dry-run")

    def measure(name: str, *arguments: str, aim: str = "") -> Measure:
        progress(name)
        return _measure(bench, name, arguments, aim)

    yield measure("verify, all hours", "verify")
    yield measure("status", "status")
    yield measure("dry run", *dry_run)
    yield measure("one hour of today", "build", last, last, "--no-pull")
    _log_late_line(plan, bench)
    yield measure("one late line", "build", device, device, aim=LATE_AIM)
    yield measure("verify after the late line", "verify")
    old = str(old_hour(plan, bench))
    yield measure("one old hour", "build", old, old, "--no-pull", aim="refused, nothing changed")
    yield measure("verify after the old hour", "verify")


def old_hour(plan: Plan, bench: Workbench) -> Hour:
    """Return an hour whose visitor key is destroyed. Stops the program if there is none."""
    hour = plan.first_hour.plus(OLD_HOUR_PLACE)
    period = keys.Period.of(hour, plan.key_days)
    if period in keys.periods(bench.lake):
        raise SystemExit(
            f"The visitor key of {hour} still exists, so it is no old hour. The lake has "
            f"{plan.days} days; build one of 3 or more."
        )
    return hour


def _log_late_line(plan: Plan, bench: Workbench) -> None:
    (bench.directory / "logs" / "late-access.log").write_bytes(Traffic(plan).late_line)


def _measure(bench: Workbench, name: str, arguments: tuple[str, ...], aim: str) -> Measure:
    before = State.of(bench.reopened())
    ran: Ran = bench.run(*arguments)
    after = State.of(bench.reopened())
    return Measure(
        name,
        " ".join(("clickstream", *arguments)),
        ran.exit_code,
        ran.last_line,
        ran.cost,
        len(before.published_again(after)),
        [table for table, one in after.snapshots.items() if before.snapshots[table] != one],
        sorted(after.keys - before.keys),
        aim,
    )
