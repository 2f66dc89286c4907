"""Runs each contestant in its own process, in several rounds, and prints the costs (`make bench`).

Cost is CPU time, user and system, as the kernel counts it for the process and its children, because
on a shared machine the elapsed time depends on other processes. This module imports no large
library, because a child's peak memory starts with that of its parent.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import platform
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.contestants import CONTESTANTS, GROUPS, PARSE, REPORT, WHOLE, Contestant

BENCH = Path("var/bench")
A_FEW = 100
"""Lines of the small log by which the cost of a contestant's start is measured."""
_COUNTED = {PARSE: ("lines parsed",), WHOLE: ("hits", "session parts"), REPORT: ()}
_ONE_THREAD = {"POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1"}

IMPORTED = {
    "pull_logs": "clickstream.pipeline.pull.host",
    "clean_hits, build_sessions, check_hour": "clickstream.pipeline.hour.build",
    "register_tables, refresh_views": "clickstream.pipeline.publish.publish",
    "refresh_facts": "clickstream.pipeline.publish.facts",
}
"""The largest module that tasks of `clickstream_hourly` import, by the names of the tasks."""


@dataclass
class Measured:
    """A contestant's cost in each round, for the start and in total, and its counts."""

    start: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)
    peak_mb: list[float] = field(default_factory=list)
    counts: list[int] = field(default_factory=list)
    stages: list[dict[str, float]] = field(default_factory=list)

    @property
    def without_start(self) -> float:
        """CPU seconds without those of the start."""
        return median(self.cpu) - median(self.start)


def main() -> None:
    """Make the log, run the rounds, print the tables."""
    chosen = _arguments()
    few, log = _make_log(A_FEW), chosen.log or _make_log(chosen.lines)
    lines = _count_lines(log)
    present = [
        contestant
        for contestant in CONTESTANTS
        if contestant.group in chosen.groups and not contestant.is_missing
    ]
    measured: dict[Contestant, Measured] = defaultdict(Measured)
    imports: dict[str, list[float]] = defaultdict(list)
    for turn in range(chosen.rounds):
        for contestant in present:
            _measure(contestant, few, log, measured[contestant])
        for tasks, module in IMPORTED.items():
            imports[tasks].append(_import_cost(module))
        print(f"round {turn + 1} of {chosen.rounds} done", file=sys.stderr)
    _report(measured, lines, chosen.rounds)
    _print_imports(imports)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure speed against peers.")
    parser.add_argument("--lines", type=int, default=500_000, help="2000000 for a large log")
    parser.add_argument(
        "--log", type=Path, help="a gzipped combined log instead of a generated one"
    )
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[*GROUPS])
    return parser.parse_args()


def _make_log(lines: int) -> Path:
    """Return a gzipped log with a number of lines."""
    log = BENCH / f"access-{lines}.log"
    _run([sys.executable, "-m", "benchmarks.generate", str(log), "--lines", str(lines)])
    return log.with_name(f"{log.name}.gz")


def _count_lines(log: Path) -> int:
    with gzip.open(log) as lines:
        return sum(1 for _ in lines)


def _measure(contestant: Contestant, few: Path, log: Path, measured: Measured) -> None:
    """Run a contestant once over a few lines and once over all, and add what it cost."""
    cost, _, _ = _cost(contestant, few)
    measured.start.append(cost)
    began = time.monotonic()
    cost, peak_mb, result = _cost(contestant, log)
    measured.wall.append(time.monotonic() - began)
    measured.cpu.append(cost)
    measured.peak_mb.append(peak_mb)
    measured.counts = [*result["counts"]]
    if "stages" in result:
        measured.stages.append(result["stages"])


def _cost(contestant: Contestant, log: Path) -> tuple[float, float, dict[str, Any]]:
    """Return CPU seconds and peak memory in MB of a contestant, and its output."""
    out = BENCH / "out" / contestant.name.replace(" ", "-")
    out.mkdir(parents=True, exist_ok=True)
    _goaccess_report(out).unlink(missing_ok=True)
    if contestant.is_command:
        shell = contestant.work.format(log=log, out=out, python=sys.executable)
        command = ["sh", "-c", shell]
    else:
        command = [sys.executable, "-m", "benchmarks.contest", contestant.work, str(log), str(out)]
    printed, usage = _run(command)
    result = _goaccess(out) if contestant.is_command else json.loads(printed.splitlines()[-1])
    return result.get("cpu", usage.ru_utime + usage.ru_stime), usage.ru_maxrss / 1024, result


def _import_cost(module: str) -> float:
    """Return the CPU seconds of a new Python process that imports a module."""
    _, usage = _run([sys.executable, "-c", f"import {module}"])
    return float(usage.ru_utime + usage.ru_stime)


def _run(command: list[str]) -> tuple[str, Any]:
    """Return a command's output and the resources of it and its children. Stop if it fails."""
    child = subprocess.Popen(command, stdout=subprocess.PIPE, env=os.environ | _ONE_THREAD)
    assert child.stdout is not None
    printed = child.stdout.read().decode()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"`{' '.join(command)}` failed with {child.returncode}; see its message above.")
    return printed, usage


def _goaccess(out: Path) -> dict[str, Any]:
    """Return the number of lines in GoAccess's report; nothing for a command without a report."""
    report = _goaccess_report(out)
    if not report.exists():
        return {"counts": []}
    return {"counts": [json.loads(report.read_text())["general"]["valid_requests"]]}


def _goaccess_report(out: Path) -> Path:
    return out / "goaccess.json"


def _report(measured: dict[Contestant, Measured], lines: int, rounds: int) -> None:
    print(f"Python {platform.python_version()}, {', '.join(_versions())}; {os.cpu_count()} CPUs")
    for group in dict.fromkeys(contestant.group for contestant in measured):
        rows = [
            (contestant, measures)
            for contestant, measures in measured.items()
            if contestant.group == group
        ]
        print(f"\n{group}: {GROUPS[group]}; {lines:,} lines, median of {rounds}\n")
        _print_rows(rows, _COUNTED[group], lines)
    for contestant in CONTESTANTS:
        if contestant.is_missing:
            print(
                f"\nskipped: {contestant.name} ({contestant.group.lower()}); "
                f"to have it: {contestant.install}"
            )
    for measures in [measures for measures in measured.values() if measures.stages][:1]:
        _print_stages(measures.stages, lines)


def _versions() -> Iterator[str]:
    for name in ("numpy", "pandas", "pyarrow", "duckdb", "polars"):
        with suppress(PackageNotFoundError):
            yield f"{name} {version(name)}"


def _print_rows(
    rows: list[tuple[Contestant, Measured]], counted: tuple[str, ...], lines: int
) -> None:
    ours = rows[0][1]
    heads = (
        "contestant",
        "CPU s",
        "of it start",
        "lines per CPU s",
        "CPU to ours",
        "without start",
        "wall to ours",
        "peak MB",
        *counted,
        "",
    )
    _print_line(*heads)
    _print_line("---", *["---:"] * (len(heads) - 2), "---")
    for contestant, measures in rows:
        cpu = median(measures.cpu)
        counts = [f"{count:,}" for count in measures.counts] or ["-"] * len(counted)
        differs = contestant.exact and measures.counts != ours.counts
        _print_line(
            contestant.name,
            f"{cpu:.2f}" if cpu >= 1 else f"{cpu:.3f}",
            f"{median(measures.start):.2f}",
            f"{lines / cpu:,.0f}",
            f"{cpu / median(ours.cpu):.2f}",
            f"{measures.without_start / ours.without_start:.2f}",
            f"{median(measures.wall) / median(ours.wall):.2f}",
            f"{median(measures.peak_mb):.0f}",
            *counts,
            "NOT THE SAME AS OURS" if differs else contestant.note,
        )


def _print_stages(runs: list[dict[str, float]], lines: int) -> None:
    """Print the CPU time of each stage of our whole pipeline, in total and per line."""
    print("\nCPU time of our whole pipeline by stage, without start and imports\n")
    _print_line("stage", "CPU s", "share", "µs per line", "")
    _print_line("---", *["---:"] * 3, "---")
    cost = {stage: median(run[stage] for run in runs) for stage in runs[0]}
    for stage, cpu in cost.items():
        share, per_line = cpu / sum(cost.values()), cpu / lines * 1e6
        _print_line(stage, f"{cpu:.3f}", f"{share:.0%}", f"{per_line:.2f}", "")


def _print_imports(imports: Mapping[str, list[float]]) -> None:
    """Print the CPU time of a task's imports, which each task pays unless Airflow is warm."""
    print("\nImports of a task of clickstream_hourly, in a new Python process\n")
    print("| tasks | imported module | CPU s |\n| --- | --- | ---: |")
    for tasks, cpu in imports.items():
        print(f"| {tasks} | {IMPORTED[tasks]} | {median(cpu):.2f} |")


def _print_line(first: str, *cells: str) -> None:
    padded = [f"{first:<24}", *(f"{cell:>15}" for cell in cells[:-1]), cells[-1]]
    print("|", " | ".join(padded), "|")


if __name__ == "__main__":
    main()
