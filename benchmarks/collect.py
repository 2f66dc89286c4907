"""What it costs to collect logs: many small files, SFTP against OpenSSH's client, many hosts.

    python -m benchmarks.collect files --files 5000 --lines 100
    python -m benchmarks.collect files --files 8760 --lines 1600 --pulls 1

Each measured pull is a process of its own: CPU seconds and peak memory are those of the process,
without the local AWS. Requests are those sent to S3, repeated ones included.
"""

from __future__ import annotations

import argparse
import multiprocessing
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess

from benchmarks.collect_logs import write_hourly_files
from clickstream import pipeline
from clickstream.lake import open_lake
from clickstream.settings import Aws, Settings, Source
from clickstream.settings import Lake as LakeSettings


@dataclass(frozen=True)
class Cost:
    """What some work took in a process of its own, and its result."""

    seconds: float
    cpu: float
    peak_mb: float
    result: Any


def main() -> None:
    """Measure what was chosen and print a table."""
    chosen = _arguments()
    with TemporaryDirectory(dir=chosen.folder) as name:
        chosen.measure(chosen, Path(name))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what it costs to collect logs.")
    parser.add_argument("--folder", type=Path, help="where logs and the local AWS are written")
    commands = parser.add_subparsers(required=True)
    files = commands.add_parser("files", help="many small files of a directory")
    files.add_argument("--files", type=int, default=5_000)
    files.add_argument("--lines", type=int, default=100, help="of each file")
    files.add_argument("--pulls", type=int, default=2, help="the second finds nothing new")
    files.set_defaults(measure=measure_files)
    return parser.parse_args()


def measure_files(chosen: argparse.Namespace, directory: Path) -> None:
    """Pull a directory of many small files, then pull it again."""
    write_hourly_files(directory / "logs", chosen.files, chosen.lines)
    print(f"\n{chosen.files:,} files of {chosen.lines:,} lines\n")
    print("| pull | s | CPU s | peak MB | S3 requests | new lines |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    (directory / "aws").mkdir()
    with LocalAwsProcess(directory / "aws") as aws:
        settings = _settings(aws.endpoint, Source(name="web", path=str(directory / "logs")))
        for number in range(chosen.pulls):
            cost = cost_of(pull_all_files, settings)
            lines, requests = cost.result
            print(
                f"| {number + 1} | {cost.seconds:.1f} | {cost.cpu:.1f} | {cost.peak_mb:.0f} "
                f"| {requests:,} | {lines:,} |",
                flush=True,
            )


def pull_all_files(settings: Settings) -> tuple[int, int]:
    """Pull the one source; returns the number of lines and of requests to S3."""
    requests: list[str] = []
    session = _session()
    session.events.register("before-send.s3", lambda **sent: requests.append(sent["event_name"]))
    lake = open_lake(settings, session)
    requests.clear()
    return pipeline.pull(lake, settings.sources[0]).lines, len(requests)


def _settings(endpoint: str, *sources: Source) -> Settings:
    return Settings(
        sources=sources,
        lake=LakeSettings(bucket="collect-bench", database="collect_bench"),
        aws=Aws(endpoint_url=endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
    )


def _session() -> boto3.Session:
    return boto3.Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


def cost_of(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Do some work in a fresh process, whose start and imports do not count."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_measure, work, arguments).result()


def _measure(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Cost(seconds, cpu, _peak_mb(), result)


def _peak_mb() -> float:
    """Peak memory of this process; `getrusage` would begin with that of its parent."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
