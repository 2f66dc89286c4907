"""Builds the lake day by day, as it grows in production, and measures the cost of each stretch.

After each day, its files are compacted; once a week, old snapshots and files are removed, as by the
daily maintenance. On two days, one near the start and one near the end, the last hours are
published one by one, as by hourly runs. The state is saved after each day, so that an interrupted
build continues there.
"""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.age.meter import Cost, Workbench
from benchmarks.age.plan import Plan
from benchmarks.age.traffic import Traffic
from clickstream.core.hours import Hour, by_day, hour_range
from clickstream.lake import Lake, raw, visitor_keys
from clickstream.lake.raw import RawRange
from clickstream.pipeline.backfill.backfill import rebuild
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.publish.facts import refresh_facts
from clickstream.pipeline.publish.maintenance import compact_days, expire_snapshots, sweep_files
from clickstream.pipeline.publish.publish import refresh_views, register_tables
from clickstream.pipeline.publish.suspects import find_suspects
from clickstream.pipeline.pull.host import pull_source

STRETCH_DAYS = 42
"""Number of days in a stretch, which has about 1,000 hours."""

MAINTENANCE_DAYS = 7
MOST_SINGLE_HOURS = 6
"""Hours of a day that are published one by one; fewer in a lake of few days."""

LONG_KEPT = 3660
"""Days of the replay window, at most."""

RUN_ID = "benchmark"

Days = Sequence[tuple[Hour, Hour]]


@dataclass
class Stretch:
    """Some consecutive days: their hours and lines, cost of building and of maintenance."""

    hours: int = 0
    lines: int = 0
    build: Cost = field(default_factory=Cost)
    maintenance: Cost = field(default_factory=Cost)


@dataclass
class Built:
    """The built part of a lake and its cost. `publications` are those of single hours."""

    days: int = 0
    is_finished: bool = False
    stretches: list[Stretch] = field(default_factory=list)
    publications: dict[str, list[Cost]] = field(default_factory=dict)

    @classmethod
    def load(cls, path: Path) -> Built:
        """Read what `save` has written; nothing is built where there is no file."""
        if not path.exists():
            return cls()
        values = json.loads(path.read_text())
        values["stretches"] = [
            Stretch(
                stretch["hours"],
                stretch["lines"],
                Cost(**stretch["build"]),
                Cost(**stretch["maintenance"]),
            )
            for stretch in values["stretches"]
        ]
        values["publications"] = {
            name: [Cost(**cost) for cost in costs] for name, costs in values["publications"].items()
        }
        return cls(**values)

    def save(self, path: Path) -> None:
        """Write the state as JSON."""
        path.write_text(json.dumps(asdict(self)))

    def publication(self, when: str) -> Cost:
        """The median cost of a single publication at the `start` or the `end`."""
        costs = self.publications[when]
        return Cost(
            statistics.median(cost.cpu for cost in costs),
            statistics.median(cost.aws_cpu for cost in costs),
            int(statistics.median(cost.requests for cost in costs)),
            statistics.median(cost.wall for cost in costs),
        )


def build_lake(plan: Plan, bench: Workbench, progress: Callable[[int], None]) -> Built:
    """Build the days that are not built yet; `progress` is called with the number of built days."""
    path = bench.directory / "built.json"
    built, traffic = Built.load(path), Traffic(plan)
    days = [*by_day(plan.first_hour, plan.last_hour)]
    pull_source(bench.lake, bench.lake.settings.sources[0])  # else hours miss the source
    for number in range(built.days, len(days)):
        if number % STRETCH_DAYS == 0:
            built.stretches.append(Stretch())
        _build_day(bench, built, traffic, days, number)
        built.days = number + 1
        built.save(path)
        progress(built.days)
    if not built.is_finished:
        # The first build of a period does this, and in its first hour the lake ends before it.
        visitor_keys.destroy_expired(bench.lake, datetime.now(UTC))
        refresh_views(bench.lake)
        find_suspects(bench.lake)
        refresh_facts(bench.lake)
        built.is_finished = True
        built.save(path)
    return built


def _build_day(bench: Workbench, built: Built, traffic: Traffic, days: Days, number: int) -> None:
    hours, stretch, is_last = [*hour_range(*days[number])], built.stretches[-1], len(days) - 1
    stored = hours[:-1] if number == is_last else hours
    lines = {hour: _store(bench.lake, traffic, hour) for hour in stored}
    if number == is_last:
        lines[hours[-1]] = _pull(bench, traffic, hours[-1])
    when = published_alone(number, len(days))
    singles = min(MOST_SINGLE_HOURS, len(days) // 3) if when else 0
    together, alone = hours[: len(hours) - singles], hours[len(hours) - singles :]
    with bench.measured() as cost:
        for _ in rebuild(bench.lake, together, RUN_ID):
            pass
    stretch.build.add(cost)
    stretch.hours += len(together)
    stretch.lines += sum(lines[hour] for hour in together)
    if when:
        built.publications[when] = [_publish_alone(bench, hour) for hour in alone]
    with bench.measured() as cost:
        is_week_over = number == is_last or number % MAINTENANCE_DAYS == 0
        _maintain(bench.lake, hours[-1].end, is_week_over)
    stretch.maintenance.add(cost)


def published_alone(number: int, days: int) -> str:
    """Return `start` or `end` for the days whose last hours are published one by one.

    The last day is rarely complete, so the day before it is the end; the start is after a week.
    `days` are those that the lake touches, at least three.
    """
    return {min(7, days // 4): "start", days - 2: "end"}.get(number, "")


def _store(lake: Lake, traffic: Traffic, hour: Hour) -> int:
    """Store an hour's lines as a pull does; returns how many."""
    lines = traffic.lines(hour)
    raw.store(lake, hour, RawRange("web-1", "simulated", 0, len(lines), "combined"), lines)
    return lines.count(b"\n")


def _pull(bench: Workbench, traffic: Traffic, hour: Hour) -> int:
    """Write the lake's last hour to the source's log, and pull it; returns the number of lines."""
    lines = traffic.lines(hour)
    (bench.directory / "logs" / "access.log").write_bytes(lines)
    pull_source(bench.lake, bench.lake.settings.sources[0])
    return lines.count(b"\n")


def _publish_alone(bench: Workbench, hour: Hour) -> Cost:
    """Build an hour by the steps of an hourly run; returns the cost of its publication."""
    lake = bench.lake
    cleaned = clean_hits(lake, hour)
    checked = check_hour(lake, build_sessions(lake, cleaned))
    with bench.measured() as cost:
        register_tables(lake, checked, RUN_ID)
    return cost


def _maintain(lake: Lake, end: datetime, is_week_over: bool) -> None:
    """Run the maintenance of a day.

    The lake grows in minutes, so its snapshots and files are too young to expire. Therefore a clock
    that is ahead is used once a week, by which all but the current ones expire.
    """
    keep = lake.settings.maintenance
    compact_days(lake, end + timedelta(hours=keep.compact_after_hours))
    if is_week_over:
        ahead = datetime.now(UTC) + timedelta(days=keep.snapshot_days + keep.grace_days + 1)
        expire_snapshots(lake, ahead)
        # By that clock, keys of days that are being built would be past their window.
        privacy = lake.settings.privacy.model_copy(update={"replay_days": LONG_KEPT})
        settings = lake.settings.model_copy(update={"privacy": privacy})
        sweep_files(replace(lake, settings=settings), ahead)
