"""Cost of one live hour: the CPU time of the work of each task, as in a warm Airflow.

    python -m benchmarks.live_hour --lines 60000 --rounds 5

Tasks of a warm Airflow are forks of a process with all imports. Here, one process runs all tasks,
and its first hour is not counted. Each round has its own lake on a local AWS in another process,
whose CPU time is reported separately, because on AWS that work is not ours.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TypeVar

import boto3
import psutil
from tests.support.localaws_process import LocalAwsProcess

from benchmarks.generate import generate
from clickstream.core.hours import Hour
from clickstream.lake import Lake, open_lake, raw
from clickstream.pipeline.hour.build import build_sessions, check_hour, clean_hits
from clickstream.pipeline.publish.publish import refresh_views, register_tables
from clickstream.pipeline.pull.host import pull_source
from clickstream.settings import AwsSettings, LakeSettings, Settings, SourceSettings
from clickstream.settings.sections import BuildSettings

T = TypeVar("T")

SQL = Path("include/sql")


class Meter:
    """CPU seconds of this process and of the local AWS, by the name of the work."""

    def __init__(self, aws: psutil.Process) -> None:
        self.seconds: dict[str, list[float]] = defaultdict(list)
        self._aws = aws

    def measure(self, name: str, work: Callable[[], T]) -> T:
        """Do work, and record its cost."""
        own, theirs = time.process_time(), self._aws_seconds()
        done = work()
        self.seconds[name].append(time.process_time() - own)
        self.seconds["local AWS"].append(self._aws_seconds() - theirs)
        return done

    def _aws_seconds(self) -> float:
        return float(sum(self._aws.cpu_times()[:4]))


def main() -> None:
    """Generate the log, build it in a separate lake for each round, and print the table."""
    chosen = _arguments()
    with TemporaryDirectory() as folder:
        directory = Path(folder)
        (directory / "logs").mkdir()
        generate(directory / "logs" / "access.log", chosen.lines)
        with LocalAwsProcess(directory / "aws") as server:
            rounds = [
                _hour(_lake(directory, server.endpoint, number), psutil.Process(server.pid))
                for number in range(chosen.rounds + 1)
            ]
    _report(rounds[1:])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what one live hour costs.")
    parser.add_argument("--lines", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=5)
    return parser.parse_args()


def _lake(directory: Path, endpoint: str, number: int) -> Lake:
    settings = Settings(
        sources=(SourceSettings(name="web-1", path=str(directory / "logs"), pattern="access.log"),),
        lake=LakeSettings(bucket=f"round-{number}", database=f"round_{number}"),
        aws=AwsSettings(endpoint_url=endpoint, region="eu-central-1"),
        build=BuildSettings(sql_directory=str(SQL.resolve())),
    )
    return open_lake(settings, boto3.Session("local", "local"))


def _hour(lake: Lake, aws: psutil.Process) -> dict[str, float]:
    """Build the hour with the most lines; returns CPU seconds by task."""
    meter = Meter(aws)
    meter.measure("pull_logs", lambda: pull_source(lake, lake.settings.sources[0]))
    hour = max(raw.pending_hours(lake), key=lambda h: _bytes(lake, h))
    staged = meter.measure("clean_hits", lambda: clean_hits(lake, hour))
    built = meter.measure("build_sessions", lambda: build_sessions(lake, staged))
    checked = meter.measure("check_hour", lambda: check_hour(lake, built))
    meter.measure("register_tables", lambda: register_tables(lake, checked, "bench"))
    refresh_views(lake)  # once for all hours; a live hour finds them up to date
    meter.measure("refresh_views", lambda: refresh_views(lake))
    return {"lines": staged.lines} | {n: sum(seconds) for n, seconds in meter.seconds.items()}


def _bytes(lake: Lake, hour: Hour) -> int:
    return sum(item.size for item in raw.list_raw(lake, hour))


def _report(rounds: list[dict[str, float]]) -> None:
    costs = {name: median(costs_of_round[name] for costs_of_round in rounds) for name in rounds[0]}
    lines, aws = costs.pop("lines"), costs.pop("local AWS")
    print(f"\n{lines:,} lines, median of {len(rounds)} rounds\n\n| task | CPU s |\n| --- | ---: |")
    for name, seconds in costs.items():
        print(f"| {name} | {seconds:.2f} |")
    print(f"| **all tasks** | {sum(costs.values()):.2f} |\n| local AWS, besides | {aws:.2f} |")


if __name__ == "__main__":
    main()
