"""The process is killed inside and after everything that it writes, and the next run mends it."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest
from tests.support import faults_children as children
from tests.support.faults_lakes import FIRST, assert_same, built_calmly, log_an_hour, through
from tests.support.faults_proxy import Exchange, Fault, FaultsProxy, kills, passes
from tests.support.localaws_process import LocalAwsProcess

from clickstream.settings import Settings

DEATHS_PER_HOUR = 3


class EachPointOnce:
    """A plan by which a run dies at the first point at which none has died before.

    So the runs themselves find the points, one after the other, whatever the code comes to write.
    There are two for each kind of write, `inside` and `after`; before it is after the last one.
    """

    def __init__(self) -> None:
        self.died_at: list[str] = []
        self.victim = 0

    def __call__(self, exchange: Exchange) -> Fault:
        for moment in _moments(exchange):
            point = f"{moment} {exchange.name}"
            if point not in self.died_at:
                self.died_at.append(point)
                return kills(self._pid, moment)
        return passes

    def _pid(self) -> int:
        return self.victim


def _moments(exchange: Exchange) -> Iterator[str]:
    if exchange.is_write and exchange.body:
        yield "inside"
    if exchange.is_write:
        yield "after"


@pytest.mark.timeout(900)
def test_wherever_runs_are_killed_the_next_one_mends_it(
    lake_settings: Settings, local_aws: LocalAwsProcess
) -> None:
    """Real processes, since only the death of one takes threads, sockets and buffers along."""
    plan, hour, died = EachPointOnce(), FIRST, True
    with FaultsProxy(local_aws.endpoint, plan) as proxy:
        while died:
            log_an_hour(lake_settings, hour)
            for _ in range(DEATHS_PER_HOUR):
                before = len(plan.died_at)
                run = children.start(children.run_an_hour, through(lake_settings, proxy), str(hour))
                plan.victim = run.pid
                ended = children.finish(run)
                died = len(plan.died_at) > before
                assert ended == (-signal.SIGKILL if died else children.FINISHED), plan.died_at[-1:]
            children.run_an_hour(children.open_lake(lake_settings), str(hour))
            last, hour = hour, hour.next
    assert_same(children.open_lake(lake_settings), built_calmly(lake_settings, last))
    print(len(plan.died_at), hour, *plan.died_at, sep="\n")
    assert len(plan.died_at) >= 30, plan.died_at
    for kind in ("CreateTable hits", "PUT bookmark intent", "PUT raw", "PUT pending"):
        assert f"after {kind}" in plan.died_at
    for table in ("hits", "session_parts", "rejects", "hour_ledger"):
        assert f"inside PUT {table} data file" in plan.died_at
        assert f"after UpdateTable {table}" in plan.died_at
