"""Cost of a native backfill: a real Airflow builds hours of the simulated café.

    python -m benchmarks.backfill --hours 24

Starts the local stack on free ports, has Airflow backfill `clickstream_hourly` for the last
complete hours, and prints the duration of each task, the CPU time of each part of the stack (also
for the first and the last quarter of the hours), and hours per minute. All runs must succeed, and
`verify` must find no failure. On a shared machine, elapsed time depends on other processes, so use
the CPU time.
"""

from __future__ import annotations

import argparse
import socket
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from shutil import copyfile
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from clickstream.demo.cafe import CafeRules, write_history
from clickstream.demo.stack import AirflowApi, Layout, Ports, Stack, running_stack
from clickstream.demo.stack.layout import HOST
from clickstream.hours import Hour

DAG = "clickstream_hourly"
LINKED = ("Procfile", "dags", "plugins", "include")
SETTINGS = "clickstream.toml"  # a copy, not a link: its paths are relative to its real directory
ALONE = {"CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0"}
DEADLINE_SECONDS = 6 * 3600


@dataclass(frozen=True)
class Milestone:
    """The number of built hours at a time, and each part's CPU seconds until then."""

    hours: int
    at: float
    cpu: Counter[str]


def main() -> None:
    """Backfill the hours in a separate stack, and print the cost."""
    chosen = _arguments()
    last = Hour.of(datetime.now(UTC)).previous  # Airflow creates no runs of future hours
    first = last.minus(chosen.hours - 1)
    with TemporaryDirectory(prefix="backfill-") as folder:
        layout = Layout(Path(folder))
        for name in LINKED:
            (layout.root / name).symlink_to(Path(name).resolve())
        copyfile(SETTINGS, layout.root / SETTINGS)
        lines = write_history(layout.cafe_logs, first, last, CafeRules()).total.lines
        with running_stack(layout, _free_ports(), variables=ALONE) as stack:
            list(stack.ready_parts())
            with stack.airflow() as api:
                stack.wait_until("The DAG", lambda: api.dag_exists(DAG))
                way = [Milestone(0, time.monotonic(), _cpu(stack))]
                api.create_backfill(DAG, first, last, chosen.runs, reprocess="none")

                def finished() -> bool:
                    time.sleep(2)
                    done = api.count_runs(DAG, "success", "failed")
                    way.append(Milestone(done, time.monotonic(), _cpu(stack)))
                    return done >= chosen.hours and not api.count_runs(DAG, "queued", "running")

                stack.wait_until("The backfill", finished, DEADLINE_SECONDS)
                states = Counter(api.run_states(DAG, first, last).values())
                if states != {"success": chosen.hours}:
                    raise SystemExit(f"The runs ended as {dict(states)}.")
                print(f"{chosen.hours} hours, {lines:,} lines, {chosen.runs} runs at once.\n")
                _report(_durations(api, first, last), way)
            _prove(stack)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a native backfill costs.")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--runs", type=int, default=4, help="runs at once")
    return parser.parse_args()


def _free_ports() -> Ports:
    with socket.socket() as first, socket.socket() as second, socket.socket() as third:
        probes = (first, second, third)
        for probe in probes:
            probe.bind((HOST, 0))
        return Ports(*(probe.getsockname()[1] for probe in probes))


def _prove(stack: Stack) -> None:
    """Verify the lake with `clickstream verify`."""
    command = [sys.executable, "-m", "clickstream.cli", "verify"]
    subprocess.run(command, env=stack.environment, cwd=stack.layout.root, check=True)


def _durations(api: AirflowApi, first: Hour, last: Hour) -> dict[str, list[float]]:
    """Task → seconds from start to end of each of its instances."""
    found: dict[str, list[float]] = defaultdict(list)
    for run_id in api.run_ids(DAG, first, last).values():
        for task in api.tasks(DAG, run_id):
            if task["duration"]:
                found[task["task_id"]].append(task["duration"])
    return found


def _cpu(stack: Stack) -> Counter[str]:
    """Return the CPU seconds so far of each part of the stack, including ended tasks."""
    used: Counter[str] = Counter()
    for name, pid in stack.processes.pids().items():
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            with suppress(psutil.NoSuchProcess):  # ended: counted with its parent later
                used[name] += sum(one.cpu_times()[:4])
    return used


def _report(durations: Mapping[str, list[float]], way: Sequence[Milestone]) -> None:
    print("| task | median s |\n| --- | ---: |")
    for name, taken in durations.items():
        print(f"| {name} | {median(taken):.2f} |")
    quarters = [_hourly(*ends) for ends in pairwise(_quarters(way))]
    whole = _hourly(way[0], way[-1])
    columns = [whole, quarters[0], quarters[-1]]
    print("\n| CPU s an hour | all | first quarter | last quarter |\n| --- | ---: | ---: | ---: |")
    for name in [*way[-1].cpu, "all"]:
        print(f"| {name} | {' | '.join(f'{column[name]:.2f}' for column in columns)} |")
    seconds = way[-1].at - way[0].at
    print(f"\n{seconds:.0f} s in all, {way[-1].hours / seconds * 60:.1f} hours a minute.")


def _quarters(way: Sequence[Milestone]) -> list[Milestone]:
    """Return the milestones of the start and of each quarter of the hours."""
    limits = [way[-1].hours * quarter / 4 for quarter in range(5)]
    return [next(stone for stone in way if stone.hours >= limit) for limit in limits]


def _hourly(start: Milestone, end: Milestone) -> dict[str, float]:
    """Return the CPU seconds per hour between two milestones, by part and in total."""
    hours = max(end.hours - start.hours, 1)
    parts = {name: (used - start.cpu[name]) / hours for name, used in end.cpu.items()}
    return {**parts, "all": sum(parts.values())}


if __name__ == "__main__":
    main()
