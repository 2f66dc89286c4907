"""Cost of an hour without repeated values: each line has another path, referrer, agent and client.

    python -m benchmarks.distinct --lines 1000000

Columns are dictionary-encoded, and each distinct value is processed once, so this is the most
expensive hour of its number of lines. A scanner that sends random requests comes close to it. Each
step runs in its own process. The cost of the local AWS, another process, is not counted.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

from tests.support.lakes import settings_of_a_lake
from tests.support.localaws_process import LocalAwsProcess

HOUR = "2026-11-20T17"
MEGABYTE = 1_000_000

_STEP = f"""
import sys, time
from pathlib import Path
from clickstream import pipeline
from clickstream.cli import app
from clickstream.hours import Hour
from clickstream.lake import open_lake
from clickstream.settings import Settings
from tests.support.lakes import aws_session

step, log, settings = sys.argv[1:]
lake, hour = open_lake(Settings.model_validate_json(settings), aws_session()), Hour.parse("{HOUR}")
began = time.process_time()
if step == "try":
    app(["try", "--json", log], standalone_mode=False)
elif step == "pull":
    pipeline.pull(lake, lake.settings.sources[0])
else:
    pipeline.clean_hits(lake, hour)
seconds = time.process_time() - began
peak = Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]
print(seconds, int(peak) * 1024, file=sys.stderr)
"""


class Cost(NamedTuple):
    """CPU seconds of a step, and its process's peak memory in bytes."""

    seconds: float
    peak: int


def main() -> None:
    """Make the log, run each step, print the table."""
    parser = argparse.ArgumentParser(description="Measure an hour in which nothing repeats.")
    parser.add_argument("--lines", type=int, default=1_000_000)
    lines = parser.parse_args().lines
    print("| step | CPU s | peak MB | lines per CPU s |\n| --- | ---: | ---: | ---: |")
    with TemporaryDirectory() as folder, LocalAwsProcess(Path(folder) / "aws") as server:
        logs = Path(folder) / "logs"
        logs.mkdir()
        log = logs / "access.log"
        with log.open("wb") as file:
            file.writelines(_lines(lines))
        settings = settings_of_a_lake(server.endpoint, logs).model_dump_json()
        for step in ("try", "pull", "clean"):
            cost = _run(step, log, settings)
            rate = lines / cost.seconds
            print(f"| {step} | {cost.seconds:.1f} | {cost.peak / MEGABYTE:,.0f} | {rate:,.0f} |")


def _lines(lines: int) -> Iterator[bytes]:
    for number in range(lines):
        second = number * 3600 // lines
        stamp = f"20/Nov/2026:17:{second // 60:02}:{second % 60:02} +0000"
        client = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        yield (
            f'{client} - - [{stamp}] "GET /page-{number:x}x HTTP/1.1" 200 {number % 5000} '
            f'"https://site-{number:x}.example/from" "Mozilla/5.0 (X11; Linux x86_64; '
            f'rv:{number}.0) Gecko/20100101 Firefox/{number}.0"\n'
        ).encode()


def _run(step: str, log: Path, settings: str) -> Cost:
    done = subprocess.run(
        [sys.executable, "-c", _STEP, step, str(log), settings],
        capture_output=True,
        text=True,
        check=True,
    )
    if step == "try":
        json.loads(done.stdout)
    seconds, peak = done.stderr.split()[-2:]
    return Cost(float(seconds), int(peak))


if __name__ == "__main__":
    main()
