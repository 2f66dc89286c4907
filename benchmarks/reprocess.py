"""Cost of building many hours again: a small café's year, or a month of busy days.

    python -m benchmarks.reprocess --hours 168 --lines 2000
    python -m benchmarks.reprocess --hours 48 --lines 41667 --processes 2

The lines of an hour are one of a few generated logs, moved to that hour. All hours are published
for the first time, then built again with the same rules, and once more with a shorter session
timeout. Several processes build one day after another, like Airflow's tasks. At the end, `verify`
must find no failure. CPU seconds are those of the processes; the local AWS is reported separately.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache, wraps
from operator import itemgetter
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
import psutil
from tests.support.localaws_process import LocalAwsProcess

from benchmarks.generate import HOUR, generate
from clickstream.hours import Hour, by_day, hour_range
from clickstream.lake import Lake, open_lake, raw
from clickstream.lake.raw import RawRange
from clickstream.pipeline.backfill import plan_backfill
from clickstream.pipeline.hour import batch
from clickstream.pipeline.proof import verify
from clickstream.pipeline.publish import publish
from clickstream.settings import Aws, Privacy, Sessions, Settings
from clickstream.settings import Lake as LakeSettings

FIRST = Hour.parse("2026-01-01T00")
LONG_KEPT = 3660
LOGS = 8
"""Number of different logs; each hour uses the next one."""

PARTS = (
    *((batch, "build_in_memory"), (batch, "carry_into")),
    *((publish, "start_publication"), (publish, "first_broken_hour")),
)
"""Parts that are measured separately; the rest is `other`."""


@dataclass(frozen=True)
class Cost:
    """Cost of hours: CPU seconds by part, and the peak memory of a process in MB."""

    hours: int
    lines: int
    seconds: Mapping[str, float]
    peak_mb: float


def main() -> None:
    """Make the logs, publish all hours, and measure how they are built again."""
    chosen = _arguments()
    last = FIRST.plus(chosen.hours - 1)
    with TemporaryDirectory() as folder, LocalAwsProcess(Path(folder) / "aws") as server:
        settings, aws = _settings(server.endpoint), psutil.Process(server.pid)
        _store_lines(_open(settings), Path(folder), last, chosen.lines)
        sooner = settings.model_copy(update={"sessions": Sessions(timeout_seconds=900)})
        days = [*by_day(FIRST, last)]
        for run_id, rules in (("first", settings), ("again", settings), ("sooner", sooner)):
            begun, before = time.monotonic(), _cpu(aws)
            costs = _in_processes(rules, days, run_id, chosen.processes)
            _report(run_id, costs, time.monotonic() - begun, _cpu(aws) - before)
        if failures := verify(_open(sooner)).failures:
            raise SystemExit("\n".join(["The lake does not verify.", *failures[:10]]))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what it costs to build hours again.")
    parser.add_argument("--hours", type=int, default=168)
    parser.add_argument("--lines", type=int, default=2000, help="lines in each hour")
    parser.add_argument("--processes", type=int, default=1, help="processes that build days")
    return parser.parse_args()


def _cpu(process: psutil.Process) -> float:
    return float(sum(process.cpu_times()[:4]))


def _settings(endpoint: str) -> Settings:
    return Settings(
        lake=LakeSettings(bucket="year", database="year"),
        aws=Aws(endpoint_url=endpoint, region="eu-central-1"),
        privacy=Privacy(replay_days=LONG_KEPT),  # a new visitor key would change all sessions
    )


def _open(settings: Settings) -> Lake:
    return open_lake(settings, _session())


@cache
def _session() -> boto3.Session:
    """Return one session for all days of a process, as Airflow's tasks inherit one."""
    return boto3.Session("local", "local")


def _store_lines(lake: Lake, directory: Path, last: Hour, lines: int) -> None:
    """Store the raw lines of every hour and its pending marker, like `pull`."""
    logs = [_made(directory / f"{seed}.log", lines, seed) for seed in range(LOGS)]
    written = f"{Hour.parse(HOUR).start:[%d/%b/%Y:%H}".encode()
    for number, hour in enumerate(hour_range(FIRST, last)):
        moved = logs[number % LOGS].replace(written, f"{hour.start:[%d/%b/%Y:%H}".encode())
        raw.store(lake, hour, RawRange("web-1", "made", 0, len(moved), "combined"), moved)


def _made(path: Path, lines: int, seed: int) -> bytes:
    generate(path, lines, seed=seed)
    return path.read_bytes()


def _in_processes(
    settings: Settings, days: Sequence[tuple[Hour, Hour]], run_id: str, processes: int
) -> list[Cost]:
    """Build the days, each in one of several processes."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, mp_context=fresh) as pool:
        end = str(max(last for _, last in days))
        runs = [pool.submit(_day, settings, str(a), str(b), end, run_id) for a, b in days]
        return [run.result() for run in runs]


def _day(settings: Settings, first: str, last: str, end: str, run_id: str) -> Cost:
    """Build a day like a task of `clickstream_reprocess`."""
    seconds: dict[str, float] = defaultdict(float)
    _measure_parts(seconds)
    begun = time.process_time()
    lake = _open(settings)
    backfill = plan_backfill(lake, Hour.parse(first), Hour.parse(last), run_id)
    seconds["opening, what there is to do"] = time.process_time() - begun
    lines = sum(step.published.lines for step in backfill.run(run_ends=Hour.parse(end)))
    measured = sum(seconds.values())
    seconds["other"] = time.process_time() - begun - measured
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return Cost(len(backfill.todo), lines, seconds, peak)


def _measure_parts(seconds: dict[str, float]) -> None:
    for module, name in PARTS:
        function = getattr(module, name)
        setattr(module, name, _measured(getattr(function, "__wrapped__", function), name, seconds))


def _measured(part: Callable[..., Any], name: str, seconds: dict[str, float]) -> Callable[..., Any]:
    @wraps(part)
    def measured(*arguments: Any, **more: Any) -> Any:
        begun = time.process_time()
        try:
            return part(*arguments, **more)
        finally:
            seconds[name] += time.process_time() - begun

    return measured


def _report(run_id: str, costs: Sequence[Cost], wall: float, of_aws: float) -> None:
    hours, lines = sum(one.hours for one in costs), sum(one.lines for one in costs)
    seconds = {name: sum(one.seconds[name] for one in costs) for name in costs[0].seconds}
    total = sum(seconds.values())
    print(f"\n{run_id}: {hours:,} hours, {lines:,} lines, {60 * hours / wall:,.0f} hours a minute")
    print(f"{lines / total:,.0f} lines a CPU second; ", end="")
    print(f"{max(one.peak_mb for one in costs):,.0f} MB at most in a process")
    print("\n| part | CPU ms per hour |\n| --- | ---: |")
    for name, spent in sorted(seconds.items(), key=itemgetter(1), reverse=True):
        print(f"| {name} | {1000 * spent / hours:.1f} |")
    print(f"| **all** | {1000 * total / hours:.1f} |")
    print(f"| local AWS, besides | {1000 * of_aws / hours:.1f} |", flush=True)


if __name__ == "__main__":
    main()
