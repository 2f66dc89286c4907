"""What a native backfill costs: so many hours of the simulated café, built by a real Airflow.

    python -m benchmarks.backfill --hours 24

Starts the local stack on free ports, has Airflow backfill `clickstream_hourly`, and prints how long
each task took, the CPU time of each part of the stack, and hours a minute. On a shared machine the
clock measures the neighbours: go by CPU time.
"""

from __future__ import annotations

import argparse
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from statistics import median
from tempfile import TemporaryDirectory

import psutil

from clickstream.hours import Hour
from clickstream.local.cafe import CafeRules, write_history
from clickstream.local.stack import AirflowApi, Layout, Ports, Stack, running_stack
from clickstream.local.stack.layout import HOST

DAG = "clickstream_hourly"
FIRST = Hour.parse("2026-11-02T00")
LINKED = ("Procfile", "dags", "plugins", "include")
SETTINGS = "clickstream.toml"  # its paths count from where it really lies, so no link
ALONE = {"CLICKSTREAM_BUILD__CATCH_UP_HOURS": "0"}
DEADLINE_SECONDS = 6 * 3600


def main() -> None:
    """Backfill the hours in a stack of its own, and print what it cost."""
    chosen = _arguments()
    last = FIRST.minus(1 - chosen.hours)
    with TemporaryDirectory(prefix="backfill-") as folder:
        layout = Layout(Path(folder))
        for name in LINKED:
            (layout.root / name).symlink_to(Path(name).resolve())
        copyfile(SETTINGS, layout.root / SETTINGS)
        lines = write_history(layout.cafe_logs, FIRST, last, CafeRules()).total.lines
        with running_stack(layout, _free_ports(), variables=ALONE) as stack:
            list(stack.ready_parts())
            with stack.airflow() as api:
                stack.wait_until("The DAG", lambda: api.dag_exists(DAG))
                before, started = _cpu(stack), time.monotonic()
                api.create_backfill(DAG, FIRST, last, chosen.runs, reprocess="none")
                stack.wait_until(
                    "The backfill", lambda: _finished(api, last, chosen.hours), DEADLINE_SECONDS
                )
                seconds, cpu = time.monotonic() - started, _cpu(stack) - before
                print(f"{chosen.hours} hours, {lines:,} lines, {chosen.runs} runs at once.\n")
                _report(_durations(api, last), cpu, chosen.hours, seconds)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what a native backfill costs.")
    parser.add_argument("--hours", type=int, default=24)
    parser.add_argument("--runs", type=int, default=4, help="runs at once")
    return parser.parse_args()


def _free_ports() -> Ports:
    with socket.socket() as one, socket.socket() as other:
        one.bind((HOST, 0))
        other.bind((HOST, 0))
        return Ports(one.getsockname()[1], other.getsockname()[1])


def _finished(api: AirflowApi, last: Hour, hours: int) -> bool:
    time.sleep(2)
    states = Counter(api.run_states(DAG, FIRST, last).values())
    return states["success"] + states["failed"] == hours


def _durations(api: AirflowApi, last: Hour) -> dict[str, list[float]]:
    """Task → seconds from start to end of each of its instances."""
    found: dict[str, list[float]] = defaultdict(list)
    for run_id in api.run_ids(DAG, FIRST, last).values():
        for task in api.tasks(DAG, run_id):
            if task["duration"]:
                found[task["task_id"]].append(task["duration"])
    return found


def _cpu(stack: Stack) -> Counter[str]:
    """CPU seconds so far of each part of the stack, tasks that have ended included."""
    used: Counter[str] = Counter()
    for name, pid in stack.processes.pids().items():
        process = psutil.Process(pid)
        for one in [process, *process.children(recursive=True)]:
            used[name] += sum(one.cpu_times()[:4])
    return used


def _report(
    durations: Mapping[str, list[float]], cpu: Mapping[str, float], hours: int, seconds: float
) -> None:
    print("| task | median s |\n| --- | ---: |")
    for name, taken in durations.items():
        print(f"| {name} | {median(taken):.2f} |")
    print("\n| part | CPU s an hour |\n| --- | ---: |")
    for name, used in cpu.items():
        print(f"| {name} | {used / hours:.2f} |")
    print(f"| **all** | {sum(cpu.values()) / hours:.2f} |")
    print(f"\n{seconds:.0f} s in all, {hours / seconds * 60:.1f} hours a minute.")


if __name__ == "__main__":
    main()
