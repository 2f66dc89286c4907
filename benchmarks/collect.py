"""Cost of log collection: many small files, SFTP compared with OpenSSH's client, many hosts.

    python -m benchmarks.collect files --files 5000 --lines 100
    python -m benchmarks.collect files --files 8760 --lines 1600
    python -m benchmarks.collect sftp --megabytes 200 --rounds 5
    python -m benchmarks.collect hosts --hosts 5 50

Each measured pull runs in its own process. CPU seconds and peak memory are those of this process,
without its imports, the local AWS and the SSH server. Requests are those to S3, with retries. The
SSH server is a real sshd on this machine, from the package openssh-server.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import boto3
from tests.support.localaws_process import CREDENTIALS, LocalAwsProcess
from tests.support.sshd import Sshd, running_sshd

from benchmarks.collect_logs import write_hourly_files, write_large_file
from clickstream.collect import hosts_of
from clickstream.collect.sftp import SftpSource
from clickstream.lake import Lake, open_lake
from clickstream.pipeline.hosts import list_hosts
from clickstream.pipeline.hosts.opening import open_source
from clickstream.pipeline.pull import pull_all, pull_source
from clickstream.pipeline.pull.context import CHUNK_BYTES
from clickstream.settings import Aws, Collect, Settings, Source
from clickstream.settings import Lake as LakeSettings


@dataclass(frozen=True)
class Cost:
    """The cost of work in a separate process, and its result."""

    seconds: float
    cpu: float
    peak_mb: float
    result: Any


def main() -> None:
    """Run the chosen measurement and print a table."""
    chosen = _arguments()
    with TemporaryDirectory(dir=chosen.folder) as name:
        chosen.measure(chosen, Path(name))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Measure what it costs to collect logs.")
    parser.add_argument("--folder", type=Path, help="where logs and the local AWS are written")
    commands = parser.add_subparsers(required=True)
    files = commands.add_parser("files", help="many small files of a directory")
    files.add_argument("--files", type=int, default=5_000)
    files.add_argument("--lines", type=int, default=100, help="lines of each file")
    files.add_argument(
        "--pulls", type=int, default=2, help="number of pulls; the second finds nothing new"
    )
    files.set_defaults(measure=measure_files)
    sftp = commands.add_parser("sftp", help="one large file, compared with OpenSSH's client")
    sftp.add_argument("--megabytes", type=int, default=200)
    sftp.add_argument("--rounds", type=int, default=5)
    sftp.set_defaults(measure=measure_sftp)
    hosts = commands.add_parser("hosts", help="many hosts in one run")
    hosts.add_argument("--hosts", type=int, nargs="+", default=[5, 50])
    hosts.add_argument("--megabytes", type=int, default=10, help="size of each host's log")
    hosts.add_argument(
        "--at-once", type=int, default=4, help="hosts that are pulled at the same time"
    )
    hosts.set_defaults(measure=measure_hosts)
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
    return pull_source(lake, settings.sources[0]).lines, len(requests)


def measure_sftp(chosen: argparse.Namespace, directory: Path) -> None:
    """Read a large log by one client after another: OpenSSH's, ours, and a whole pull of ours."""
    write_large_file(directory / "logs" / "access.log", chosen.megabytes * 1_000_000)
    (directory / "aws").mkdir()
    costs: dict[str, list[Cost]] = defaultdict(list)
    with running_sshd(directory / "sshd") as sshd, LocalAwsProcess(directory / "aws") as aws:
        source = sshd.source("web", directory / "logs", pattern="access.log")
        for number in range(chosen.rounds):
            settings = _settings(aws.endpoint, source, number=number, known=sshd.known_hosts)
            costs["sftp get"].append(sftp_get(sshd, directory / "logs" / "access.log"))
            costs["our SFTP, nothing stored"].append(cost_of(read_over_sftp, settings))
            costs["our whole pull"].append(cost_of(pull_hosts, settings, 1))
            print(f"round {number + 1} of {chosen.rounds} done", file=sys.stderr)
    _report_sftp(costs, chosen)


def _report_sftp(costs: dict[str, list[Cost]], chosen: argparse.Namespace) -> None:
    print(f"\n{chosen.megabytes} MB, median of {chosen.rounds} interleaved rounds\n")
    print("| client | CPU s | minimum to maximum | ratio to sftp get | s | peak MB |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    base = median(one.cpu for one in costs["sftp get"])
    for name, found in costs.items():
        cpu = sorted(one.cpu for one in found)
        print(
            f"| {name} | {median(cpu):.2f} | {cpu[0]:.2f} to {cpu[-1]:.2f} "
            f"| {median(cpu) / base:.2f} | {median(one.seconds for one in found):.1f} "
            f"| {_shown(max(one.peak_mb for one in found))} |"
        )


def _shown(megabytes: float) -> str:
    return f"{megabytes:.0f}" if megabytes else ""


def sftp_get(sshd: Sshd, log: Path) -> Cost:
    """Fetch a file by OpenSSH's client; the CPU time is that of sftp and of its ssh."""
    options = ["-q", "-b", "-", "-P", str(sshd.port), "-i", str(sshd.key_file)]
    options += ["-o", f"UserKnownHostsFile={sshd.known_hosts}", "-o", "IdentitiesOnly=yes"]
    command = ["sftp", "-F", "none", *options, f"{sshd.user}@127.0.0.1"]
    copy = log.parent.with_name("copy")
    began = time.perf_counter()
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert child.stdin is not None
    child.stdin.write(f"get {log} {copy}\n".encode())
    child.stdin.close()
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode or copy.stat().st_size != log.stat().st_size:
        sys.exit(f"sftp failed with status {child.returncode}.")
    seconds, cpu = time.perf_counter() - began, usage.ru_utime + usage.ru_stime
    return Cost(seconds, cpu, 0, None)


def read_over_sftp(settings: Settings) -> int:
    """Read the host's only log as a pull does, without storing it; return its size."""
    offset = 0
    [host] = hosts_of(settings.sources[0])
    with open_source(Lake(settings, _session()), host) as source:
        assert isinstance(source, SftpSource)
        [file] = source.list()
        with source.open(file.name) as handle:
            while data := handle.read(offset, CHUNK_BYTES):
                offset += data.rfind(b"\n") + 1 or len(data)
    assert offset == file.stat.size
    return offset


def pull_hosts(settings: Settings, at_once: int) -> int:
    """Pull every host of the settings; returns the number of lines."""
    lake = open_lake(settings, _session())
    lines = 0
    for _, pulled in pull_all(lake, list_hosts(lake), at_once):
        if isinstance(pulled, Exception):
            raise pulled
        lines += pulled.lines
    return lines


def measure_hosts(chosen: argparse.Namespace, directory: Path) -> None:
    """Pull from a few hosts and from many; each is a directory of the same sshd."""
    (directory / "aws").mkdir()
    print(f"\nhosts with {chosen.megabytes} MB each, {chosen.at_once} at a time\n")
    print("| hosts | s | CPU s | peak MB | lines |\n| ---: | ---: | ---: | ---: | ---: |")
    with running_sshd(directory / "sshd") as sshd, LocalAwsProcess(directory / "aws") as aws:
        for number, hosts in enumerate(chosen.hosts):
            sources = [
                sshd.source(f"web-{host}", directory / f"{hosts}-{host}") for host in range(hosts)
            ]
            for source in sources:
                write_large_file(Path(source.path) / "access.log", chosen.megabytes * 1_000_000)
            settings = _settings(aws.endpoint, *sources, number=number, known=sshd.known_hosts)
            cost = cost_of(pull_hosts, settings, chosen.at_once)
            print(
                f"| {hosts} | {cost.seconds:.1f} | {cost.cpu:.1f} | {cost.peak_mb:.0f} "
                f"| {cost.result:,} |",
                flush=True,
            )


def _settings(
    endpoint: str, *sources: Source, number: int = 0, known: Path = Path("known_hosts")
) -> Settings:
    """Return the settings of the lake with a number."""
    return Settings(
        sources=sources,
        collect=Collect(known_hosts=str(known)),
        lake=LakeSettings(bucket=f"collect-{number}", database=f"collect_{number}"),
        aws=Aws(endpoint_url=endpoint, region=CREDENTIALS["AWS_DEFAULT_REGION"]),
    )


def _session() -> boto3.Session:
    return boto3.Session(CREDENTIALS["AWS_ACCESS_KEY_ID"], CREDENTIALS["AWS_SECRET_ACCESS_KEY"])


def cost_of(work: Callable[..., Any], *arguments: Any) -> Cost:
    """Do work in a new process; its start and imports are not counted."""
    fresh = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=fresh) as pool:
        return pool.submit(_measure, work, arguments).result()


def _measure(work: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    began, cpu = time.perf_counter(), time.process_time()
    result = work(*arguments)
    seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    return Cost(seconds, cpu, _peak_mb(), result)


def _peak_mb() -> float:
    """Return the peak memory of this process; that of `getrusage` starts with its parent's."""
    status = Path("/proc/self/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) / 1024


if __name__ == "__main__":
    main()
