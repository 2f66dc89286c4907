"""The memory of all processes of the stack while Airflow builds hours and the dashboard is open."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import psutil
import pytest
from tests.stack.runs import FINISHED, HOURLY, backfill
from tests.support.lake_settings import ROOT

from clickstream.core.hours import hour_range
from clickstream.dashboard.access.link import login_link
from clickstream.demo.demo import Demo
from clickstream.demo.stack import Stack
from clickstream.demo.stack.stack import read_procfile

MIB = 2**20
MACHINE_MIB = 4096
"""The memory of a t4g.medium, the default of infra/airflow-ec2.yaml."""
PROCESSES = tuple(read_procfile(ROOT / "Procfile"))
PAGES = ("", "visitors", "orders", "trust")


@pytest.mark.deep
def test_a_machine_of_4_gb_holds_the_stack_in_a_backfill(demo: Demo, capsys) -> None:
    last = demo.plan.all.last
    hours = [*hour_range(last.minus(5), last)]
    largest: Counter[str] = Counter()
    with demo.stack.airflow() as api, reader(demo.stack) as browser:
        backfill(api, hours, reprocess="completed", max_active_runs=10)
        pages = visits()

        def is_finished() -> bool:
            nonlocal largest
            assert browser.get(next(pages), timeout=60).is_success
            largest = max(largest, memory_of(demo.stack), key=Counter.total)
            states = api.run_states(HOURLY, hours[0], hours[-1])
            return {*states.values()} <= FINISHED

        demo.stack.wait(lambda: not is_finished())
        demo.stack.wait_until("The backfill", is_finished, 900)
    with capsys.disabled():
        parts = ", ".join(f"{name} {size:,} MiB" for name, size in largest.most_common())
        print(f"\nPSS of the stack: {largest.total():,} MiB at most: {parts}")  # noqa: T201
    assert {*PROCESSES} == {*largest}
    assert largest.total() < MACHINE_MIB


def visits() -> Iterator[str]:
    """Yield the paths of pages of the dashboard, again and again."""
    while True:
        yield from (f"/{page}" for page in PAGES)


@contextmanager
def reader(stack: Stack) -> Iterator[httpx.Client]:
    """Yield a client that is logged in to the dashboard."""
    url = stack.ports.dashboard_url
    with httpx.Client(base_url=url, follow_redirects=True) as client:
        assert client.get(login_link(stack.layout.dashboard, url), timeout=60).is_success
        yield client


def memory_of(stack: Stack) -> Counter[str]:
    """Return the MiB (PSS) of each process of the Procfile with its descendants."""
    sizes: Counter[str] = Counter()
    for name, pid in stack.processes.pids().items():
        if name in PROCESSES:
            family = psutil.Process(pid)
            pids = [pid, *(child.pid for child in family.children(recursive=True))]
            sizes[name] = sum(map(pss, pids)) // MIB
    return sizes


def pss(pid: int) -> int:
    """Return the bytes of a process, with its part of shared pages; 0 if it has ended."""
    with suppress(FileNotFoundError, ProcessLookupError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0
